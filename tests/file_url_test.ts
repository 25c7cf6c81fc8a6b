import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertEquals, assertThrows } from "@std/assert";
import { platform } from "../mod.ts";
import { pathOfFileUrl } from "../src/arguments/file_url.ts";

const POSIX = ["file:///a/b", "file:///a%20b/%C3%A9", "file:///a/../b?query#hash", "file:///", "file://localhost/a"];
const WINDOWS = ["file:///C:/a%20b/%C3%A9?query#hash", "file:///d:/../e", "file://server/share/a"];

test("file URLs are read as Node reads them", () => {
  for (const url of platform.os === "windows" ? WINDOWS : POSIX) {
    assertEquals(pathOfFileUrl(new URL(url), platform.os), fileURLToPath(url));
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
    assertThrows(() => pathOfFileUrl(new URL(url), "linux"), TypeError, "source: ");
  }
});

test("on Windows they name drives and shares", () => {
  const pathOf = (url: string): string => pathOfFileUrl(new URL(url), "windows");
  assertEquals(pathOf("file:///C:/a%20b/%C3%A9?query#hash"), "C:\\a b\\\u00e9");
  assertEquals(pathOf("file://server/share/a"), "\\\\server\\share\\a");
  for (const url of ["file:///a/b", "file:///C:/a%2Fb", "file:///C:/a%5Cb", "http://C:/a"]) {
    assertThrows(() => pathOf(url), TypeError, "source: ");
  }
});
