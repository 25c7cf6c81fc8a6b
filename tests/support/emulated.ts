/** Tests in qemu, as tools/arm64.ts runs them: the processor is another one, and so is a part of the system. */
import process from "node:process";

/** The program that runs the runtime and its children. Nothing if the processor can run them itself. */
export const EMULATOR: string | undefined = process.env.MMAP_TESTS_EMULATOR;

/**
 * An option of a test that Linux passes and qemu, which stands in for it, does not: `why`. Nothing elsewhere, so that it
 * can follow other reasons to skip: `{ ...onLinux("smaps"), ...notInQemu("has a smaps of its own") }`.
 */
export function notInQemu(why: string): { readonly skip?: string } {
  return EMULATOR === undefined ? {} : { skip: `qemu: ${why}` };
}
