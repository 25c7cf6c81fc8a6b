import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { assert, assertEquals } from "@std/assert";
import { MappedRegion, platform } from "../mod.ts";
import { notInQemu } from "./support/emulated.ts";
import { freshPath } from "./support/files.ts";

const ROOT = new URL("..", import.meta.url);

/** Every document of the root and of docs/. */
const DOCUMENTS = [...documentsIn("."), ...documentsIn("docs")];

function documentsIn(directory: string): string[] {
  const names = readdirSync(new URL(directory, ROOT)).filter((name) => name.endsWith(".md"));
  return names.map((name) => directory === "." ? name : `${directory}/${name}`);
}

function text(name: string): string {
  return readFileSync(new URL(name, ROOT), "utf8").replaceAll("\r\n", "\n");
}

// ---------------------------------------------------------------- recipes

interface Recipe {
  readonly heading: string;
  readonly code: string;
  /** Systems that lack what the recipe is about. A comment in front of the code names them. */
  readonly notOn: readonly string[];
}

function recipesIn(document: string): Recipe[] {
  return document.split(/^## /m).slice(1).flatMap((section) => {
    const [, code] = /^```ts\n([^]*?)^```$/m.exec(section) ?? [];
    const [, systems = ""] = /^<!-- not on: (.*) -->$/m.exec(section) ?? [];
    return code === undefined ? [] : [{ heading: section.split("\n")[0], code, notOn: systems.split(" ") }];
  });
}

/** The code, with imports that lead to the package and the assertions here. */
function resolved(code: string): string {
  return code.replaceAll(
    /\b(from |resolve\()"(@region\/mmap|@std\/assert)(\/\w+)?"/g,
    (_, before, name, entry = "/mod") => {
      const url = name === "@region/mmap" ? new URL(`.${entry}.ts`, ROOT).href : import.meta.resolve(name);
      return `${before}"${url}"`;
    },
  );
}

describe("the recipes run on every runtime", () => {
  const directory = freshPath("recipes");

  /** Makes the temporary directories of the code be where the tests remove theirs. */
  const withOwnTemporaries = async (body: () => Promise<unknown>): Promise<void> => {
    const before = ["TMPDIR", "TMP", "TEMP"].map((name) => [name, process.env[name]] as const);
    for (const [name] of before) process.env[name] = directory;
    try {
      await body();
    } finally {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  };

  for (
    const { heading, code, notOn } of [...recipesIn(text("docs/recipes.md")), ...recipesIn(text("docs/sharing.md"))]
  ) {
    const here = { skip: notOn.includes(platform.os) && `not on ${platform.os}` };
    const emulated = code.includes("spawnSync") ? notInQemu("does not run what it starts") : {};
    test(heading, { ...here, ...emulated }, async () => {
      mkdirSync(directory, { recursive: true });
      const path = join(directory, `${heading.replaceAll(/\W+/g, "_")}.ts`);
      writeFileSync(path, resolved(code));
      await withOwnTemporaries(() => import(pathToFileURL(path).href));
    });
  }
});

// ---------------------------------------------------------------- links and names

/** The anchor that GitHub gives a heading. */
function anchorOf(heading: string): string {
  return heading.trim().toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
}

function anchorsIn(document: string): string[] {
  return [...document.replaceAll(/^```[^]*?^```$/gm, "").matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    anchorOf(heading)
  );
}

describe("the documents", () => {
  for (const name of DOCUMENTS) {
    test(`every link in ${name} leads somewhere`, () => {
      const links = [...text(name).matchAll(/\]\((?!https?:)([^)\s]*)\)/g)].map(([, link]) => link);
      for (const link of links) {
        const [file, anchor] = link.split("#");
        const path = file === "" ? name : join(dirname(name), file).replaceAll("\\", "/");
        assert(existsSync(fileURLToPath(new URL(path, ROOT))), `${link}: no such file`);
        if (anchor !== undefined) assert(anchorsIn(text(path)).includes(anchor), `${link}: no such heading`);
      }
    });

    test(`every member of a region in ${name} is there`, () => {
      const members = [...text(name).matchAll(/\bregion\.(?!ts\b)(\w+)/g)].map(([, member]) => member);
      assertEquals(members.filter((member) => !(member in MappedRegion.prototype)), []);
    });
  }
});
