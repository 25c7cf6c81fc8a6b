/** The path that a `file:` URL names. Pure: loading node:url for it would cost Deno more than the first mapping does. */

/** Turns a `file:` URL into a POSIX path, by the rules of Node's `fileURLToPath`. */
export function pathOfFileUrl(url: URL): string {
  if (url.protocol !== "file:") throw new TypeError(`source: ${url} given, wanted a file: URL`);
  if (url.host !== "") throw new TypeError(`source: ${url} given, wanted a file: URL without a host`);
  if (/%2f/i.test(url.pathname)) throw new TypeError(`source: ${url} given, wanted a path without encoded slashes`);
  try {
    return decodeURIComponent(url.pathname);
  } catch {
    throw new TypeError(`source: ${url} given, wanted a path in UTF-8`);
  }
}
