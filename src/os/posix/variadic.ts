/**
 * C functions with a variable number of arguments, `int open(const char *path, int flags, ...)`. No FFI can be told that
 * a function is one. Mostly it makes no difference; but on Apple's arm64 those arguments lie on the stack, where others
 * come to lie only after eight in registers. So the one such argument is passed over and over, in every place where the
 * function may look for it; what nobody looks at does no harm in any C calling convention.
 *
 * Rests on
 * [Writing ARM64 code for Apple platforms](https://developer.apple.com/documentation/xcode/writing-arm64-code-for-apple-platforms).
 */
import type { Prototype } from "../../ffi/contract.ts";

/** Arguments that are passed in registers. */
const REGISTERS = 8;

/** A prototype whose last argument is repeated until it is on the stack. */
export function repeatingLast(prototype: Prototype): Prototype {
  return { ...prototype, parameters: untilOnStack(prototype.parameters) };
}

/** Calls a function of such a prototype as one of the prototype that was given. */
export function callRepeatingLast<Values extends readonly unknown[], Result>(
  call: (...values: Values) => Result,
): (...values: Values) => Result {
  return (...values) => (call as (...values: readonly unknown[]) => Result)(...untilOnStack(values));
}

function untilOnStack<Value>(values: readonly Value[]): Value[] {
  const last = values[values.length - 1];
  return [...values, ...new Array<Value>(REGISTERS + 1 - values.length).fill(last)];
}
