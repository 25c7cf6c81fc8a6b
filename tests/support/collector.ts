/** Calls the garbage collector, in processes that were started with the flags for it. */
const { Bun, gc } = globalThis as { Bun?: { gc(synchronous: boolean): void }; gc?: () => void };

/** Collects what is unreachable, and gives finalizers the chance to run. */
async function collect(): Promise<void> {
  if (Bun) Bun.gc(true);
  else if (gc) gc();
  else throw new Error("the collector cannot be called in this process");
  await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Collects until `done` returns true. False if it never does. */
export async function collectUntil(done: () => boolean): Promise<boolean> {
  for (let round = 0; round < 100 && !done(); round++) await collect();
  return done();
}

/** Collects so often that what can be collected has been. */
export async function collectAll(): Promise<void> {
  for (let round = 0; round < 10; round++) await collect();
}
