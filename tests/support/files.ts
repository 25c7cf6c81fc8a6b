/** Temporary files: real ones, in a directory of their own that is removed when the test process ends. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd } from "./at_end.ts";

let directory: string | undefined;
let count = 0;

/** Made when it is first needed, since processes that are going to crash cannot remove it. */
function ownDirectory(): string {
  if (directory === undefined) {
    const made = mkdtempSync(join(tmpdir(), "mmap-test-"));
    atEnd(() => rmSync(made, { recursive: true, force: true }));
    directory = made;
  }
  return directory;
}

/** A path at which nothing exists yet. */
export function freshPath(name = "file"): string {
  return join(ownDirectory(), `${name}-${count++}`);
}

/** The path of a new file that holds `content`. A number stands for that many bytes, counting up from 0 and around. */
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
