/** Every operation, and how often each is chosen. */
import { EMULATOR } from "../support/emulated.ts";
import * as accesses from "./accesses.ts";
import { map } from "./mapping.ts";
import type { Model } from "./model.ts";
import * as pages from "./pages.ts";
import { otherThread } from "./threads.ts";
import type { World } from "./world.ts";
import { useAfterUnmap, wrongArgument } from "./wrong.ts";

type Operation = (world: World) => void | Promise<void>;

/** On any region. If there is none, one is mapped. */
function on(act: (world: World, model: Model) => void | Promise<void>): Operation {
  return (world) => world.models.length === 0 ? map(world) : act(world, world.random.pick(world.models));
}

/** The same, for operations that need the buffer of a region. */
function onBuffer(act: (world: World, model: Model) => void): Operation {
  return on((world, model) => model.stolen ? pages.residency(world, model) : act(world, model));
}

/** Preferably a region that has lost pages, about which less is known. */
function unmap(world: World, model: Model): void {
  const lost = world.models.find(({ mayFault, orphan }) => mayFault || orphan);
  const chosen = world.random.oneIn(2) ? lost ?? model : model;
  world.note("unmap", chosen.init.id);
  world.unmap(chosen);
}

const OPERATIONS: readonly (readonly [weight: number, operation: Operation])[] = [
  [1500, onBuffer(accesses.storeElement)],
  [1000, onBuffer(accesses.storeView)],
  [1000, onBuffer(accesses.loadView)],
  [200, onBuffer(accesses.fill)],
  [200, onBuffer(accesses.views)],
  [800, on(accesses.read)],
  [1000, on(accesses.write)],
  [500, on(accesses.indexOf)],
  [300, on(accesses.occurrences)],
  [600, (world) => world.full ? on(unmap)(world) : map(world)],
  [450, on(unmap)],
  [200, useAfterUnmap],
  [500, on(pages.resize)],
  [150, on(pages.follow)],
  [50, on(pages.flush)],
  [1, on(pages.flushAsync)],
  [200, on(pages.adviseHint)],
  [20, on(pages.populateWrite)],
  [100, on(pages.dontNeed)],
  [20, on(pages.free)],
  // qemu accepts the advice and does not follow it.
  [EMULATOR === undefined ? 40 : 0, on(pages.remove)],
  [150, on(pages.protect)],
  [20, on(pages.lock)],
  [20, on(pages.unlock)],
  [100, on(pages.residency)],
  [8, onBuffer(accesses.steal)],
  [50, accesses.useStolen],
  [4, on(accesses.drop)],
  [100, accesses.haunt],
  [40, otherThread],
  [60, pages.truncate],
  [200, pages.writeFile],
  [200, pages.renew],
  [500, on(wrongArgument)],
];

/** Every operation as often as its weight. */
const CHOICES: readonly Operation[] = OPERATIONS.flatMap(([weight, operation]) => Array(weight).fill(operation));

/** Does something. */
export function step(world: World): void | Promise<void> {
  return world.random.pick(CHOICES)(world);
}
