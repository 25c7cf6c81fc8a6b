import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { assertEquals } from "@std/assert";
import { picturesDrawn } from "../tools/pictures.ts";

test("the pictures of the documents are those that tools/pictures.ts draws", () => {
  const directory = new URL("../docs/pictures/", import.meta.url);
  const text = (name: string): string => readFileSync(new URL(name, directory), "utf8").replaceAll("\r\n", "\n");
  assertEquals(Object.fromEntries(readdirSync(directory).map((name) => [name, text(name)])), picturesDrawn());
});
