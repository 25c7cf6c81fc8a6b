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

/** The file that a specifier in a file names, as a path from the root. */
function target(path: string, specifier: string): string {
  return relative(root, join(root, dirname(path), specifier)).replaceAll("\\", "/");
}

/** What a file imports, as paths from the root. A specifier that is not relative stays as it is. */
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

/** A file, and everything that it imports for more than types, directly or through others. */
function reachedFrom(file: string): string[] {
  const seen = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    runtimeImportsOf(name).forEach(visit);
  };
  visit(file);
  return [...seen];
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

/** The rooms of src/, and what each may import besides itself. A file directly in src/ is a room of its own. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  "vocabulary.ts": [],
  "error.ts": [],
  "inspect.ts": [],
  "types.ts": ["vocabulary.ts"],
  "arguments": ["vocabulary.ts", "types.ts", "error.ts"],
  "ffi": ["types.ts"],
  "os": ["vocabulary.ts", "types.ts", "error.ts", "arguments"],
  "host.ts": ["types.ts", "error.ts", "ffi", "os"],
  "memory": ["vocabulary.ts", "types.ts", "error.ts", "arguments", "host.ts", "os"],
  "region.ts": ["vocabulary.ts", "types.ts", "arguments", "host.ts", "inspect.ts", "memory"],
  "mmap.ts": ["types.ts", "arguments", "host.ts", "memory", "region.ts"],
  "platform.ts": ["vocabulary.ts", "types.ts", "arguments", "host.ts"],
  "extras": ["vocabulary.ts", "types.ts", "arguments", "host.ts", "region.ts", "mmap.ts"],
};

/** The rooms of src/os/. A single system is made of POSIX's parts, which know none. */
const SYSTEMS: Readonly<Record<string, readonly string[]>> = {
  "guard": [],
  "posix": [],
  "linux": ["posix", "guard"],
  "darwin": ["posix"],
  "freebsd": ["posix"],
  "windows": ["guard"],
};

/** Which contracts may be imported from elsewhere: they are types, and the words between two axes. */
const CONTRACTS = ["src/ffi/contract.ts", "src/os/contract.ts"];

/** What a file of `folder` is in: a folder there, or the file itself. */
const roomIn = (folder: string, file: string): string => file.slice(folder.length).split("/")[0];

function assertArrows(folder: string, rooms: Readonly<Record<string, readonly string[]>>): void {
  for (const file of FILES.filter((name) => name.startsWith(folder))) {
    const room = roomIn(folder, file);
    for (const name of importsOf(file).filter((name) => name.startsWith(folder) && !CONTRACTS.includes(name))) {
      const other = roomIn(folder, name);
      // Files beside the rooms serve all of them, and know none.
      const allowed = other === room || rooms[other] === undefined || (rooms[room]?.includes(other) ?? false);
      assert(allowed, `${file} -> ${name}`);
    }
  }
}

test("arrows between the rooms run one way", () => {
  assertEquals(
    new Set(FILES.filter((file) => file.startsWith("src/")).map((file) => roomIn("src/", file))),
    new Set(Object.keys(ROOMS)),
  );
  assertArrows("src/", ROOMS);
  assertArrows("src/os/", SYSTEMS);
});

test("no file imports itself by way of others, not even by types", () => {
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    assert(!way.includes(file), [...way, file].join(" -> "));
    if (done.has(file)) return;
    for (const name of importsOf(file)) visit(name, [...way, file]);
    done.add(file);
  };
  for (const file of FILES) visit(file, []);
});

test("nothing in src/ imports an entry", () => {
  assertNoImport(/^src\//, /^[^/]+$/);
});

test("at most nine files are directly in src/", () => {
  assert(FILES.filter((file) => /^src\/[^/]+$/.test(file)).length <= 9);
});

test("a runtime knows no system, and a system no runtime", () => {
  assertNoImport(/^src\/ffi\//, /^src\/os\//);
  assertNoImport(/^src\/os\//, /^src\/ffi\/(?!contract\.ts)/);
});

test("no runtime knows another", () => {
  assertNoImport(/^src\/ffi\/(deno|bun|node)\.ts/, /^src\/ffi\/(deno|bun|node)\.ts/);
});

test("only host.ts sees both axes", () => {
  const both = FILES.filter((file) =>
    importsOf(file).some((name) => /^src\/(ffi\/(deno|bun|node)|os\/\w+\/system)\.ts$/.test(name))
  ).filter((file) => !file.startsWith("src/os/"));
  assertEquals(both, ["src/host.ts"]);
});

test("the pure files need no system to run", () => {
  const pure = FILES.filter((file) => file.startsWith("src/arguments/"));
  for (const file of [...pure, "src/error.ts", "src/memory/protections.ts"]) {
    assertEquals(reachedFrom(file).filter((name) => /^src\/(host|os|ffi)/.test(name)), [], file);
  }
});

test("the entries have no logic", () => {
  for (const entry of ENTRIES) {
    const code = text(entry).replaceAll(/\/\*\*[^]*?\*\//g, "").replaceAll(/export \{[^}]*\} from "[^"]+";/g, "");
    assertEquals(code.trim(), "", entry);
  }
});

test("mod.ts does without what only other entries need", () => {
  const reached = reachedFrom("mod.ts");
  assert(reached.includes("src/region.ts"));
  assertEquals(reached.filter((file) => file.startsWith("src/extras/")), []);
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
