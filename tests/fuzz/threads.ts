/**
 * Another thread, with a copy of the library of its own. It maps the same files, protects, stores, grows and unmaps, in
 * turn with the fuzzer. The model knows its region like the others. This thread reaches it by its address.
 */
import { Worker } from "node:worker_threads";
import { platform } from "../../mod.ts";
import { host } from "../../src/host.ts";
import type { MappedRegion } from "../../mod.ts";
import { compare, randomPart, windowOf } from "./accesses.ts";
import { CAPACITY, Model } from "./model.ts";
import type { Answer, Order } from "./other_thread.ts";
import { expect } from "./outcome.ts";
import { PROTECTIONS, resizeOutcomes } from "./pages.ts";
import type { World } from "./world.ts";

/** The thread, and its region, if it has one. */
export class OtherThread {
  readonly #worker: Worker;
  model: Model | undefined;
  #answer: Answer = { outcome: "ok", address: 0n, byteLength: 0, faults: 0 };

  constructor(bare: boolean) {
    this.#worker = new Worker(new URL("./other_thread.ts", import.meta.url), { workerData: { bare } });
    // It ends with the fuzzer.
    this.#worker.unref();
  }

  get address(): bigint {
    return this.#answer.address;
  }

  get faults(): number {
    return this.#answer.faults;
  }

  /** Has it do something, and waits. Fails if the outcome is not in `allowed`. */
  async order(order: Order, allowed: readonly string[]): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#worker.once("message", resolve);
    this.#worker.once("error", reject);
    this.#worker.ref();
    this.#worker.postMessage(order);
    try {
      this.#answer = await promise;
    } finally {
      this.#worker.off("error", reject);
      this.#worker.unref();
    }
    const { outcome } = this.#answer;
    const isCode = /^E[A-Z0-9]+$/.test(outcome);
    const fits = allowed.includes(outcome) || isCode && allowed.includes("MmapError");
    expect(fits, () => `the other thread: ${order.act}: ${outcome}, wanted ${allowed.join(" or ")}`);
    return this.#answer;
  }
}

/** What the model asks of a region that it cannot hold. */
function standIn(thread: OtherThread): MappedRegion {
  return {
    get faults() {
      return thread.faults;
    },
    get address() {
      return thread.address;
    },
    unmapped: false,
  } as unknown as MappedRegion;
}

const ACTS: readonly ((world: World, thread: OtherThread, model: Model) => void | Promise<unknown>)[] = [
  store,
  store,
  reach,
  reach,
  protect,
  stray,
  resize,
  unmap,
];

/** The other thread does something, or this one looks at what it has. */
export async function otherThread(world: World): Promise<void> {
  const thread = world.otherThread;
  const { model } = thread;
  if (!model) return map(world, thread);
  await world.random.pick(ACTS)(world, thread, model);
  const { byteLength } = thread.model ?? {};
  if (!byteLength) return;
  world.graves.expectFree({ address: thread.address, byteLength }, "the other thread's region");
  expect(thread.faults === 0 || model.mayFault, () => `the other thread: ${thread.faults} faults out of nothing`);
}

async function map(world: World, thread: OtherThread): Promise<void> {
  const backing = world.random.pick(world.files);
  if (!backing.exists) return;
  const id = world.nextId();
  world.note("other thread: map", backing.path, `as ${id}`);
  const { byteLength } = await thread.order({ act: "map", path: backing.path }, ["ok"]);
  expect(byteLength === backing.length, () => `the other thread has ${byteLength} bytes`);
  thread.model = new Model({
    id,
    region: standIn(thread),
    backing,
    offset: 0,
    byteLength,
    protection: ["read", "write"],
    shared: true,
    openForWriting: true,
    eager: false,
    guarded: true,
    reserve: 0,
  });
  backing.users.add(thread.model);
}

async function store(world: World, thread: OtherThread, model: Model): Promise<void> {
  const { start, length } = randomPart(world, model);
  if (length === 0) return;
  const bytes = world.random.bytes(length);
  world.note("other thread: write", start, length);
  const allowed = model.allows("write", start, length) ? "ok" : "TypeError";
  await thread.order({ act: "store", start, bytes }, [allowed]);
  if (allowed === "ok") model.store(start, bytes);
}

/** It stores where its protection forbids that, and this thread's views of the file must not show it. */
async function stray(world: World, thread: OtherThread, model: Model): Promise<void> {
  const start = world.random.below(model.byteLength);
  if (model.byteLength === 0 || !forbidden(model, start)) return;
  const byte = world.random.below(256);
  world.note("other thread: stray", start);
  const before = thread.faults;
  const { faults } = await thread.order({ act: "stray", start, byte }, ["ok"]);
  absorbed(model, start, byte, faults - before);
}

/** This thread loads from its memory, and stores there: where the other thread has forbidden that, it is absorbed. */
async function reach(world: World, thread: OtherThread, model: Model): Promise<void> {
  const { system } = host();
  const window = windowOf(world, model);
  if (window) {
    const found = new Uint8Array(window.length);
    system.read(thread.address + BigInt(window.start), found);
    compare(model, window.start, found);
  }
  const start = world.random.below(model.byteLength);
  if (model.byteLength === 0) return;
  const strays = forbidden(model, start);
  if (!strays && !model.allows("write", start, 1)) return;
  const bytes = world.random.bytes(1);
  world.note("reach into the other thread's region", start, strays);
  const before = thread.faults;
  system.write(thread.address + BigInt(start), bytes);
  // A store that is allowed is counted as well if the page is lost.
  const { faults } = await thread.order({ act: "look" }, ["ok"]);
  if (strays) absorbed(model, start, bytes[0], faults - before);
  else model.store(start, bytes);
}

function forbidden(model: Model, start: number): boolean {
  const words = model.byteLength > 0 ? model.wordsAt(start).join() : "";
  return platform.supports("guard") && (words === "read" || words === "none");
}

function absorbed(model: Model, start: number, byte: number, faults: number): void {
  const counts = model.showsFile(start) && start < model.sure;
  model.mayFault = true;
  model.store(start, Uint8Array.of(byte));
  if (counts) expect(faults === 1, () => `the other thread: ${faults} faults, wanted 1`);
}

async function protect(world: World, thread: OtherThread, model: Model): Promise<void> {
  const { start, length } = randomPart(world, model, Infinity);
  const words = world.random.pick(PROTECTIONS);
  world.note("other thread: protect", words, start, length);
  const allowed = words.includes("exec") || model.mayFault ? ["ok", "MmapError"] : ["ok"];
  const { outcome } = await thread.order({ act: "protect", start, length, words }, allowed);
  if (outcome === "ok") model.protect(start, length, words);
  else if (model.mayFault) await unmap(world, thread, model);
}

async function resize(world: World, thread: OtherThread, model: Model): Promise<void> {
  const byteLength = world.random.below(CAPACITY + 1);
  world.note("other thread: resize", byteLength);
  const { backing } = model;
  const before = model.look();
  const { outcome } = await thread.order({ act: "resize", byteLength }, resizeOutcomes(model, byteLength));
  if (outcome === "ok") {
    const cuts = byteLength < model.byteLength && model.end >= backing.length;
    if (model.carriesFile && (byteLength > backing.length || cuts)) backing.setLength(byteLength, model);
    model.resize(byteLength);
  }
  world.afterResize(model, before, false);
}

async function unmap(world: World, thread: OtherThread, model: Model): Promise<void> {
  world.note("other thread: unmap");
  const place = model.look();
  await thread.order({ act: "unmap" }, ["ok"]);
  if (place) world.graves.bury(place, "threads");
  model.backing.users.delete(model);
  thread.model = undefined;
}

/** Leaves nothing of the other thread's region. */
export async function endOtherThread(world: World): Promise<void> {
  const { model } = world.otherThread;
  if (model) await unmap(world, world.otherThread, model);
}
