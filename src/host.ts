/**
 * The composition root. It finds out which runtime and which system this is, and makes the one FFI and the one System
 * of this thread when they are first needed. Only this file sees both axes.
 */
import { MmapError } from "./error.ts";
import { type BufferModule, bunFfi, type BunFfiModule } from "./ffi/bun.ts";
import type { Ffi, FileSystem } from "./ffi/contract.ts";
import { denoFfi, type DenoNamespace } from "./ffi/deno.ts";
import { nodeFfi, type NodeFfiModule, type NodeProcess } from "./ffi/node.ts";
import type { WorkerThreads } from "./ffi/threads.ts";
import { type Target, targetOf } from "./os/columns.ts";
import type { System } from "./os/contract.ts";
import { darwin } from "./os/darwin/system.ts";
import { freebsd } from "./os/freebsd/system.ts";
import type { Identities, Identity } from "./os/identity.ts";
import { linuxIdentities } from "./os/linux/identity.ts";
import { linux } from "./os/linux/system.ts";
import { posixIdentities } from "./os/posix/identity.ts";
import { windowsIdentities } from "./os/windows/identity.ts";
import { windows } from "./os/windows/system.ts";
import type { OperatingSystem, Runtime } from "./types.ts";

/** The globals of the three runtimes: what they have in common, and how they differ. */
interface Globals {
  readonly Deno?: DenoNamespace & { readonly build: { readonly os: string; readonly arch: string } };
  readonly Bun?: unknown;
  readonly process: NodeProcess & {
    readonly platform: string;
    readonly arch: string;
    readonly version: string;
    getBuiltinModule(name: string): unknown;
  };
}

const globals = globalThis as unknown as Globals;

/** The names that runtimes have for systems and processors, if they differ from ours. */
const SYSTEMS: Readonly<Record<string, OperatingSystem>> = { win32: "windows" };
const PROCESSORS: Readonly<Record<string, string>> = { x86_64: "x64", aarch64: "arm64" };

/** The runtime. */
export const runtime: Runtime = globals.Deno ? "deno" : globals.Bun ? "bun" : "node";

/** Deno is not asked for its `process`: loading all that Deno has of Node takes ten times as long as this library. */
const build = globals.Deno?.build ?? { os: globals.process.platform, arch: globals.process.arch };

/** The operating system. Other names are passed on as the runtime has them, and {@linkcode host} refuses them. */
export const os: OperatingSystem = SYSTEMS[build.os] ?? (build.os as OperatingSystem);

/** The processor: `"x64"`, `"arm64"`. */
export const arch: string = PROCESSORS[build.arch] ?? build.arch;

/** The FFI of this runtime and the system that it runs on. */
export interface Host {
  readonly ffi: Ffi;
  readonly system: System;
}

let made: Host | undefined;

/** The host of this thread. The first call opens the system's library. */
export function host(): Host {
  return made ??= make();
}

/** Sets another host for this thread. Tests use it to run the library on systems that lack what this one has. */
export function useHost(other: Host): void {
  made = other;
}

function make(): Host {
  const target = checkedTarget();
  const ffi = makeFfi();
  return { ffi, system: systemOf(ffi, target) };
}

function checkedTarget(): Target {
  const target = targetOf(os, arch);
  if (target !== undefined) return target;
  throw new MmapError({ code: "ENOTSUP", errno: 0, syscall: "mmap", reason: `${os} on ${arch} is not supported` });
}

export type { Identities, Identity };

let known: Identities | undefined;

/** Who is who among the threads and processes of this system. Few programs ask, so it is made at the first call. */
export function identities(): Identities {
  return known ??= identitiesOf(host().ffi, checkedTarget());
}

function identitiesOf(ffi: Ffi, target: Target): Identities {
  switch (target) {
    case "windows":
      return windowsIdentities(ffi);
    case "darwin":
    case "freebsd":
      return posixIdentities(ffi, target);
    default:
      return linuxIdentities(ffi, target);
  }
}

function systemOf(ffi: Ffi, target: Target): System {
  switch (target) {
    case "windows":
      return windows(ffi, arch);
    case "darwin":
      return darwin(ffi, arch);
    case "freebsd":
      return freebsd(ffi);
    default:
      return linux(ffi, target);
  }
}

const workers = (): WorkerThreads => globals.process.getBuiltinModule("node:worker_threads") as WorkerThreads;

const files = (): FileSystem => globals.process.getBuiltinModule("node:fs") as FileSystem;

const buffers = (): BufferModule => globals.process.getBuiltinModule("node:buffer") as BufferModule;

function makeFfi(): Ffi {
  switch (runtime) {
    case "deno":
      return denoFfi(globals.Deno!, files);
    case "bun":
      return bunFfi(globals.process.getBuiltinModule("bun:ffi") as BunFfiModule, workers, buffers, files);
    case "node":
      return nodeFfi(nodeModule(), globals.process, workers, files);
  }
}

function nodeModule(): NodeFfiModule {
  const { process } = globals;
  // Node 20 and older may lack the function itself.
  const module = process.getBuiltinModule?.("node:ffi");
  if (module) return module as NodeFfiModule;
  throw new MmapError({
    code: "ENOTSUP",
    errno: 0,
    syscall: "node:ffi",
    reason: whyNoFfi(process.version),
  });
}

/** What to do about a Node of this version that lacks `node:ffi`. */
export function whyNoFfi(version: string): string {
  const [major = 0, minor = 0] = version.slice(1).split(".").map(Number);
  if (major < 26 || (major === 26 && minor < 1)) {
    return `Node ${version} cannot call native code; wanted Node 26.9 or later, Deno or Bun`;
  }
  if (major === 26 && minor < 9) {
    return `Node ${version} needs a flag: node --experimental-ffi program.js; Node 26.9 and later need none`;
  }
  return "node:ffi is off; wanted Node without --no-experimental-ffi, which NODE_OPTIONS may hold too";
}
