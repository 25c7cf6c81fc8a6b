/** Everything that exists while the fuzzer runs: files, regions, and buffers that were transferred away. */
import { closeSync, existsSync, ftruncateSync, mkdtempSync, openSync, rmSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MappedRegion } from "../../mod.ts";
import { collectUntil } from "../support/collector.ts";
import { Backing, CAPACITY, type Model, PAGE } from "./model.ts";
import { Graves, type Kind, type Place } from "./graves.ts";
import { mappingsOf, openDescriptors } from "../support/proc.ts";
import { expect } from "./outcome.ts";
import type { Random } from "./random.ts";
import type { OtherThread } from "./threads.ts";

/** A buffer that was transferred, and the region it still shows, if any. */
export interface Stolen {
  readonly bytes: Uint8Array<ArrayBuffer>;
  model: Model | undefined;
  /** Its region was dropped. When the collector replaces the memory is unknown. */
  dropped: boolean;
}

const FILES = 5;
/** One more file is on disk. The others are in memory, where writing them out costs nothing. */
const MEMORY_DIRECTORY = "/dev/shm";
const MOST_REGIONS = 12;
const REMEMBERED = 10;

export class World {
  readonly random: Random;
  readonly files: Backing[];
  readonly models: Model[] = [];
  /** Regions that are unmapped. */
  readonly dead: MappedRegion[] = [];
  /** Where regions were. */
  readonly graves: Graves = new Graves();
  readonly otherThread: OtherThread;
  stolen: Stolen[] = [];
  dropped = 0;
  #made = 0;
  readonly #directories: string[];
  readonly #notes: (readonly unknown[])[] = [];

  constructor(random: Random, otherThread: OtherThread) {
    this.random = random;
    this.otherThread = otherThread;
    this.#directories = [tmpdir(), ...(existsSync(MEMORY_DIRECTORY) ? [MEMORY_DIRECTORY] : [])]
      .map((parent) => mkdtempSync(join(parent, "mmap-fuzz-")));
    const [disk, memory = disk] = this.#directories;
    this.files = Array.from(
      { length: FILES + 1 },
      (_, index) => new Backing("file", 0, join(index < FILES ? memory : disk, `file-${index}`)),
    );
    for (const file of this.files) this.create(file);
  }

  /** Remembers an operation, to be told when something fails. */
  note(...words: readonly unknown[]): void {
    this.#notes.push(words);
    if (this.#notes.length > REMEMBERED) this.#notes.shift();
  }

  get notes(): string {
    return this.#notes.map((words) => words.map(shown).join(" ")).join("\n");
  }

  /** A number for the next region. */
  nextId(): number {
    return ++this.#made;
  }

  get lastId(): number {
    return this.#made;
  }

  get full(): boolean {
    return this.models.length >= MOST_REGIONS;
  }

  /** Makes a file anew, with random contents. */
  create(file: Backing): void {
    file.descriptor ??= openSync(file.path, "w+");
    const content = this.random.bytes(64);
    const length = this.random.oneIn(8) ? 0 : this.random.below(CAPACITY + 1);
    const whole = new Uint8Array(length).map((_, at) => content[(at + (at >> 6)) & 63]);
    ftruncateSync(file.descriptor, 0);
    for (let at = 0; at < length;) at += writeSync(file.descriptor, whole, at, length - at, at);
    file.renew(whole);
  }

  remove(file: Backing): void {
    closeSync(file.descriptor!);
    unlinkSync(file.path);
    file.descriptor = undefined;
    file.renew(new Uint8Array(0));
  }

  /** A path that the library made, for which the fuzzer wants a descriptor. */
  watch(file: Backing): void {
    file.descriptor ??= openSync(file.path, "r+");
  }

  add(model: Model): void {
    this.models.push(model);
    model.backing.users.add(model);
  }

  /** Forgets a region. */
  forget(model: Model): void {
    this.models.splice(this.models.indexOf(model), 1);
    model.backing.users.delete(model);
  }

  unmap(model: Model): void {
    const { region } = model;
    const views = model.stolen ? [] : [region.bytes, region.view(DataView)];
    const { faults } = region;
    const place = model.look();
    region.unmap();
    if (place) this.graves.bury(place, model.stolen ? "buffers" : "threads");
    expect(region.faults === faults, () => `faults: ${faults}, and ${region.faults} after unmap`);
    this.freeStolen(model);
    this.forget(model);
    this.dead.push(region);
    if (this.dead.length > 4) this.dead.shift();
    expect(region.unmapped, () => "the region is not unmapped");
    for (const view of views) expect(lengthOf(view) === 0, () => "a view outlives its region");
  }

  /** A region may have moved, or left the end of its place. `stolen` is whether somebody had its buffer then. */
  afterResize(model: Model, before: Place | undefined, stolen: boolean): void {
    if (before === undefined) return;
    const kind = stolen ? "buffers" : "threads";
    const { address } = model.region;
    if (address !== before.address) this.graves.bury(before, kind);
    else if (model.init.reserve === 0) this.#buryEnd(model, before, kind);
    // A region that may have its reserve no more may have given up its end.
    if (model.hasRoom !== true) model.seen = undefined;
    model.look();
  }

  #buryEnd({ byteLength }: Model, before: Place, kind: Kind): void {
    const end = BigInt(Math.ceil((Number(before.address) + byteLength) / PAGE) * PAGE);
    const left = Number(before.address) + before.byteLength - Number(end);
    if (left > 0) this.graves.bury({ address: end, byteLength: left }, kind);
  }

  /** The buffers that were taken from a region no longer show it, but must stay usable. */
  freeStolen(model: Model): void {
    for (const entry of this.stolen) {
      if (entry.model !== model) continue;
      entry.model = undefined;
      // A region that keeps its place may still be shown, and touched where it allows nothing.
      if (model.init.reserve > 0) entry.dropped = model.mayFault = true;
    }
    model.stolen = false;
  }

  /** Unmaps everything, and fails if anything is left. */
  async end(): Promise<void> {
    while (this.models.length > 0) this.unmap(this.models[0]);
    this.stolen = [];
    for (const file of this.files) if (file.exists) closeSync(file.descriptor!);
    const left = (): string[] =>
      this.files.map(({ path }) => path)
        .filter((path) => mappingsOf(path) + mappingsOf(`${path} (deleted)`) + openDescriptors(path) > 0);
    await collectUntil(() => left().length === 0);
    expect(left().length === 0, () => `something is left of ${left().join(", ")}`);
  }

  removeDirectories(): void {
    for (const directory of this.#directories) rmSync(directory, { recursive: true, force: true });
  }
}

function lengthOf(view: ArrayBufferView): number {
  // A DataView over a detached buffer throws, while a typed array says 0.
  return view instanceof DataView ? Number(!(view.buffer as ArrayBuffer).detached) : view.byteLength;
}

function shown(word: unknown): string {
  if (typeof word === "function") return String(word);
  return typeof word === "string" ? word : JSON.stringify(word, (_, value) => {
    return typeof value === "bigint" ? `${value}n` : value;
  }) ?? String(word);
}
