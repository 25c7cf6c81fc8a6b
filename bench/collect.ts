// The collector of the runtime, which has another name in Bun. Deno and Node have it with --expose-gc.

const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(force: boolean): void } };

/** Has all of the garbage collected now. */
export function collect(): void {
  if (Bun) Bun.gc(true);
  else gc!();
}
