/** Hashes. Only those that work on all of a long input at once can get it wrong. */
import { createHash } from "node:crypto";
import type { Bytes, Case, Long } from "../case.ts";
import { noise } from "../bytes.ts";

/** The hash of a long input by the system's library, in parts. */
function inParts(name: string): (bytes: Bytes) => string {
  return (bytes) => {
    const hash = createHash(name);
    for (let at = 0; at < bytes.length; at += 1 << 24) {
      hash.update(bytes.subarray(at, at + (1 << 24)));
    }
    return hash.digest("hex");
  };
}

const long = (use: Long["use"], name = "sha1"): Long => ({ use, want: inParts(name) });

const hex = (hash: ArrayBuffer | Uint8Array<ArrayBuffer>): string => new Uint8Array(hash).toHex();

/** A case with the same call for short and long inputs. */
function hashed(rest: Pick<Case, "name" | "runtime" | "call" | "advice">, use: Case["use"], name?: string): Case {
  return { ...rest, input: noise, use, long: long(use, name) };
}

export const HASHES: readonly Case[] = [
  ...(["node", "deno", "bun"] as const).map((runtime) =>
    hashed({
      name: "node:crypto",
      runtime,
      call: "createHash(name).update(bytes)",
      advice: runtime === "node" ? "Update with parts, or use `hash`." : "",
    }, (bytes) => {
      const found = createHash("sha1").update(bytes).digest("hex");
      return () => found;
    })
  ),
  hashed({ name: "node:crypto", runtime: "node", call: "hash(name, bytes)", advice: "" }, async (bytes) => {
    const found = (await import("node:crypto")).hash("sha1", bytes, "hex");
    return () => found;
  }),
  hashed({
    name: "crypto.subtle",
    runtime: "node",
    call: "digest(name, bytes)",
    advice: "Use `hash` of `node:crypto`, or `createHash` with parts.",
  }, async (bytes) => {
    const found = hex(await crypto.subtle.digest("SHA-1", bytes));
    return () => found;
  }),
  hashed({ name: "hash-wasm", call: "sha1(bytes)", advice: "" }, async (bytes) => {
    const found = await (await import("hash-wasm")).sha1(bytes);
    return () => found;
  }),
  hashed({ name: "@noble/hashes", call: "sha1(bytes)", advice: "" }, async (bytes) => {
    const found = (await import("@noble/hashes/legacy.js")).sha1(bytes).toHex();
    return () => found;
  }),
  {
    name: "xxhash-wasm",
    call: "h64Raw(bytes)",
    input: noise,
    async use(bytes) {
      const found = (await (await import("xxhash-wasm")).default()).h64Raw(bytes);
      return () => found;
    },
    long: {
      async use(bytes) {
        const { h64Raw } = await (await import("xxhash-wasm")).default();
        const found = h64Raw(bytes);
        return () => found;
      },
      async want(bytes) {
        const { create64 } = await (await import("xxhash-wasm")).default();
        const hash = create64();
        for (let at = 0; at < bytes.length; at += 1 << 20) {
          hash.update(bytes.subarray(at, at + (1 << 20)));
        }
        return hash.digest();
      },
    },
    advice: "Use `create64()`, and update it with parts.",
  },
];
