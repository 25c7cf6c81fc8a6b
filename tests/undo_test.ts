import { closeSync, openSync, readFileSync, statSync, truncateSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { mmap, MmapError, platform, type Protection } from "../mod.ts";
import { host, useHost } from "../src/host.ts";
import { MappedFile } from "../src/memory/mapped_file.ts";
import { Mapping } from "../src/memory/mapping.ts";
import type { Users } from "../src/memory/quarantine.ts";
import type { Guard, MapRequest, System } from "../src/os/contract.ts";
import { countingBytes, exists, fileOf, freshPath } from "./support/files.ts";
import { mappingsOf, openDescriptors } from "./support/process.ts";
import { onLinux, onPosix } from "./support/systems.ts";

const PAGE = platform.pageSize;

/** Steps that can be made to fail. */
type Step = "map" | "unmap" | "lock" | "protect" | "resizeInPlace" | "move";

/**
 * This system, and a guard without a handler. Both keep account of what they have given out, and fail when they are
 * told to.
 */
class Ledger {
  readonly #real: System = host().system;
  /** Bases of what is mapped. */
  readonly mapped = new Set<bigint>();
  /** The places of the guard that are taken, and those of them that are valid. */
  readonly slots = new Set<{ faults: number }>();
  readonly covered = new Set<object>();
  readonly failing = new Set<Step>();
  readonly refusing = new Set<Step>();

  readonly guard: () => Guard = () => ({
    claim: () => {
      const slot = {
        faults: 0,
        ownFaults: 0,
        stored: false,
        cover: () => void this.covered.add(slot),
        uncover: () => void this.covered.delete(slot),
        free: () => {
          this.covered.delete(slot);
          this.slots.delete(slot);
        },
      };
      this.slots.add(slot);
      return slot;
    },
  });

  get system(): System {
    const real = this.#real;
    const { remap } = real;
    return {
      ...real,
      remap: remap && {
        reserve: (length) => this.#add(remap.reserve(length)),
        resizeInPlace: (...values) => this.#may("resizeInPlace") && remap.resizeInPlace(...values),
        moveAway: (...values) => this.#may("move") ? remap.moveAway(...values) : undefined,
        move: (base, length, target, newLength) => {
          const moved = this.#may("move") && remap.move(base, length, target, newLength);
          if (moved) this.mapped.delete(base);
          return moved;
        },
      },
      map: (request, length) => {
        this.#may("map");
        return this.#add(real.map(request, length));
      },
      unmap: (base, length) => {
        this.#may("unmap");
        real.unmap(base, length);
        assert(this.mapped.delete(base), "unmapped twice");
      },
      probe: (request, length) => {
        // What has grown or was cut stays so on such a system. So this already tells whether the pages may be locked.
        if (!real.cutsMappedFiles && request.flags.includes("locked")) this.#may("lock");
        real.probe(request, length);
      },
      lock: (...values) => {
        this.#may("lock");
        real.lock(...values);
      },
      protect: (...values) => {
        this.#may("protect");
        real.protect(...values);
      },
    };
  }

  #add(base: bigint): bigint {
    this.mapped.add(base);
    return base;
  }

  #may(step: Step): boolean {
    if (this.failing.has(step)) throw this.#real.error("ENOMEM", step, "told to fail");
    return !this.refusing.has(step);
  }

  /** How much is given out: mappings, places of the guard, and valid ones. */
  get given(): [number, number, number] {
    return [this.mapped.size, this.slots.size, this.covered.size];
  }

  mapping(byteLength: number, protection: readonly Protection[], flags: readonly ("private" | "locked")[]): Mapping {
    const { system, guard } = this;
    const request: MapRequest = { descriptor: null, offset: 0, protection, flags, unit: PAGE };
    const mapping = new Mapping(system, { protection, flags, guard, close: () => {} });
    mapping.bytes = { request, lead: 0, byteLength, file: null };
    try {
      mapping.map();
    } catch (error) {
      mapping.abandon();
      throw error;
    }
    return mapping;
  }
}

const WRITE = ["read", "write"] as const;
const NOBODY = { inUse: false, detach: (): Users => "none", outgrow: () => {} };
/** An occupant that cannot be made to leave. */
const SOMEBODY = { ...NOBODY, detach: (): Users => "buffers" };

test("memory that cannot be mapped takes no place of the guard", () => {
  const ledger = new Ledger();
  ledger.failing.add("map");
  assertThrows(() => ledger.mapping(PAGE, ["read"], ["private"]), MmapError, "told to fail");
  assertEquals(ledger.given, [0, 0, 0]);
});

for (const step of ["map", "lock", "protect"] as const) {
  test(`memory that moves and fails to ${step} stays where it was, and leaves nothing elsewhere`, () => {
    const ledger = new Ledger();
    const mapping = ledger.mapping(4 * PAGE, WRITE, ["private", "locked"]);
    mapping.write(0, countingBytes(4 * PAGE));
    // Of two kinds, it does not move as a whole.
    mapping.protect({ start: PAGE, length: PAGE }, ["read"]);
    const { address } = mapping;
    assertEquals(ledger.given, [1, 1, 1]);
    ledger.failing.add(step);
    assertThrows(() => mapping.resize(8 * PAGE, NOBODY), MmapError, "told to fail");
    assertEquals([mapping.address, mapping.byteLength, ...ledger.given], [address, 4 * PAGE, 1, 1, 1]);
    ledger.failing.clear();
    mapping.resize(8 * PAGE, NOBODY);
    assertEquals(ledger.given, [1, 1, 1]);
    assertEquals(mapping.read({ start: 0, length: 4 * PAGE }), countingBytes(4 * PAGE));
    mapping.release("none");
    assertEquals(ledger.given, [0, 0, 0]);
  });
}

test("a place that was found for memory is given back when it does not move there", () => {
  for (const occupants of [NOBODY, SOMEBODY]) {
    const ledger = new Ledger();
    const mapping = ledger.mapping(PAGE, ["read"], ["private"]);
    ledger.refusing.add("resizeInPlace").add("move");
    mapping.resize(4 * PAGE, occupants);
    // If an occupant cannot be made to leave, harmless memory stays behind for it.
    assertEquals(ledger.given, [occupants === SOMEBODY ? 2 : 1, 1, 1]);
    mapping.release("none");
    assertEquals(ledger.slots.size, 0);
  }
});

test("a mapping that fails to change its length is guarded as before", {
  skip: host().system.remap === undefined && "this system does not change the length of a mapping",
}, () => {
  const ledger = new Ledger();
  const mapping = ledger.mapping(PAGE, ["read"], ["private"]);
  ledger.failing.add("resizeInPlace");
  assertThrows(() => mapping.resize(4 * PAGE, NOBODY), MmapError, "told to fail");
  assertEquals([mapping.byteLength, ...ledger.given], [PAGE, 1, 1, 1]);
  mapping.release("none");
  assertEquals(ledger.given, [0, 0, 0]);
});

test("memory that cannot be unmapped stays, and is guarded as before", () => {
  const ledger = new Ledger();
  const mapping = ledger.mapping(PAGE, ["read"], ["private"]);
  ledger.failing.add("unmap");
  assertThrows(() => mapping.resize(0, NOBODY), MmapError, "told to fail");
  assertEquals([mapping.byteLength, ...ledger.given], [PAGE, 1, 1, 1]);
  ledger.failing.clear();
  mapping.release("none");
  assertEquals(ledger.given, [0, 0, 0]);
});

test("memory that somebody keeps does not change its length, but leaves its place to them", () => {
  for (const length of [4 * PAGE, PAGE]) {
    const ledger = new Ledger();
    const mapping = ledger.mapping(2 * PAGE, WRITE, ["private"]);
    ledger.failing.add("resizeInPlace").add("move");
    const { address } = mapping;
    mapping.resize(length, { ...SOMEBODY, inUse: true });
    assert(mapping.address !== address, "it is where it was");
    assertEquals(ledger.mapped.has(address), true);
    mapping.release("none");
  }
});

test("pages that were lost stay counted when the runtime keeps the others", () => {
  const ledger = new Ledger();
  const mapping = ledger.mapping(PAGE, ["read"], ["private"]);
  for (const slot of ledger.slots) slot.faults = 3;
  mapping.release({ held: false });
  assertEquals([mapping.released, mapping.faults], [true, 3]);
});

/** Has the library map on a system that fails when it is told to. */
function onFailingSystem(act: (failing: Set<Step>) => void): void {
  const before = host();
  const ledger = new Ledger();
  useHost({ ...before, system: ledger.system });
  try {
    act(ledger.failing);
  } finally {
    useHost(before);
  }
}

/** Has the library map on a system that can lock nothing. */
function whileNothingIsLocked(act: () => void): void {
  onFailingSystem((failing) => {
    failing.add("lock");
    act();
  });
}

const LOCKED = { protection: WRITE, flags: ["shared", "locked"] } as const;

test("a file that cannot be locked is as long as before, and holds what it held", () => {
  const path = fileOf(100);
  whileNothingIsLocked(() => {
    for (const open of [["read", "write"], ["read", "write", "truncate"]] as const) {
      const { path: about } = assertThrows(() => mmap(path, { ...LOCKED, open, size: 3 * PAGE }), MmapError, "told to");
      assertEquals(about, path);
    }
  });
  assertEquals(new Uint8Array(readFileSync(path)), countingBytes(100));
  assertEquals([mappingsOf(path), openDescriptors(path)], [0, 0]);
});

test("a file that was created and cannot be locked is removed again", () => {
  const path = freshPath();
  whileNothingIsLocked(() => {
    const options = { ...LOCKED, open: ["read", "write", "create"], size: PAGE } as const;
    assertThrows(() => mmap(path, options), MmapError, "told to fail");
  });
  assert(!exists(path));
});

test("a file that grew for pages that do not come is as long as before", onLinux("growth that is undone"), () => {
  const path = fileOf(3 * PAGE);
  onFailingSystem((failing) => {
    using region = mmap(path, { access: "write" });
    // Of two kinds, it does not grow as a whole.
    region.protect(["read"], { byteOffset: PAGE, byteLength: PAGE });
    failing.add("protect");
    assertThrows(() => region.resize(8 * PAGE), MmapError, "told to fail");
    assertEquals([region.byteLength, statSync(path).size], [3 * PAGE, 3 * PAGE]);
    failing.clear();
    region.resize(8 * PAGE);
    assertEquals([region.byteLength, statSync(path).size], [8 * PAGE, 8 * PAGE]);
  });
});

test("growth is taken back unless others have written behind it", onPosix("descriptors that are numbers"), () => {
  const path = fileOf(100);
  const descriptor = openSync(path, "r+");
  const { system } = host();
  const file = new MappedFile(system, {
    descriptor,
    status: system.status(descriptor),
    ours: true,
    close: undefined,
  });
  file.setLength(200);
  truncateSync(path, 300);
  file.undoGrowth(100, 200);
  assertEquals(statSync(path).size, 300);
  file.undoGrowth(100, 300);
  assertEquals(statSync(path).size, 100);
  closeSync(descriptor);
});
