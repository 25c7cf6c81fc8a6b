/** What `console.log` shows of a value, in the three runtimes. */

/** The function of a runtime that shows a value. */
type Show = (value: unknown, options?: unknown) => string;

/**
 * Gives a class the methods that the runtimes look for: Node and Bun the first, Deno the second. `factsOf` returns the
 * facts about a value, or a text to show instead.
 */
export function showIn<Value extends object>(
  prototype: Value,
  name: string,
  factsOf: (value: Value) => object | string,
): void {
  const shown = (value: Value, show: unknown, options: unknown): string => {
    const facts = factsOf(value);
    return `${name} ${typeof facts === "string" ? facts : (show as Show)(facts, options)}`;
  };
  define(prototype, "nodejs.util.inspect.custom", function (this: Value, _depth, options, show) {
    return shown(this, show, options);
  });
  define(prototype, "Deno.customInspect", function (this: Value, show, options) {
    return shown(this, show, options);
  });
}

function define<Value extends object>(
  prototype: Value,
  name: string,
  value: (this: Value, ...given: readonly unknown[]) => string,
): void {
  Object.defineProperty(prototype, Symbol.for(name), { value, configurable: true, writable: true });
}
