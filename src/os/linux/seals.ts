/** Seals of memory, through [F_ADD_SEALS](https://man7.org/linux/man-pages/man2/F_ADD_SEALS.2const.html). */
import type { Seal } from "../../vocabulary.ts";
import type { Libc } from "../posix/libc.ts";
import { LINUX, SEAL_BITS } from "./numbers.ts";

const BITS: Readonly<Record<Seal, number>> = {
  "shrink": SEAL_BITS.F_SEAL_SHRINK,
  "grow": SEAL_BITS.F_SEAL_GROW,
  "write": SEAL_BITS.F_SEAL_WRITE,
  "future-write": SEAL_BITS.F_SEAL_FUTURE_WRITE,
  "seal": SEAL_BITS.F_SEAL_SEAL,
};

/** The reasons for error numbers that could mean anything. */
const REASONS: Readonly<Record<string, string>> = {
  EBUSY: 'somebody has the memory mapped shared and can write to it, maybe this region; "future-write" lets them go on',
  EINVAL: "this is not memory that can be sealed: it takes ANONYMOUS, or a memfd that allows it",
  EPERM: 'the descriptor cannot write, or the memory has the seal "seal"',
};

/** Seals the memory behind a descriptor. */
export function addSeals(libc: Libc, descriptor: number, seals: readonly Seal[]): void {
  const bits = seals.reduce((sum, word) => sum | BITS[word], 0);
  if (libc.functions.fcntl(descriptor, LINUX.F_ADD_SEALS, BigInt(bits)) === 0) return;
  const error = libc.failure("fcntl");
  const reason = REASONS[error.code];
  throw reason === undefined ? error : libc.error(error.code, "fcntl", reason);
}
