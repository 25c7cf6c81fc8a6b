/** For tests in qemu, as tools/arm64.ts runs them. The processor is another one, and so is a part of the system. */
import process from "node:process";

/** The program that runs the runtime and its children. `undefined` if the processor can run them itself. */
export const EMULATOR: string | undefined = process.env.MMAP_TESTS_EMULATOR;

/**
 * Options for a test that passes on Linux, but not in qemu, and `why`. Elsewhere they are empty, so they can follow
 * other reasons to skip: `{ ...onLinux("smaps"), ...notInQemu("has a smaps of its own") }`.
 */
export function notInQemu(why: string): { readonly skip?: string } {
  return EMULATOR === undefined ? {} : { skip: `qemu: ${why}` };
}
