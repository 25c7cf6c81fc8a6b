// Maps a file in a Deno that refuses to load its parts of Node: PATH. Prints the system and the length as JSON.
interface Deno {
  readonly args: readonly string[];
  readonly stdout: { writeSync(bytes: Uint8Array): number };
}

Object.defineProperty(globalThis, "process", {
  get: () => {
    throw new Error("process was asked for");
  },
});

const { mmap, platform } = await import("../../mod.ts");
const { args, stdout } = (globalThis as unknown as { Deno: Deno }).Deno;
using region = mmap(args[0]);
stdout.writeSync(new TextEncoder().encode(JSON.stringify([platform.os, platform.arch, region.bytes.length])));
