import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { platform } from "../mod.ts";
import type { Prototype } from "../src/ffi/contract.ts";
import { host } from "../src/host.ts";
import { type PosixTarget, targetOf } from "../src/os/columns.ts";
import { constantsOf } from "../src/os/posix/numbers.ts";
import { isWindows } from "./support/systems.ts";

// The same contract, on each runtime.
const { ffi } = host();

const LIBRARIES = isWindows
  ? ["kernel32.dll"]
  : constantsOf(targetOf(platform.os, platform.arch) as PosixTarget).libraries;

/** A function that is there. */
const PID = isWindows ? "GetCurrentProcessId" : "getpid";

const INT: Prototype = { parameters: [], result: "i32" };
const OPTIONAL: Prototype = { ...INT, optional: true };

test("what may be missing is undefined, and what is there is a function", () => {
  const functions = ffi.load(LIBRARIES, { [PID]: OPTIONAL, no_such_function: OPTIONAL });
  assertEquals([typeof functions[PID], functions.no_such_function], ["function", undefined]);
  assertEquals(functions[PID]!(), host().system.pid());
});

test("what has to be there and is not is an error", () => {
  assertThrows(() => ffi.load(LIBRARIES, { [PID]: INT, no_such_function: INT }));
});

test("the first library that is there is taken", () => {
  const functions = ffi.load(["no-such-library.so", ...LIBRARIES, "no-other-library.so"], { [PID]: INT });
  assertEquals(functions[PID](), host().system.pid());
});

test("where there is no library, the error names each that was tried", () => {
  const { message } = assertThrows(
    () => ffi.load(["no-such-library.so", "no-other-library.so"], { [PID]: INT }),
    Error,
  );
  for (const name of ["no-such-library.so", "no-other-library.so"]) assert(message.includes(name), message);
});

test("a function is called on another thread, time and again", async () => {
  const call = { libraries: LIBRARIES, name: PID, prototype: INT };
  const results = await Promise.all([ffi.inBackground(call, []), ffi.inBackground(call, [])]);
  assertEquals([...results, await ffi.inBackground(call, [])], new Array(3).fill(host().system.pid()));
});
