// Fails to map in many ways, with allocations and collections between: main|worker PATH COUNT. Prints "survived" if
// each error said what was wrong.
import process from "node:process";
import { Worker } from "node:worker_threads";
import { assert, assertEquals } from "@std/assert";
import { mmap, MmapError } from "../../mod.ts";
import { collectAll } from "../support/collector.ts";
import { isWine } from "../support/systems.ts";

const [where, path, count] = process.argv.slice(2);

/** The error that each way must have. */
const WAYS: readonly (readonly [code: string, errno: number, act: () => unknown])[] = [
  ["ENOENT", 2, () => mmap(`${path}-missing`)],
  ["ENOENT", 3, () => mmap(`${path}-missing\\file`)],
  ["EEXIST", 80, () => mmap(path, { open: ["read", "ensure-create"] })],
  ["EACCES", 5, () => mmap(path, { protection: ["read", "write"], flags: ["shared"] })],
  ["EBADF", 6, () => mmap(0x7fff_fff0n)],
  ["", 0, () => mmap(path).unmap()],
];

/**
 * What Wine says in place of the right number if V8 asks it for something in the moment between the call and the look:
 * ERROR_OLD_WIN_VERSION, once in tens of thousands of calls. No call of the library fails with it.
 */
const SAID_BY_WINE = 1150;
const MOST_OF_THEM = 3;
let saidByWine = 0;

/** Keeps the collector busy. */
let garbage: unknown[] = [];

async function fail(): Promise<void> {
  for (let round = 0; round < Number(count); round++) {
    const [code, errno, act] = WAYS[Math.floor(Math.random() * WAYS.length)];
    garbage.push(Array.from({ length: 20 }, (_, index) => ({ text: `${index} of ${round}` })));
    const found = outcome(act);
    if (isWine && found[1] === SAID_BY_WINE) saidByWine++;
    else assertEquals(found, [code, errno], `round ${round}`);
    if (round % 100 !== 0) continue;
    garbage = [];
    // Timers and the collector's threads get their turn.
    await new Promise((resolve) => setTimeout(resolve));
    if (round % 5000 === 0) await collectAll();
  }
}

function outcome(act: () => unknown): [code: string, errno: number] {
  try {
    act();
    return ["", 0];
  } catch (error) {
    if (!(error instanceof MmapError)) throw error;
    return [error.code, error.errno];
  }
}

if (where === "worker") {
  const worker = new Worker(new URL(import.meta.url), { argv: ["main", path, count] });
  process.exitCode = await new Promise((resolve) => worker.once("exit", resolve));
} else {
  await fail();
  assert(saidByWine <= MOST_OF_THEM, `${saidByWine} times`);
  process.stdout.write("survived\n");
}
