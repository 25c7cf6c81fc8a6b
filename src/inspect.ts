/** What `console.log` shows of a region, in the three runtimes. */
import type { MappedRegion } from "./region.ts";

/** A runtime's function that shows a value. */
type Show = (value: unknown, options?: unknown) => string;

/**
 * Gives a class of regions what the runtimes look for: Node and Bun the first symbol, Deno the second. They show what only
 * inherits from a region in the same way.
 */
export function showIn(prototype: MappedRegion, isRegion: (value: object) => boolean): void {
  const shownIn = (value: MappedRegion, show: unknown, options: unknown): string =>
    isRegion(value) ? shown(value, show as Show, options) : "MappedRegion {}";
  define(prototype, "nodejs.util.inspect.custom", function (this: MappedRegion, _depth, options, show) {
    return shownIn(this, show, options);
  });
  define(prototype, "Deno.customInspect", function (this: MappedRegion, show, options) {
    return shownIn(this, show, options);
  });
}

function define(
  prototype: MappedRegion,
  name: string,
  value: (this: MappedRegion, ...given: readonly unknown[]) => string,
): void {
  Object.defineProperty(prototype, Symbol.for(name), { value, configurable: true, writable: true });
}

/** What there is to know of a region, but for its bytes, which may be many. */
function shown(region: MappedRegion, show: Show, options: unknown): string {
  const { byteLength, offset, protection, flags, faults, unmapped } = region;
  if (unmapped) return "MappedRegion (unmapped)";
  const address = `0x${region.address.toString(16)}`;
  const { descriptor } = region;
  return `MappedRegion ${show({ byteLength, address, offset, descriptor, protection, flags, faults }, options)}`;
}
