// The calls that lock a file on macOS, FreeBSD and Windows, tested without any of these systems. constants_test.ts
// compares their numbers with their headers.
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { MmapError } from "../mod.ts";
import type { LockRequest } from "../src/os/contract.ts";
import { darwinLocking } from "../src/os/darwin/locks.ts";
import { DARWIN } from "../src/os/darwin/numbers.ts";
import { freebsdLocking } from "../src/os/freebsd/locks.ts";
import { FREEBSD } from "../src/os/freebsd/numbers.ts";
import type { Libc } from "../src/os/posix/libc.ts";
import { constantsOf } from "../src/os/posix/numbers.ts";
import { WIN32_ERRORS } from "../src/os/windows/errors.ts";
import type { Kernel32 } from "../src/os/windows/kernel32.ts";
import { windowsLocking } from "../src/os/windows/locks.ts";

const ALONE: LockRequest = { shared: false, start: 0, length: undefined };
const PART: LockRequest = { shared: true, start: 2 ** 32 + 5, length: 7 };

function error(code: string, syscall: string): MmapError {
  return new MmapError({ code, errno: 0, syscall, reason: "it says so" });
}

/** What a C library that does not exist is asked, and how it answers. */
interface Pretence {
  fcntl?(descriptor: number, command: number, argument: bigint): number;
  open?(path: string, flags: number): number;
  openat?(descriptor: number, path: string, flags: number): number;
  flock?(descriptor: number, operation: number): number;
  /** The name of errno after a call that failed. */
  code?: string;
}

/** Bytes by the addresses that they pretend to have. */
const memory: Uint8Array[] = [];

function libcOf(target: "darwin" | "freebsd", pretence: Pretence): Libc {
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  const functions = {
    memcpy: (bytes: Uint8Array) => BigInt(memory.push(bytes) - 1),
    fcntl: pretence.fcntl,
    close: () => 0,
    open: (path: Uint8Array, flags: number) => pretence.open!(text(path), flags),
    openat: (descriptor: number, path: Uint8Array, flags: number) => pretence.openat!(descriptor, text(path), flags),
    flock: pretence.flock,
  };
  const failure = (syscall: string) => error(pretence.code!, syscall);
  return {
    functions,
    constants: constantsOf(target),
    ffi: { load: () => functions },
    get code(): string {
      return pretence.code!;
    },
    failure,
    failUnless(codes: readonly string[], syscall: string): void {
      if (!codes.includes(pretence.code!)) throw failure(syscall);
    },
    error,
    check(result: number, syscall: string): number {
      if (result === -1) throw failure(syscall);
      return result;
    },
  } as unknown as Libc;
}

test("macOS is given its own struct flock", () => {
  const given: unknown[] = [];
  const libc = libcOf("darwin", {
    fcntl(descriptor, command, address) {
      const view = new DataView(memory[Number(address)].buffer);
      const [start, length] = [view.getBigInt64(0, true), view.getBigInt64(8, true)];
      given.push([descriptor, command, start, length, view.getInt16(20, true), view.getInt16(22, true)]);
      return 0;
    },
  });
  const locking = darwinLocking(libc, () => "");
  assertEquals([locking.tryLock(3, ALONE), locking.tryLock(4, PART)], [true, true]);
  locking.unlock(4, PART);
  const [read, unlock, write] = [1, 2, 3];
  assertEquals(given, [
    [3, DARWIN.F_OFD_SETLK, 0n, 2n ** 63n - 2n, write, 0],
    [4, DARWIN.F_OFD_SETLK, BigInt(PART.start), 7n, read, 0],
    [4, DARWIN.F_OFD_SETLK, BigInt(PART.start), 7n, unlock, 0],
  ]);
});

test("a lock that others have is no error, a signal is not heeded, and everything else is an error", () => {
  const codes = ["EINTR", "EINTR", "EAGAIN"];
  const pretence: Pretence = {
    fcntl() {
      pretence.code = codes.shift();
      return pretence.code ? -1 : 0;
    },
  };
  const locking = darwinLocking(libcOf("darwin", pretence), () => "");
  assertEquals([locking.tryLock(3, ALONE), codes.length], [false, 0]);
  codes.push("EINTR");
  assertEquals(locking.tryLock(3, ALONE), true);
  // A server or a policy that refuses would never be out of the way.
  for (const code of ["EACCES", "ENOLCK", "EBADF"]) {
    codes.push(code);
    assertEquals(assertThrows(() => locking.tryLock(3, ALONE), MmapError).code, code);
  }
});

/** A macOS on which a descriptor that only reads is that of a path. */
function macWith(path: string | undefined, pretence: Pretence = {}): Libc {
  const made: Pretence = {
    code: "EBADF",
    fcntl(_descriptor, command, argument) {
      if (command !== DARWIN.F_GETPATH) return 0; // O_RDONLY
      if (path === undefined) return -1;
      new TextEncoder().encodeInto(`${path}\0`, memory[Number(argument)]);
      return 0;
    },
    ...pretence,
  };
  return libcOf("darwin", made);
}

test("macOS opens a file again by its path, and asks for it if the descriptor cannot do as much", () => {
  const opened: unknown[] = [];
  const libc = macWith("/a/b", { open: (path, flags) => opened.push([path, flags & 3]) });
  const locking = darwinLocking(libc, () => "same");
  const asked: string[] = [];
  const authorize = (path: string) => void asked.push(path);
  locking.reopen(3, true, authorize);
  assertEquals(asked, []);
  locking.reopen(3, false, authorize);
  assertEquals([asked, opened], [["/a/b"], [["/a/b", 0], ["/a/b", 1]]]);
});

test("macOS refuses another file at that path, and memory, which has none", () => {
  const others = darwinLocking(macWith("/a/b", { open: () => 9 }), String);
  assertEquals(assertThrows(() => others.reopen(3, true, () => {}), MmapError).code, "ESTALE");
  const memory = darwinLocking(macWith(undefined), String);
  assertEquals(assertThrows(() => memory.reopen(3, true, () => {}), MmapError).code, "ENOTSUP");
});

test("FreeBSD opens a descriptor again with the access that it has", () => {
  const opened: unknown[] = [];
  const libc = libcOf("freebsd", {
    fcntl: () => 0x8002, // O_RDWR, and something else
    openat: (descriptor, path, flags) => opened.push([descriptor, path, flags & 3, flags & FREEBSD.O_EMPTY_PATH]),
  });
  freebsdLocking(libc).reopen(3, true, () => {});
  assertEquals(opened, [[3, "", 2, FREEBSD.O_EMPTY_PATH]]);
  for (const [code, expected] of [["ENOENT", "ENOTSUP"], ["EMFILE", "EMFILE"]]) {
    const locking = freebsdLocking(libcOf("freebsd", { fcntl: () => 0, openat: () => -1, code }));
    assertEquals(assertThrows(() => locking.reopen(3, true, () => {}), MmapError).code, expected);
  }
});

test("Windows is given where a lock begins and how long it is, in halves", () => {
  const given: unknown[] = [];
  let [result, lastError] = [1, 0];
  const halvesOf = (overlapped: Uint8Array): number[] => [...new Uint32Array(overlapped.buffer)].slice(4, 6);
  const functions = {
    LockFileEx(handle: bigint, flags: number, zero: number, low: number, high: number, overlapped: Uint8Array): number {
      given.push([handle, flags, zero, low, high, ...halvesOf(overlapped)]);
      return result;
    },
    UnlockFileEx(handle: bigint, zero: number, low: number, high: number, overlapped: Uint8Array): number {
      given.push([handle, zero, low, high, ...halvesOf(overlapped)]);
      return result;
    },
  };
  const kernel32 = {
    ffi: { load: () => functions },
    get lastError(): number {
      return lastError;
    },
    failure: (syscall: string) => error(`${lastError}`, syscall),
    check() {},
  } as unknown as Kernel32;
  const locking = windowsLocking(kernel32, (handle) => handle as bigint, () => 8n);

  assertEquals(locking.tryLock(8n, ALONE), true);
  locking.tryLock(8n, PART);
  locking.tryLock(8n, { shared: false, start: 10, length: undefined });
  locking.unlock(8n, PART);
  const [immediately, alone, most] = [1, 2, 2 ** 32 - 1];
  assertEquals(given, [
    [8n, immediately | alone, 0, most, most, 0, 0],
    [8n, immediately, 0, 7, 0, 5, 1],
    [8n, immediately | alone, 0, most - 10, most, 10, 0],
    [8n, 0, 7, 0, 5, 1],
  ]);

  [result, lastError] = [0, WIN32_ERRORS.LOCK_VIOLATION];
  assertEquals(locking.tryLock(8n, ALONE), false);
  lastError = WIN32_ERRORS.ACCESS_DENIED;
  assertThrows(() => locking.tryLock(8n, ALONE), MmapError);
});
