// Plays one scenario of memory that others may still use after unmap: SCENARIO PATH FRESH. Prints "survived" if all was
// well. "flat" prints as JSON what has grown. Linux only.
import { execFileSync, spawn } from "node:child_process";
import * as fs from "node:fs";
import { writeFile } from "node:fs/promises";
import { randomFill } from "node:crypto";
import process from "node:process";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { gzip } from "node:zlib";
import { assert, assertEquals } from "@std/assert";
import { type MappedRegion, mmap, platform } from "../../mod.ts";
import { host } from "../../src/host.ts";
import { collectAll } from "../support/collector.ts";
import { areas, mappingsOf, statusKibibytes } from "../support/proc.ts";

const [scenario, path, fresh] = process.argv.slice(2);
const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** Makes the file consist of one byte, repeated. */
function fill(byte: number): void {
  fs.writeFileSync(path, new Uint8Array(MIB).fill(byte));
}

/**
 * Maps one page after the other until the kernel allows no more, and returns how many. The addresses are in an array of
 * numbers, since the engine would have to find memory for objects.
 */
function mapToTheLimit(descriptor: number, addresses: BigUint64Array, from: number): number {
  const { system } = host();
  let count = from;
  try {
    // Every other page, so that the kernel does not join neighbours.
    for (;; count++) {
      const offset = 4096 * (2 * count % 256);
      const request = { descriptor, offset, protection: ["read"], flags: ["shared"], unit: 4096 } as const;
      addresses[count] = system.map(request, 4096);
    }
  } catch {
    return count;
  }
}

function unmapPages(addresses: BigUint64Array): void {
  for (const address of addresses) host().system.unmap(address, 4096);
}

/** A sparse file that is mapped to be looked at. */
function mapSparse(length: number): MappedRegion {
  if (!fs.existsSync(fresh)) {
    fs.writeFileSync(fresh, "");
    fs.truncateSync(fresh, length);
  }
  return mmap(fresh);
}

/** Sets a limit for this process: so many bytes more than it uses now. */
function limit(resource: "as" | "data", status: "VmSize" | "VmData", more: number): void {
  const bytes = statusKibibytes(status) * 1024 + more;
  execFileSync("prlimit", ["--pid", String(process.pid), `--${resource}=${bytes}`]);
}

/** Maps more than the limit allows together, one after the other. */
function mapBeyond(length: number): void {
  for (let round = 0; round < 100; round++) {
    using region = mapSparse(length);
    assertEquals(region.view(Uint8Array, 0, 1)[0], 0);
  }
}

/** What comes of a view that is unmapped at once, as docs/safety.md has it. */
interface Job {
  readonly job: (view: Uint8Array<ArrayBuffer>) => Promise<string>;
  readonly wanted: { readonly [Runtime in "deno" | "bun" | "node"]?: string } & { readonly other?: string };
}

const JOBS: Readonly<Record<string, Job>> = {
  randomFill: {
    job: (view) => new Promise((resolve) => randomFill(view, (error) => resolve(error ? "error" : "filled"))),
    wanted: { deno: "unhandled", node: "filled", bun: "error" },
  },
  pipeline: {
    job: (view) => pipeline(Readable.from([view]), fs.createWriteStream(fresh)).then(() => "written"),
    wanted: { deno: "uncaught", other: "error" },
  },
  "createWriteStream.end": {
    job: (view) =>
      new Promise((resolve) => {
        fs.createWriteStream(fresh).on("error", () => resolve("error")).on("finish", () => resolve("finish")).end(view);
      }),
    wanted: { deno: "error", other: "nothing" },
  },
  "child.stdin.end": {
    job: async (view) => {
      const { stdin, stdout } = spawn("wc", ["-c"], { stdio: ["pipe", "pipe", "inherit"] });
      stdin.end(view);
      return `${String((await stdout.toArray())[0]).trim()} bytes`;
    },
    wanted: { bun: "nothing", other: `${MIB} bytes` },
  },
  "Readable.from": {
    job: async (view) => `${(await Readable.from([view]).toArray())[0].length} bytes`,
    wanted: { other: "0 bytes" },
  },
  TextDecoderStream: {
    job: async (view) => {
      const { readable, writable } = new TextDecoderStream("latin1");
      const writer = writable.getWriter();
      writer.write(view).then(() => writer.close()).catch(() => {});
      return `${(await Array.fromAsync(readable)).join("").length} bytes`;
    },
    wanted: { other: "0 bytes" },
  },
  readv: {
    job: (view) =>
      new Promise((resolve) => {
        fs.readv(fs.openSync("/dev/zero", "r"), [view], 0, (_error, count) => resolve(`${count} bytes`));
      }),
    wanted: { other: `${MIB} bytes` },
  },
};

const SCENARIOS: Record<string, () => void | Promise<void>> = {
  "read-into": async () => {
    fill(0x41);
    execFileSync("mkfifo", [fresh]);
    const writer = spawn("sh", ["-c", `exec 3>"$0"; sleep 1; head -c 60000 /dev/zero | tr '\\0' X >&3`, fresh]);
    const descriptor = fs.openSync(fresh, "r");
    const region = mmap(null, { size: 32 * MIB });
    const at = region.address + BigInt(16 * MIB);
    const { promise: read, resolve } = Promise.withResolvers<number>();
    fs.read(descriptor, region.bytes.subarray(16 * MIB), 0, 60_000, null, (_error, count) => resolve(count));
    await new Promise((resolve) => setTimeout(resolve, 200));
    region.unmap();
    const others = Array.from({ length: 100 }, () => mmap(path, { access: "write" }));
    for (const { address } of others) assert(at < address || at >= address + BigInt(MIB), "another file lies there");
    assert(await read > 0, "nothing was read");
    writer.kill();
    assert(fs.readFileSync(path).every((byte) => byte === 0x41), "another file was changed");
  },

  "written-from": async () => {
    fill(0x41);
    for (let round = 0; round < 20; round++) {
      const region = mmap(path);
      const written = writeFile(fresh, region.bytes);
      region.unmap();
      assertEquals([region.unmapped, region.descriptor], [true, null]);
      // If the runtime pins the buffer, its pages stay. If not, they are blank.
      await written.catch(() => {});
      const bytes = fs.readFileSync(fresh);
      if (platform.runtime === "bun") assert(bytes.length === MIB && bytes.every((byte) => byte === 0x41));
      else assert(bytes.every((byte) => byte === 0x41 || byte === 0));
    }
    if (platform.runtime !== "bun") return;
    const started = performance.now();
    while (mappingsOf(path) > 0 && performance.now() - started < 10_000) await new Promise((go) => setTimeout(go, 20));
    assertEquals(mappingsOf(path), 0, "pages stay though nobody works on them");
  },

  "zlib": async () => {
    fs.writeFileSync(path, crypto.getRandomValues(new Uint8Array(65536)));
    const { promise, resolve } = Promise.withResolvers<unknown>();
    // Only this event reports the error. The callback and the caller do not learn of it.
    process.on("uncaughtException", resolve);
    const region = mmap(path);
    gzip(region.bytes, (error, result) => resolve(error ?? result.length));
    region.unmap();
    // If the job was far enough, nothing reports anything.
    const outcome = await Promise.race([promise, new Promise((resolve) => setTimeout(resolve, 2000, "nothing"))]);
    if (platform.runtime === "bun") assert(outcome as number > 65536);
    else if (outcome instanceof Error) assert(/input/.test(outcome.message), outcome.message);
    else assert(outcome === "nothing" || outcome as number < 1000, String(outcome));
  },

  "said": async () => {
    fill(0x41);
    const uncaught = Promise.withResolvers<string>();
    process.on("uncaughtException", () => uncaught.resolve("uncaught"));
    process.on("unhandledRejection", () => uncaught.resolve("unhandled"));
    for (const [name, { job, wanted }] of Object.entries(JOBS)) {
      const region = mmap(path, { access: "copy" });
      const ended = job(region.bytes).catch(() => "error");
      region.unmap();
      const silence = new Promise<string>((resolve) => setTimeout(resolve, 2000, "nothing"));
      const outcome = await Promise.race([ended, uncaught.promise, silence]);
      assertEquals([name, outcome], [name, wanted[platform.runtime] ?? wanted.other]);
      // Those that follow would find the error of this one.
      if (outcome === "uncaught" || outcome === "unhandled") Object.assign(uncaught, Promise.withResolvers<string>());
    }
  },

  "at-the-limit": async () => {
    fill(0x41);
    const region = mmap(path, { access: "write" });
    const stolen = new Uint8Array(region.buffer.transfer());
    const descriptor = fs.openSync(path, "r");
    const addresses = new BigUint64Array(2 ** 20);
    const count = mapToTheLimit(descriptor, addresses, 0);
    // The engine needs some mappings to tidy up. After that, it has little left to do.
    unmapPages(addresses.subarray(count - 1000, count));
    await collectAll();
    const all = mapToTheLimit(descriptor, addresses, count - 1000);
    region.unmap();
    unmapPages(addresses.subarray(0, all));
    stolen.fill(0x5a);
    assertEquals([stolen[0], stolen[MIB - 1], fs.readFileSync(path).indexOf(0x5a)], [0x5a, 0x5a, -1]);
  },

  "address-space": () => {
    mapSparse(4 * GIB).unmap();
    limit("as", "VmSize", 6 * GIB);
    mapBeyond(4 * GIB);
  },

  "data": () => {
    mapSparse(4 * GIB).unmap();
    limit("data", "VmData", 2 * GIB);
    mapBeyond(4 * GIB);
  },

  "flat": () => {
    const figures = () => ({
      mappings: areas().length,
      virtualKibibytes: statusKibibytes("VmSize"),
      rssKibibytes: statusKibibytes("VmRSS"),
    });
    const map = (count: number): void => {
      for (let round = 0; round < count; round++) {
        using region = mapSparse(GIB);
        region.view(Uint8Array, 0, 1)[0];
      }
    };
    map(100);
    const before = figures();
    map(3000);
    const after = figures();
    process.stdout.write(JSON.stringify({
      mappings: after.mappings - before.mappings,
      virtualKibibytes: after.virtualKibibytes - before.virtualKibibytes,
      rssKibibytes: after.rssKibibytes - before.rssKibibytes,
    }));
    process.exit(0);
  },
};

try {
  await SCENARIOS[scenario]();
  process.stdout.write("survived\n");
  process.exit(0);
} catch (error) {
  // A scenario may listen to errors that nobody catches.
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  process.exit(1);
}
