/**
 * C functions with a variable number of arguments, such as `int open(const char *path, int flags, ...)`. No FFI can be
 * told that a function is variadic. Mostly that makes no difference. But on Apple's arm64, variable arguments lie on
 * the stack, where others come to lie only after eight in registers. So the one such argument is passed over and over,
 * in every place where the function may look for it. In every C calling convention, arguments that nobody looks at do
 * no harm.
 *
 * See [Writing ARM64 code for Apple
 * platforms](https://developer.apple.com/documentation/xcode/writing-arm64-code-for-apple-platforms).
 */
import type { Prototype } from "../../ffi/contract.ts";

/** How many arguments are passed in registers. */
const REGISTERS = 8;

/** A prototype whose last argument is repeated until it lies on the stack. */
export function repeatingLast(prototype: Prototype): Prototype {
  return { ...prototype, parameters: untilOnStack(prototype.parameters) };
}

/** Lets a function with such a prototype be called with the original arguments. */
export function callRepeatingLast<Values extends readonly unknown[], Result>(
  call: (...values: Values) => Result,
): (...values: Values) => Result {
  return (...values) => (call as (...values: readonly unknown[]) => Result)(...untilOnStack(values));
}

function untilOnStack<Value>(values: readonly Value[]): Value[] {
  const last = values[values.length - 1];
  return [...values, ...new Array<Value>(REGISTERS + 1 - values.length).fill(last)];
}
