/** Makes bytes for inputs, and other views of them. */
import { Buffer } from "node:buffer";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Bytes } from "./case.ts";

/** Bytes that look random. The same seed gives the same bytes. Compression does not make them shorter. */
export function noise(length: number, seed: number): Bytes {
  const words = new Uint32Array(Math.ceil(length / 4));
  let state = Math.imul(seed, 0x9e3779b1) | 1;
  for (let at = 0; at < words.length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[at] = state;
  }
  return new Uint8Array(words.buffer, 0, length);
}

/** Lower-case letters, without line breaks or quotation marks. */
export function letters(length: number, seed: number): string {
  const bytes = noise(length, seed).map((byte) => 97 + byte % 26);
  return new TextDecoder().decode(bytes);
}

/** A copy of the bytes in a buffer of its own, as a plain Uint8Array. */
export function own(bytes: ArrayBuffer | ArrayBufferView): Bytes {
  if (bytes instanceof ArrayBuffer) return new Uint8Array(bytes.slice(0));
  return Uint8Array.from(new Uint8Array(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength));
}

export function utf8(text: string): Bytes {
  return new TextEncoder().encode(text);
}

export function joined(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** A Buffer over the same memory. */
export function bufferOver(bytes: Bytes): Buffer<ArrayBuffer> {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** Numbers over the same memory. */
export function floatsOver(bytes: Bytes): Float32Array<ArrayBuffer> {
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
}

/** The bytes that a function writes to a path. */
export async function written(write: (path: string) => unknown): Promise<Bytes> {
  const directory = mkdtempSync(join(tmpdir(), "compat-written-"));
  try {
    const path = join(directory, "file");
    await write(path);
    return Uint8Array.from(readFileSync(path));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** 32-bit floats, none of them NaN. The same seed gives the same numbers. */
export function numbers(size: number, seed: number): Bytes {
  const words = new Uint32Array(noise(size & ~3, seed).buffer, 0, size >> 2);
  return new Uint8Array(Float32Array.from(words, (word) => word / 2 ** 16).buffer);
}
