/** Temporary files: real ones, in a directory of their own that is removed when the test process ends. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

const directory = mkdtempSync(join(tmpdir(), "mmap-test-"));
process.on("exit", () => rmSync(directory, { recursive: true, force: true }));

let count = 0;

/** A path at which there is nothing yet. */
export function freshPath(name = "file"): string {
  return join(directory, `${name}-${count++}`);
}

/** The path of a new file that holds `content`; a number is that many bytes, counting up from 0 and around. */
export function fileOf(content: string | Uint8Array | number): string {
  const path = freshPath();
  writeFileSync(path, typeof content === "number" ? countingBytes(content) : content);
  return path;
}

/** 0, 1, 2, …, 255, 0, … */
export function countingBytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).map((_, index) => index);
}

/** Whether there is anything at the path. */
export const exists: (path: string) => boolean = existsSync;
