// Random operations on regions and files, checked against a model in plain memory: fuzz.ts --steps N --seed S [--bare].
// With --bare, the C library lacks what only Linux has, and is called as on Apple's arm64. An odd seed is a process that
// may keep little of what it gives up.
import process from "node:process";
import { parseArgs } from "node:util";
import { platform } from "../../mod.ts";
import { host, useHost } from "../../src/host.ts";
import { collectAll } from "../support/collector.ts";
import { useBareHost } from "../support/bare.ts";
import { checkWorld } from "./invariants.ts";
import { step } from "./operations.ts";
import { Random } from "./random.ts";
import { endOtherThread, OtherThread } from "./threads.ts";
import { World } from "./world.ts";

/** Regions that wait for the collector. Each has its mapping and descriptor. */
const MOST_DROPPED = 50;

const { values } = parseArgs({
  options: { steps: { type: "string" }, seed: { type: "string" }, bare: { type: "boolean" } },
});
const steps = Number(values.steps ?? 100_000);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));

async function run(world: World): Promise<void> {
  const started = performance.now();
  for (let count = 0; count < steps; count++) {
    try {
      const pending = step(world);
      // Most steps return no promise, and waiting costs more than they do.
      if (pending) await pending;
      checkWorld(world);
    } catch (error) {
      throw new Error(`step ${count} of seed ${seed} failed, after\n${world.notes}`, { cause: error });
    }
    if (world.dropped < MOST_DROPPED) continue;
    await collectAll();
    world.dropped = 0;
  }
  const seconds = (performance.now() - started) / 1000;
  await endOtherThread(world);
  await world.end();
  process.stdout.write(`${steps} steps, ${Math.round(steps / seconds)} steps/s\n`);
}

/** Makes the quarantine give back all the time, which otherwise takes minutes. */
function keepLittle(): void {
  const { ffi, system } = host();
  useHost({ ffi, system: { ...system, blankLimits: () => ({ bytes: 2 ** 27, ranges: 256 }) } });
}

if (values.bare) useBareHost();
if (seed % 2 === 1) keepLittle();
process.stdout.write(`seed ${seed} on ${platform.runtime}\n`);
const world = new World(new Random(seed), new OtherThread(values.bare ?? false));
// Also when a process ends with an uncaught failure.
process.on("exit", () => world.removeDirectories());
try {
  await run(world);
} catch (error) {
  const { message, cause } = error as Error;
  process.stdout.write(`${message}\n${cause instanceof Error ? cause.stack : error}\n`);
  process.exitCode = 1;
}
process.exit();
