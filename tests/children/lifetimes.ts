// Plays one scenario of a region's end: SCENARIO PATH. Prints "survived" if all is well.
import { writeFile } from "node:fs/promises";
import process from "node:process";
import { Worker } from "node:worker_threads";
import { assert, assertEquals } from "@std/assert";
import { type MappedRegion, mmap } from "../../mod.ts";
import { collectAll, collectUntil } from "../support/collector.ts";
import { mappingsOf, openDescriptors } from "../support/process.ts";

const SHARED = { protection: ["read", "write"], flags: ["shared"] } as const;

const [scenario, path] = process.argv.slice(2);
const gone = (): boolean => mappingsOf(path) === 0 && openDescriptors(path) === 0;

/** Makes regions that only this function knows, so nothing is left of them on the stack. */
function mapAndDrop(count: number): void {
  for (let index = 0; index < count; index++) {
    const region = mmap(path);
    if (index % 2 === 0) assertEquals(region.bytes[5], 5);
  }
}

type Derive = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;

/** This is not a local variable, because an engine may keep a copy of one on the stack. */
const kept: { view?: Uint8Array<ArrayBuffer>; region?: MappedRegion } = {};

function keep(derive: Derive): void {
  kept.view = derive(mmap(path).bytes);
}

function checkKept(): void {
  assertEquals(mappingsOf(path), 1);
  assertEquals(kept.view?.at(-1), 999_999 % 256);
}

async function keptBy(derive: Derive): Promise<void> {
  keep(derive);
  await collectAll();
  checkKept();
  delete kept.view;
  assert(await collectUntil(gone), "the region outlives its last view");
}

const READ_IN_WORKER = `
  const { parentPort } = process.getBuiltinModule("node:worker_threads");
  let bytes;
  parentPort.on("message", (message) => {
    if (message instanceof Uint8Array) bytes = message;
    let sum = 0;
    for (let at = 1; at < bytes.length; at += 4096) sum += bytes[at];
    parentPort.postMessage(sum);
  });
`;

/** Posts the bytes of a region to a worker, and keeps nothing of them here. */
function post(worker: Worker, region: { readonly bytes: Uint8Array<ArrayBuffer> }): void {
  const { bytes } = region;
  worker.postMessage(bytes, [bytes.buffer]);
  assertEquals(bytes.length, 0);
}

/** Makes a worker read on in the bytes that were posted to it, after the end of their region. */
async function posted(postAndEnd: (worker: Worker) => () => Promise<void>): Promise<void> {
  const worker = new Worker(READ_IN_WORKER, { eval: true });
  const answer = (): Promise<number> => new Promise((resolve) => worker.once("message", resolve));
  const end = postAndEnd(worker);
  assert(await answer() > 0);
  await end();
  worker.postMessage("again");
  assertEquals(await answer(), 0);
  await worker.terminate();
}

const WORKER_MAPS = `
  const { parentPort, workerData } = process.getBuiltinModule("node:worker_threads");
  import(workerData.module).then(({ mmap }) => {
    const region = mmap(workerData.path);
    const byte = region.bytes[7];
    region.unmap();
    parentPort.postMessage(byte);
  });
`;

const SCENARIOS: Record<string, () => Promise<void>> = {
  "collected": async () => {
    mapAndDrop(100);
    assert(await collectUntil(gone), `${mappingsOf(path)} mappings, ${openDescriptors(path)} descriptors are left`);
  },
  "kept-by-view": () => keptBy((bytes) => bytes),
  "kept-by-derived-view": () => keptBy((bytes) => new Uint8Array(bytes.buffer, 10).subarray(10)),
  "stolen-and-dropped": async () => {
    const steal = (): Uint8Array => new Uint8Array(mmap(path).buffer.transfer());
    const stolen = steal();
    assertEquals(stolen[255], 255);
    assert(await collectUntil(gone));
    for (let at = 0; at < stolen.length; at += 4096) stolen[at] += 1;
  },
  "posted": () =>
    posted((worker) => {
      const region = mmap(path);
      post(worker, region);
      return () => Promise.resolve(region.unmap());
    }),
  "posted-and-dropped": () =>
    posted((worker) => {
      post(worker, kept.region = mmap(path));
      return async () => {
        delete kept.region;
        assert(await collectUntil(gone));
      };
    }),
  "pinned-and-unmapped": async () => {
    const region = mmap(path);
    const { bytes } = region;
    const written = writeFile(`${path}-copy`, bytes).catch(() => {});
    region.unmap();
    await written;
    bytes[999_999];
  },
  "pinned-and-resized": async () => {
    for (const size of [100, 900_000, 50_000_000]) {
      using region = mmap(`${path}-copy`, { open: ["read", "write", "create"], ...SHARED, size: 1_000_000 });
      const { bytes } = region;
      const written = writeFile(`${path}-copy-${size}`, bytes).catch(() => {});
      region.resize(size);
      await written;
      bytes[999_999];
      region.resize(2_000_000);
      bytes[999_999];
      region.bytes[1_999_999] = 1;
    }
  },
  "worker-ends": async () => {
    const module = new URL("../../mod.ts", import.meta.url).href;
    for (let round = 0; round < 3; round++) {
      const worker = new Worker(WORKER_MAPS, { eval: true, workerData: { module, path } });
      assertEquals(await new Promise((resolve) => worker.once("message", resolve)), 7);
      await worker.terminate();
    }
    assert(gone());
  },
};

await SCENARIOS[scenario]();
process.stdout.write("survived\n");
process.exit(0);
