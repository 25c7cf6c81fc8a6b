// What the documentation of the public names says, as `deno doc` reads it.
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
  readonly tags?: readonly { readonly kind: string; readonly name?: string }[];
}

interface Parameter {
  readonly name?: string;
  /** Of a parameter with a default. */
  readonly left?: Parameter;
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

/** A public name, or a method of one, and what its documentation has. */
interface Documented {
  readonly name: string;
  readonly kind: string;
  readonly parameters: readonly string[];
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
  return { name, kind, parameters: params.map(nameOf), tags: jsDoc?.tags ?? [] };
}

function nameOf({ name, left }: Parameter): string {
  return name ?? nameOf(left!);
}

function hasTag({ tags }: Documented, kind: string, name?: string): boolean {
  return tags.some((tag) => tag.kind === kind && (name === undefined || tag.name === name));
}

/** Those that neither throw nor take anything. */
const NEVER_THROW = ["MappedRegion.unmap", "MappedRegion.[Symbol.dispose]"];

const onDeno = {
  skip: (platform.runtime !== "deno" || isWindows) && "Deno's, and the same on every system",
  ...notInQemu("runs Deno itself"),
};

describe("the documentation of the public names", onDeno, () => {
  const names = onDeno.skip === false ? everythingPublic() : [];
  const calls = names.filter(({ kind }) => kind === "function" || kind === "method");

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

  test("says what is thrown", () => {
    const without = calls.filter((call) => !hasTag(call, "throws") && !NEVER_THROW.includes(call.name));
    assertEquals(without.map(({ name }) => name), []);
  });

  test("becomes pages", () => {
    const directory = freshPath("api");
    denoDoc("--html", "--name=@region/mmap", `--output=${directory}`, ...ENTRIES);
    for (const page of ["index.html", "all_symbols.html"]) assert(existsSync(join(directory, page)), page);
  });
});
