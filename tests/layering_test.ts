import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { ENTRIES } from "../tools/entries.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Every source file of the library, by its path from the root. */
const FILES = [
  ...ENTRIES,
  ...readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts")).map((name) => `src/${name.replaceAll("\\", "/")}`),
];

const text = (path: string): string => readFileSync(join(root, path), "utf8");

/** What a specifier in a file names, as a path from the root. */
function target(path: string, specifier: string): string {
  return relative(root, join(root, dirname(path), specifier)).replaceAll("\\", "/");
}

/** What a file imports, as paths from the root; a specifier that is not relative stays as it is. */
function importsOf(path: string): string[] {
  const specifiers = [...text(path).matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)";/gm)].map(([, name]) => name);
  return specifiers.map((name) => name.startsWith(".") ? target(path, name) : name);
}

/** What a file imports for more than its types. */
function runtimeImportsOf(path: string): string[] {
  const code = text(path).replaceAll(/^import type [^;]*;/gm, "");
  return [...code.matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)";/gm)]
    .map(([, name]) => target(path, name));
}

function assertNoImport(from: RegExp, to: RegExp): void {
  const arrows = FILES.filter((file) => from.test(file))
    .flatMap((file) => importsOf(file).filter((target) => to.test(target)).map((target) => `${file} -> ${target}`));
  assertEquals(arrows, []);
}

test("the library imports nothing but itself", () => {
  const outside = FILES.flatMap((file) => importsOf(file).filter((name) => !FILES.includes(name)));
  assertEquals(outside, []);
});

test("types.ts imports nothing", () => {
  assertEquals(importsOf("src/types.ts"), []);
});

test("a runtime knows no system, and a system no runtime", () => {
  assertNoImport(/^src\/ffi\//, /^src\/os\//);
  assertNoImport(/^src\/os\//, /^src\/ffi\/(?!contract\.ts)/);
});

test("the guard is a part of the system", () => {
  const users = FILES.filter((file) =>
    !file.startsWith("src/guard/") && importsOf(file).some((name) => name.startsWith("src/guard/"))
  );
  assertEquals(users.toSorted(), ["src/os/posix/system.ts", "src/os/windows/system.ts"]);
  assertNoImport(/^src\/guard\//, /^src\/ffi\//);
});

test("no runtime knows another", () => {
  assertNoImport(/^src\/ffi\/(deno|bun|node)\.ts/, /^src\/ffi\/(deno|bun|node)\.ts/);
});

test("neither axis, nor the guard, knows what is built on it", () => {
  const below = ["types", "error", "describe", "range", "flags"].map((name) => `src/${name}.ts`);
  for (const file of FILES.filter((name) => /^src\/(ffi|os|guard)\//.test(name))) {
    const above = importsOf(file).filter((name) => !/^src\/(ffi|os|guard)\//.test(name) && !below.includes(name));
    assertEquals(above, [], file);
  }
});

test("only host.ts sees both axes", () => {
  const both = FILES.filter((file) => {
    const targets = importsOf(file);
    return targets.some((name) => /^src\/(ffi\/(deno|bun|node)|os\/(posix|windows))\.ts$/.test(name));
  });
  assertEquals(both, ["src/host.ts"]);
});

test("the pure files need no system to run", () => {
  for (const name of ["flags", "range", "options", "source", "protections", "describe", "error", "file_url"]) {
    const seen = new Set<string>();
    const visit = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      runtimeImportsOf(file).forEach(visit);
    };
    visit(`src/${name}.ts`);
    assertEquals([...seen].filter((file) => /^src\/(host|os|ffi)/.test(file)), [], name);
  }
});

test("the entries have no logic", () => {
  for (const entry of ENTRIES) {
    const code = text(entry).replaceAll(/\/\*\*[^]*?\*\//g, "").replaceAll(/export \{[^}]*\} from "[^"]+";/g, "");
    assertEquals(code.trim(), "", entry);
  }
});

test("mod.ts does without what only other entries need", () => {
  const seen = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    runtimeImportsOf(file).forEach(visit);
  };
  visit("mod.ts");
  assert(seen.has("src/region.ts") && ["sync", "lines", "web"].every((name) => !seen.has(`src/${name}.ts`)));
});

test("nothing loads a runtime's module at import, and nothing waits for it", () => {
  for (const file of FILES) {
    assert(!/^\s*(await|for await)\b/m.test(text(file).replaceAll(/^ +.*$/gm, "")), `top-level await in ${file}`);
    assert(!/from "(node|bun):/.test(text(file)), `static import of a runtime's module in ${file}`);
  }
});

test("no any in the library", () => {
  for (const file of FILES) assert(!/[:<,|&(] *any\b(?! )|as any\b/.test(text(file)), file);
});
