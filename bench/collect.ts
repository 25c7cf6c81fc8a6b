// The collector of the runtime. Bun has another name for it. Deno and Node have it with --expose-gc.

const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(force: boolean): void } };

/** Collects all garbage now. */
export function collect(): void {
  if (Bun) Bun.gc(true);
  else gc!();
}
