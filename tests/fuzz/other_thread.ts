// A thread with a copy of the library of its own, which does with one region what the fuzzer tells it.
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { type MappedRegion, mmap } from "../../mod.ts";
import type { Protection } from "../../src/vocabulary.ts";
import { useBareHost } from "../support/bare.ts";
import { outcomeOf } from "./outcome.ts";

/** What the other thread is to do. */
export type Order =
  | { readonly act: "map"; readonly path: string }
  | { readonly act: "protect"; readonly start: number; readonly length: number; readonly words: readonly Protection[] }
  | { readonly act: "store"; readonly start: number; readonly bytes: Uint8Array }
  | { readonly act: "stray"; readonly start: number; readonly byte: number }
  | { readonly act: "resize"; readonly byteLength: number }
  | { readonly act: "look" }
  | { readonly act: "unmap" };

/** What has come of it, and what the region is like now. */
export interface Answer {
  readonly outcome: string;
  readonly address: bigint;
  readonly byteLength: number;
  readonly faults: number;
}

let region: MappedRegion | undefined;

const ACTS: { readonly [Act in Order["act"]]: (order: Extract<Order, { act: Act }>) => void } = {
  map: ({ path }) => void (region = mmap(path, { access: "write" })),
  protect: ({ start, length, words }) => region!.protect(words, { byteOffset: start, byteLength: length }),
  store: ({ start, bytes }) => region!.write(bytes, start),
  stray: ({ start, byte }) => void (region!.bytes[start] = byte),
  resize: ({ byteLength }) => region!.resize(byteLength),
  look: () => {},
  unmap: () => region!.unmap(),
};

function obey(order: Order): Answer {
  const outcome = outcomeOf(() => ACTS[order.act](order as never));
  const { faults = 0, unmapped = true, byteLength = 0 } = region ?? {};
  return { outcome, address: unmapped ? 0n : region!.address, byteLength, faults };
}

if (!isMainThread) {
  if ((workerData as { bare: boolean }).bare) useBareHost();
  parentPort!.on("message", (order: Order) => parentPort!.postMessage(obey(order)));
}
