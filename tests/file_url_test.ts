import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertEquals, assertThrows } from "@std/assert";
import { pathOfFileUrl } from "../src/file_url.ts";

test("file URLs are read as Node reads them", () => {
  for (
    const url of ["file:///a/b", "file:///a%20b/%C3%A9", "file:///a/../b?query#hash", "file:///", "file://localhost/a"]
  ) {
    assertEquals(pathOfFileUrl(new URL(url)), fileURLToPath(url));
  }
});

test("other URLs are refused, and named", () => {
  for (
    const url of [
      "http://example.com/a",
      "https://example.com/a",
      "data:,a",
      "file://host/a",
      "file:///a%2Fb",
      "file:///%ff",
    ]
  ) {
    assertThrows(() => pathOfFileUrl(new URL(url)), TypeError, "source: ");
  }
});
