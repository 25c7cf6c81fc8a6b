import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { ENTRIES } from "../tools/entries.ts";

const ROOT = new URL("..", import.meta.url);

/** A line of the tree: how deep it is, a name, and what it is for. */
const LINE = /^((?: {2})*)([\w.]+\/?) +\S/;

/** The files in the tree of docs/architecture.md, as paths from the root. */
function filesInTree(): string[] {
  const text = readFileSync(new URL("docs/architecture.md", ROOT), "utf8").replaceAll("\r\n", "\n");
  const [, tree = ""] = /^## The tree\n[^]*?^```\n([^]*?)\n```$/m.exec(text) ?? [];
  const files: string[] = [];
  const folders: string[] = [];
  for (const line of tree.split("\n")) {
    const [, indent, name] = LINE.exec(line) ?? [];
    assert(name !== undefined, `${line}: wanted a name, and what it is for`);
    folders.length = indent.length / 2;
    if (name.endsWith("/")) folders.push(name);
    else files.push(folders.join("") + name);
  }
  return files;
}

/** The files of the library, as paths from the root. */
function filesOfLibrary(): string[] {
  const names = readdirSync(new URL("src", ROOT), { recursive: true, encoding: "utf8" });
  const files = names.filter((name) => /\.\w+$/.test(name)).map((name) => `src/${name.replaceAll("\\", "/")}`);
  return [...ENTRIES, ...files];
}

test("the tree in docs/architecture.md names every file of the library, and nothing else", () => {
  assertEquals(filesInTree().toSorted(), filesOfLibrary().toSorted());
});
