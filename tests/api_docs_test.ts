// What the documentation of the public names has to say. `deno doc` reads it.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { platform } from "../mod.ts";
import { ENTRIES } from "../tools/entries.ts";
import { notInQemu } from "./support/emulated.ts";
import { freshPath } from "./support/files.ts";
import { isWindows } from "./support/systems.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

interface Documentation {
  readonly doc?: string;
  readonly tags?: readonly { readonly kind: string; readonly name?: string; readonly doc?: string }[];
}

interface Parameter {
  readonly name?: string;
  /** Of a parameter with a default. */
  readonly left?: Parameter;
  /** Of the rest of the arguments. */
  readonly arg?: Parameter;
}

interface Signature {
  readonly params?: readonly Parameter[];
  readonly hasBody?: boolean;
}

interface Declaration {
  readonly kind: string;
  readonly jsDoc?: Documentation;
  readonly def: Signature & { readonly methods?: readonly Method[] };
}

/** Of a class, or of an interface. */
interface Method extends Signature {
  readonly name: string;
  readonly kind: string;
  readonly jsDoc?: Documentation;
  readonly functionDef?: Signature;
}

/** A public name, or a callable member of one, and what its documentation says. */
interface Documented {
  readonly name: string;
  readonly kind: string;
  readonly parameters: readonly string[];
  readonly text: string;
  readonly tags: NonNullable<Documentation["tags"]>;
}

function denoDoc(...rest: string[]): string {
  return execFileSync(process.execPath, ["doc", "--quiet", ...rest], { cwd: ROOT, encoding: "utf8" });
}

/** Everything that is public, with a line for each overload. */
function everythingPublic(): Documented[] {
  const { nodes } = JSON.parse(denoDoc("--json", ...ENTRIES)) as {
    nodes: Record<string, { symbols: { name: string; declarations: Declaration[] }[] }>;
  };
  const symbols = Object.values(nodes).flatMap(({ symbols }) => symbols);
  return symbols.flatMap(({ name, declarations }) =>
    // What overloads have in common is not seen from outside.
    declarations.filter(({ def }) => declarations.length === 1 || !def.hasBody).flatMap((declaration) => [
      documented(name, declaration.kind, declaration.def, declaration.jsDoc),
      ...(declaration.def.methods ?? []).map((method) =>
        documented(`${name}.${method.name}`, method.kind ?? "method", method.functionDef ?? method, method.jsDoc)
      ),
    ])
  );
}

function documented(name: string, kind: string, { params = [] }: Signature, jsDoc?: Documentation): Documented {
  return {
    name,
    kind,
    parameters: params.map(nameOf),
    text: (jsDoc?.doc ?? "").replaceAll(/\s+/g, " "),
    tags: jsDoc?.tags ?? [],
  };
}

function nameOf({ name, left, arg }: Parameter): string {
  return name ?? nameOf((left ?? arg)!);
}

function hasTag({ tags }: Documented, kind: string, name?: string): boolean {
  return tags.some((tag) => tag.kind === kind && (name === undefined || tag.name === name));
}

/** These never throw, and every caller may rely on that. */
const NEVER_THROW = [
  "MappedRegion.address",
  "MappedRegion.byteLength",
  "MappedRegion.offset",
  "MappedRegion.descriptor",
  "MappedRegion.protection",
  "MappedRegion.flags",
  "MappedRegion.unmapped",
  "MappedRegion.faults",
  "MappedRegion.[Symbol.toStringTag]",
  "FileLock.held",
  "MemoryRegion.byteLength",
  "MemoryRegion.offset",
  "MemoryRegion.protection",
  "MemoryRegion.unmapped",
  "MemoryRegion.faults",
  "MemoryRegion.[Symbol.toStringTag]",
];

/** The texts after a tag, each with the name it belongs to. */
function textsOf(names: readonly Documented[], kind: string): string[] {
  return names.flatMap(({ name, tags }) =>
    tags.filter((tag) => tag.kind === kind).map(({ doc = "" }) => `${name}: ${doc.trim()}`)
  );
}

const onDeno = {
  skip: (platform.runtime !== "deno" || isWindows) && "Deno's, and the same on every system",
  ...notInQemu("runs Deno itself"),
};

describe("the documentation of the public names", onDeno, () => {
  const names = onDeno.skip === false ? everythingPublic() : [];
  const calls = names.filter(({ kind }) => kind === "function" || kind === "method");
  const getters = names.filter(({ kind }) => kind === "getter");

  test("has an example for everything that can be called, and for every class and value", () => {
    const shown = [...calls, ...names.filter(({ kind }) => kind === "class" || kind === "variable")];
    assert(shown.length > 25);
    assertEquals(shown.filter((one) => !hasTag(one, "example")).map(({ name }) => name), []);
  });

  test("says what every parameter is", () => {
    const without = calls.flatMap((call) =>
      call.parameters.filter((parameter) => !hasTag(call, "param", parameter)).map((name) => `${call.name}: ${name}`)
    );
    assertEquals(without, []);
  });

  test("says what is thrown, or that nothing is", () => {
    const silent = [...calls, ...getters].filter((one) => !hasTag(one, "throws")).map(({ name }) => name);
    assertEquals(silent, NEVER_THROW);
  });

  test("says when it is thrown", () => {
    const texts = textsOf(names, "throws");
    assert(texts.length > 50);
    assertEquals(texts.filter((text) => !/: (If|When) [^]+\.$/.test(text)), []);
  });

  test("has nothing but the value behind @returns, and one paragraph behind every tag", () => {
    const returns = textsOf(names, "return");
    assert(returns.length > 10);
    assertEquals(returns.filter((text) => !/: [A-Z][^]+\.$/.test(text)), []);
    const texts = ["param", "return", "throws"].flatMap((kind) => textsOf(names, kind));
    assertEquals(texts.filter((text) => /\n\s*\n/.test(text)), []);
  });

  test("leaves what is not noticed to docs/safety.md, with one sentence that leads there", () => {
    const mentions = names.filter(({ text }) => /within (a|its last) page/.test(text));
    assert(mentions.length > 0);
    for (const { name, text } of mentions) {
      assert(text.includes("A cut within a page is not noticed: see `docs/safety.md`."), name);
      assertEquals(text.match(/within (a|its last) page/g)?.length, 1, name);
    }
  });

  test("becomes pages", () => {
    const directory = freshPath("api");
    denoDoc("--html", "--name=@region/mmap", `--output=${directory}`, ...ENTRIES);
    for (const page of ["index.html", "all_symbols.html"]) assert(existsSync(join(directory, page)), page);
  });
});
