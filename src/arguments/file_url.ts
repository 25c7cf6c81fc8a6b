/**
 * The path that a `file:` URL names. Pure: in Deno, loading node:url for it would take longer than the first mapping
 * does.
 */
import type { OperatingSystem } from "../types.ts";

/**
 * Turns a `file:` URL into a path of the system, by the rules of Node's `fileURLToPath`. But a host keeps its punycode.
 */
export function pathOfFileUrl(url: URL, os: OperatingSystem): string {
  if (url.protocol !== "file:") throw new TypeError(`source: ${url} given, wanted a file: URL`);
  return os === "windows" ? windowsPath(url) : posixPath(url);
}

function posixPath(url: URL): string {
  if (url.host !== "") throw new TypeError(`source: ${url} given, wanted a file: URL without a host`);
  return decoded(url, /%2f/i);
}

/** `file:///C:/a/b` is `C:\a\b`, and `file://server/share/a` is `\\server\share\a`. */
function windowsPath(url: URL): string {
  const path = decoded(url, /%2f|%5c/i).replaceAll("/", "\\");
  if (url.host !== "") return `\\\\${url.host}${path}`;
  if (/^\\[a-z]:/i.test(path)) return path.slice(1);
  throw new TypeError(`source: ${url} given, wanted a file: URL with a drive or a host`);
}

function decoded(url: URL, slashes: RegExp): string {
  if (slashes.test(url.pathname)) throw new TypeError(`source: ${url} given, wanted a path without encoded slashes`);
  try {
    return decodeURIComponent(url.pathname);
  } catch {
    throw new TypeError(`source: ${url} given, wanted a path in UTF-8`);
  }
}
