// Lets Bun and Node find @std/assert under its own name; Deno has its import map for that.
export * from "deno-std/assert/mod.js";
