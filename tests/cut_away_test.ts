import { closeSync, openSync, statSync } from "node:fs";
import { test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import type { MapFlag } from "../src/vocabulary.ts";
import { MmapError } from "../mod.ts";
import { host } from "../src/host.ts";
import { MappedFile } from "../src/memory/mapped_file.ts";
import { Mapping } from "../src/memory/mapping.ts";
import type { MapRequest, System } from "../src/os/contract.ts";
import { fileOf } from "./support/files.ts";
import { onPosix } from "./support/systems.ts";

const NOBODY = { inUse: false, detach: () => "none" as const, outgrow: () => {} };

/**
 * This system, except that files have to be unmapped to be cut, as on Windows. From some time on, nothing can be
 * mapped.
 */
function unable(): System & { failing: boolean; unlockable: boolean } {
  const { system } = host();
  return {
    ...system,
    cutsMappedFiles: false,
    remap: undefined,
    failing: false,
    unlockable: false,
    lock() {
      if (this.unlockable) throw system.error("ENOMEM", "mlock", "no leave");
    },
    probe() {
      if (this.unlockable) throw system.error("EAGAIN", "mlock", "no leave");
    },
    map(request, length) {
      if (this.failing) throw system.error("ENOMEM", "mmap", "no room");
      return system.map(request, length);
    },
  };
}

function mapWhole(system: System, descriptor: number, ...more: MapFlag[]): Mapping {
  const status = system.status(descriptor);
  const file = new MappedFile(system, { descriptor, status, ours: true, close: undefined });
  const request: MapRequest = {
    descriptor,
    offset: 0,
    protection: ["read", "write"],
    flags: ["shared", ...more],
    unit: system.pageSize,
  };
  const mapping = new Mapping(system, { ...request, guard: () => undefined, close: () => {} });
  mapping.bytes = { request, lead: 0, byteLength: status.byteLength, file };
  mapping.map();
  return mapping;
}

const descriptors = onPosix("descriptors that are numbers");

test("a region is unmapped to cut its file, and comes back as it was", descriptors, () => {
  const path = fileOf(30_000);
  const descriptor = openSync(path, "r+");
  const mapping = mapWhole(unable(), descriptor);
  mapping.resize(100, NOBODY);
  assertEquals([mapping.byteLength, statSync(path).size, mapping.read({ start: 99, length: 1 })[0]], [100, 100, 99]);
  mapping.resize(30_000, NOBODY);
  assertEquals([mapping.read({ start: 99, length: 2 })], [new Uint8Array([99, 0])]);
  mapping.release("none");
  closeSync(descriptor);
});

test("a region that cannot come back is empty, and not at address 0", descriptors, () => {
  const path = fileOf(30_000);
  const descriptor = openSync(path, "r+");
  const system = unable();
  const mapping = mapWhole(system, descriptor);
  system.failing = true;
  assertEquals(assertThrows(() => mapping.resize(100, NOBODY), MmapError).code, "ENOMEM");
  assertEquals([mapping.byteLength, mapping.address], [0, 0n]);
  mapping.release("none");
  closeSync(descriptor);
});

test("a region that cannot grow stays as it was, and its file may be longer", descriptors, () => {
  const path = fileOf(30_000);
  const descriptor = openSync(path, "r+");
  const system = unable();
  const mapping = mapWhole(system, descriptor);
  const { address } = mapping;
  system.failing = true;
  assertEquals(assertThrows(() => mapping.resize(50_000, NOBODY), MmapError).code, "ENOMEM");
  // Others may have it mapped by now, so it is not cut back.
  assertEquals([mapping.byteLength, mapping.address, statSync(path).size], [30_000, address, 50_000]);
  // What can be known before is known before.
  system.unlockable = true;
  assertEquals(assertThrows(() => mapping.resize(60_000, NOBODY), MmapError).code, "EAGAIN");
  assertEquals([mapping.byteLength, statSync(path).size], [30_000, 50_000]);
  mapping.release("none");
  closeSync(descriptor);
});

test("a region that cannot be locked again is empty as well", descriptors, () => {
  const descriptor = openSync(fileOf(30_000), "r+");
  const system = unable();
  const mapping = mapWhole(system, descriptor, "locked");
  system.unlockable = true;
  assertThrows(() => mapping.resize(100, NOBODY), MmapError, "no leave");
  assertEquals([mapping.byteLength, mapping.address], [0, 0n]);
  mapping.release("none");
  closeSync(descriptor);
});
