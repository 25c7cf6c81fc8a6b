// Plays one scenario of the guard: SCENARIO PATH [guarded|unguarded]. Prints "survived" if all was well. Before it does
// something that may end it, it says so (see brink.ts), and whether the guard is in place.
import { Buffer } from "node:buffer";
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Worker } from "node:worker_threads";
import { assert, assertEquals } from "@std/assert";
import { ANONYMOUS, mmap, MmapError, platform } from "../../mod.ts";
import { host } from "../../src/host.ts";
import type { PosixTarget } from "../../src/os/columns.ts";
import { Libc } from "../../src/os/posix/libc.ts";
import { CODE, HEADER } from "../../src/os/guard/layout.ts";
import { sayBrink } from "../support/brink.ts";
import { countingBytes } from "../support/files.ts";
import { limitDescriptors } from "../support/limits.ts";
import { areaAt, statusKibibytes } from "../support/proc.ts";
import { isWindows } from "../support/systems.ts";

const [scenario, path, guarded] = process.argv.slice(2);
const PAGE = platform.pageSize;
const libc = (): Libc => new Libc(host().ffi, `linux-${platform.arch}` as PosixTarget);

function sum(bytes: Uint8Array): number {
  let total = 0;
  for (let at = 0; at < bytes.length; at++) total += bytes[at];
  return total;
}

/** Ways to read bytes that end in code of the engine, of the runtime, or of native libraries. */
const READERS: Readonly<Record<string, (bytes: Uint8Array<ArrayBuffer>) => unknown>> = {
  loop: sum,
  TextDecoder: (bytes) => new TextDecoder().decode(bytes),
  slice: (bytes) => bytes.slice(),
  set: (bytes) => new Uint8Array(bytes.length).set(bytes),
  from: (bytes) => Uint8Array.from(bytes),
  indexOf: (bytes) => bytes.indexOf(254, bytes.length / 2),
  "Buffer.from": (bytes) => Buffer.from(bytes),
  "Buffer.compare": (bytes) => Buffer.compare(bytes, bytes.slice()),
  "Buffer.toString": (bytes) => Buffer.from(bytes.buffer).toString("base64"),
  "Buffer.indexOf": (bytes) => Buffer.from(bytes.buffer).indexOf("not there"),
  hash: (bytes) => createHash("sha256").update(bytes).digest(),
  copyWithin: (bytes) => bytes.copyWithin(0, bytes.length / 2),
  fill: (bytes) => bytes.fill(0),
  sort: (bytes) => bytes.sort(),
  structuredClone: (bytes) => structuredClone(bytes),
  DataView: (bytes) => new DataView(bytes.buffer).getFloat64(bytes.length - 8),
  Atomics: (bytes) => Atomics.add(new Int32Array(bytes.buffer), bytes.length / 4 - 1, 1),
};

/** (module (import "js" "memory" (memory 1)) (func (export "first") (param i32) (result i32) (i32.load8_u (local.get 0)))) */
const LOADS = "AGFzbQEAAAABBgFgAX8BfwIOAQJqcwZtZW1vcnkCAAEDAgEABwkBBWZpcnN0AAAKCQEHACAALQAACw==";

/** Loads the library in a worker and does `body` there, which can use what is named in `source`. */
function inWorker(body: string): Promise<unknown> {
  const source = `
    const { parentPort, workerData } = process.getBuiltinModule("node:worker_threads");
    const { truncateSync } = process.getBuiltinModule("node:fs");
    const { path, library } = workerData;
    Promise.all([import(library + "mod.ts"), import(library + "wasm.ts")]).then(async ([{ mmap }, { mapInto, mapShared }]) => {
      parentPort.postMessage(await (async () => { ${body} })());
    });
  `;
  const library = new URL("../../", import.meta.url).href;
  const worker = new Worker(source, { eval: true, workerData: { path, library } });
  return new Promise((resolve, reject) => {
    worker.once("message", (message) => worker.terminate().then(() => resolve(message)));
    worker.once("error", reject);
  });
}

/** The address of a signal's handler. */
function handlerOf(signal: number): bigint {
  using action = mmap(null, { size: 4096, guard: false });
  assertEquals(libc().functions.sigaction(signal, 0n, action.address), 0);
  return action.bigUint64[0];
}

/** Stores a byte while the process may have no more data. */
function storeAtDataLimit(bytes: Uint8Array, at: number, value: number): void {
  const { setrlimit, getrlimit } = host().ffi.load(libc().constants.libraries, {
    setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
    getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  });
  const RLIMIT_DATA = 2;
  const [old, low] = [new Uint8Array(16), new Uint8Array(16)];
  assertEquals(getrlimit(RLIMIT_DATA, old), 0);
  low.set(old);
  low.set(new Uint8Array(new BigUint64Array([1n]).buffer));
  const statuses = [setrlimit(RLIMIT_DATA, low)];
  bytes[at] = value;
  statuses.push(setrlimit(RLIMIT_DATA, old));
  assertEquals(statuses, [0, 0]);
}

/** Whether faults lead to the guard. */
function isInPlace(): boolean {
  // Nobody can look at Windows' list of handlers.
  if (isWindows) return guarded === "guarded";
  const handler = handlerOf(7);
  // A runtime's handler may be at the same place in its page, but its page belongs to a file.
  return handler % 4096n === BigInt(CODE) && !areaAt(handler)?.name.startsWith("/");
}

/** Says that a fault comes next, and whether the guard is in place for it. */
function beginToFault(): void {
  sayBrink(scenario, isInPlace() ? "guarded" : "unguarded");
}

/** Touches memory that the guard does not know, over a file that was cut short. */
function touchForeign(): void {
  if (guarded === "guarded") mmap(path).unmap();
  const { system } = host();
  const { descriptor } = mmap(path, { guard: false });
  const flags = ["shared"] as const;
  const base = system.map({ protection: ["read"], flags, descriptor, offset: 0, unit: PAGE }, 10 * PAGE);
  truncateSync(path, 0);
  beginToFault();
  system.read(base, new Uint8Array(1));
}

function send(signal: "SIGBUS" | "SIGSEGV"): Promise<void> {
  mmap(path, { guard: guarded === "guarded" });
  beginToFault();
  process.kill(process.pid, signal);
  return new Promise((resolve) => setTimeout(resolve, 5000));
}

/** (module (memory 1) (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))) */
const WASM = new Uint8Array([
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 127, 1, 127, 3, 2, 1, 0, 5, 3, 1, 0, 1, 7, 8, 1, 4],
  ...[108, 111, 97, 100, 0, 0, 10, 9, 1, 7, 0, 32, 0, 40, 2, 0, 11],
]);

/** Traps as often as it takes to be compiled by the best compiler. */
function trapInWasm(): void {
  const { load } = new WebAssembly.Instance(new WebAssembly.Module(WASM)).exports as { load(at: number): number };
  let traps = 0;
  for (let round = 0; round < 20_000; round++) {
    try {
      load(round % 2 === 0 ? 0 : 0x7fff_0000);
    } catch (error) {
      assert(error instanceof WebAssembly.RuntimeError);
      traps++;
    }
  }
  assertEquals(traps, 10_000);
}

function loseAPage(): void {
  writeFileSync(path, countingBytes(2 * PAGE));
  if (isWindows) return storeWhereItIsNotAllowed();
  using region = mmap(path);
  truncateSync(path, 0);
  assertEquals([region.bytes[PAGE + 1], region.faults], [0, 1]);
}

/** On Windows, a page cannot be lost that easily. */
function storeWhereItIsNotAllowed(): void {
  using region = mmap(path, { open: ["read", "write"], flags: ["shared"] });
  region.bytes[PAGE + 1] = 200;
  assertEquals([region.bytes[PAGE], region.bytes[PAGE + 1], region.faults], [0, 200, 1]);
}

const SCENARIOS: Record<string, () => Promise<void> | void> = {
  "one-descriptor": () => {
    const free = openSync(path, "r");
    closeSync(free);
    limitDescriptors(free + 1);
    using region = mmap(path);
    limitDescriptors(1024);
    truncateSync(path, 0);
    assertEquals([region.bytes[PAGE], region.faults], [0, 1]);
  },
  "readers": () => {
    for (const [name, read] of Object.entries(READERS)) {
      writeFileSync(path, countingBytes(64 * PAGE));
      using region = mmap(path, { access: "write" });
      // Compiled before the pages go.
      for (let round = 0; round < 20; round++) read(region.bytes);
      truncateSync(path, 2 * PAGE);
      read(region.bytes);
      assert(region.faults > 0, `${name} met no lost page`);
    }
  },
  "unguarded": () => {
    const region = mmap(path, { guard: false });
    truncateSync(path, 0);
    beginToFault();
    sum(region.bytes);
  },
  "too-many-mappings": () => {
    const limit = Number(readFileSync("/proc/sys/vm/max_map_count", "utf8"));
    const pages = 4 * limit;
    truncateSync(path, pages * PAGE);
    using region = mmap(path);
    truncateSync(path, 0);
    const { bytes } = region;
    let total = 0;
    for (let page = 0; page < pages; page += 2) total += bytes[page * PAGE];
    for (let page = 0; page < pages; page += 2) total += bytes[page * PAGE];
    assertEquals(total, 0);
    assert(region.faults >= pages, `${region.faults} of ${pages}`);
  },
  "too-many-stores": () => {
    const limit = Number(readFileSync("/proc/sys/vm/max_map_count", "utf8"));
    const pages = 4 * limit;
    truncateSync(path, pages * PAGE);
    using region = mmap(path, { flags: ["shared"] });
    const { bytes } = region;
    for (let page = 0; page < pages; page += 2) bytes[page * PAGE] = 1;
    assertEquals(bytes[(pages - 2) * PAGE], 1);
    assert(region.faults >= limit / 2);
    using file = mmap(path, { size: 2 * PAGE });
    assertEquals([file.bytes[0], file.bytes[2]], [0, 0]);
  },
  "too-many-stray-stores": () => {
    const limit = Number(readFileSync("/proc/sys/vm/max_map_count", "utf8"));
    // More than one in what the guard makes writable at a time.
    const step = 2 * 65536;
    const stores = Math.ceil(limit * 0.6);
    truncateSync(path, stores * step);
    using region = mmap(path);
    region.advise("random");
    // No engine has a view of all of it.
    const chunk = 2 ** 30;
    const views = Array.from({ length: Math.ceil(region.byteLength / chunk) }, (_, index) => {
      const start = index * chunk;
      return region.view(Uint8Array, start, Math.min(chunk, region.byteLength - start));
    });
    for (const view of views) for (let at = 0; at < view.length; at += step) view[at] = 7;
    for (const view of views) for (let at = 0; at < view.length; at += step) assert(view[at] === 7);
    assertEquals([views[0][1], region.faults], [0, 0]);
    region.check();
  },
  "data-limit": () => {
    const data = (): number => statusKibibytes("VmData");
    truncateSync(path, 2 ** 32);
    mmap(path).unmap();
    const before = data();
    using region = mmap(path);
    assert(data() - before < 2 ** 18, `${data() - before} KiB`);
    const bytes = region.view(Uint8Array, 0, 2 * PAGE);
    // This works even if the process is at its limit, and no page may become writable.
    storeAtDataLimit(bytes, 1, 7);
    assertEquals([bytes[0], bytes[1], bytes[PAGE], region.faults], [0, 7, 0, 0]);
  },
  "protected-at-limit": () => {
    const content = countingBytes(4 * PAGE);
    writeFileSync(path, content);
    for (const access of ["read", "copy", "write"] as const) {
      using region = mmap(path, { access });
      const { bytes } = region;
      region.protect(["none"]);
      storeAtDataLimit(bytes, PAGE + 1, 77);
      const expected = content.slice(PAGE, 2 * PAGE);
      expected[1] = 77;
      assertEquals(bytes.slice(PAGE, 2 * PAGE), expected, access);
      assertEquals(region.faults, 1, access);
      assertEquals(new Uint8Array(readFileSync(path)), content, access);
    }
  },
  "full-disk": () => {
    const directory = mkdtempSync(join(tmpdir(), "mmap-full-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", directory]);
    try {
      using region = mmap(join(directory, "file"), {
        open: ["read", "write", "create"],
        protection: ["read", "write"],
        flags: ["shared"],
        size: 2 ** 22,
      });
      region.bytes.fill(1);
      assert(region.faults >= (2 ** 22 - 2 ** 20) / PAGE);
      assertEquals(sum(region.bytes), 2 ** 22);
    } finally {
      execFileSync("umount", [directory]);
      rmSync(directory, { recursive: true });
    }
  },
  "immutable": () => {
    // On tmpfs, stores go on.
    using region = mmap(path, { access: "write" });
    region.bytes.fill(7);
    execFileSync("sync", [path]);
    execFileSync("chattr", ["+i", path]);
    try {
      region.bytes[PAGE] = 1;
      assertEquals([region.bytes[PAGE], region.bytes[PAGE + 1], region.bytes[0]], [1, 7, 7]);
      region.bytes[2 * PAGE - 1] = 2;
      assertEquals([region.faults, sum(region.bytes)], [1, 7 * (3 * PAGE - 2) + 3]);
    } finally {
      execFileSync("chattr", ["-i", path]);
    }
    assertEquals(sum(readFileSync(path)), 7 * 3 * PAGE);
  },
  "foreign-sigbus": touchForeign,
  "foreign-sigsegv": () => {
    mmap(path, { guard: guarded === "guarded" });
    beginToFault();
    host().system.read(4096n, new Uint8Array(1));
  },
  "sent-sigbus": () => send("SIGBUS"),
  "sent-sigsegv": () => send("SIGSEGV"),
  "wasm-after": () => {
    loseAPage();
    trapInWasm();
    loseAPage();
  },
  "wasm-before": () => {
    trapInWasm();
    loseAPage();
    trapInWasm();
  },
  "workers": async () => {
    const region = mmap(path);
    const handlers = [handlerOf(7), handlerOf(11)];
    for (let round = 0; round < 20; round++) {
      const before = mmap(path);
      assertEquals(await inWorker("using region = mmap(path); return region.bytes[1];"), 1);
      before.unmap();
    }
    assertEquals([handlerOf(7), handlerOf(11)], handlers);
    const both = inWorker(`
      using region = mmap(path);
      truncateSync(path, 0);
      let total = 0;
      for (let at = 0; at < region.byteLength; at += 4096) total += region.bytes[at + 1];
      return [total, region.faults];
    `);
    assertEquals(await both, [0, 100]);
    assertEquals([region.bytes[1], region.faults], [0, 1]);
  },
  "left-in-wasm": async () => {
    // The memory of a worker ends with it, and what comes to lie at its address is no region any more.
    using _installs = mmap(path);
    const used = new Int32Array(host().ffi.arrayBuffer(handlerOf(7) - BigInt(CODE) + BigInt(HEADER), 4));
    const before = used[0];
    for (let round = 0; round < 10; round++) {
      writeFileSync(path, countingBytes(10 * PAGE));
      const found = await inWorker(`
        const code = new WebAssembly.Module(Uint8Array.fromBase64(${JSON.stringify(LOADS)}));
        const load = (memory, at) => new WebAssembly.Instance(code, { js: { memory } }).exports.first(at);
        let end = "none";
        try {
          load(new WebAssembly.Memory({ initial: 1 }), 65536 + 4096);
        } catch (error) {
          end = error.name;
        }
        const memory = new WebAssembly.Memory({ initial: 17 });
        const region = mapInto(memory, 65536, path); // and nobody unmaps it
        truncateSync(path, 0);
        return [end, load(memory, 65536 + 4097), region.faults];
      `);
      assertEquals([round, ...found as unknown[]], [round, "RuntimeError", 0, 1]);
    }
    // A worker may still be ending when the next one maps.
    assert(used[0] - before <= 3, `${used[0] - before} entries`);
  },
  "left-in-shared-wasm": async () => {
    // That memory is there as long as anybody has it.
    const buffer = await inWorker("return mapShared(path).memory.buffer;") as SharedArrayBuffer;
    const bytes = new Uint8Array(buffer, buffer.byteLength - 65536);
    assertEquals(bytes[1], 1);
    const _other = await inWorker(
      "return mapInto(new WebAssembly.Memory({ initial: 17 }), 65536, path).bytes[1];", // it may take entries back
    );
    truncateSync(path, 0);
    assertEquals([bytes[1], bytes[PAGE + 1]], [0, 0]);
  },
  "fault-while-mapping": async () => {
    const mapping = [1, 2].map(() =>
      inWorker(`
        const end = Date.now() + 3000;
        let count = 0;
        for (; Date.now() < end; count++) { using region = mmap(path); if (count % 3 === 0) region.bytes[0]; }
        return count;
      `)
    );
    const other = `${path}-cut`;
    const end = Date.now() + 3000;
    let faults = 0;
    while (Date.now() < end) {
      writeFileSync(other, countingBytes(64 * PAGE));
      using region = mmap(other);
      truncateSync(other, 0);
      assertEquals(sum(region.bytes), 0);
      assertEquals(region.faults, 64);
      faults += 64;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    assert(faults > 0);
    for (const count of await Promise.all(mapping)) assert(count as number > 0);
  },
  "fault-while-protecting": async () => {
    const pages = 5_000;
    truncateSync(path, (pages + 1) * PAGE);
    const region = mmap(path, { access: "write" });
    truncateSync(path, 0);
    const source = `
      const { parentPort } = process.getBuiltinModule("node:worker_threads");
      parentPort.once("message", (bytes) => {
        let sum = 0;
        for (let at = 0; at < bytes.length - ${PAGE}; at += ${PAGE}) sum += bytes[at];
        parentPort.postMessage(sum);
      });
    `;
    const worker = new Worker(source, { eval: true });
    const { bytes } = region;
    let reading = true;
    worker.once("message", () => reading = false);
    worker.postMessage(bytes, [bytes.buffer]);
    while (reading) {
      for (let round = 0; round < 100; round++) region.protect(["read", "write"], { byteOffset: pages * PAGE });
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    await worker.terminate();
    // Deno looks at the last page when it posts the array.
    assert(region.faults === pages || region.faults === pages + 1, `${region.faults} faults`);
  },
  "unmap-while-faulting": async () => {
    const source = `
      const { parentPort } = process.getBuiltinModule("node:worker_threads");
      parentPort.on("message", (buffer) => {
        parentPort.postMessage("reading");
        const bytes = new Uint8Array(buffer);
        let sum = 0;
        for (let at = 0; at < bytes.length; at += ${PAGE}) sum += bytes[at];
        parentPort.postMessage(sum);
      });
    `;
    const worker = new Worker(source, { eval: true });
    const next = (): Promise<unknown> => new Promise((resolve) => worker.once("message", resolve));
    for (const end = Date.now() + 2000; Date.now() < end;) {
      writeFileSync(path, new Uint8Array(256 * PAGE));
      const region = mmap(path, { access: "write" });
      const { buffer } = region;
      truncateSync(path, 0);
      const reading = next();
      worker.postMessage(buffer, [buffer]);
      await reading;
      const done = next();
      for (const start = performance.now(), wait = Math.random() * 0.3; performance.now() - start < wait;);
      region.unmap();
      await done;
    }
    await worker.terminate();
  },
  "protect-while-storing": async () => {
    const source = `
      const { parentPort } = process.getBuiltinModule("node:worker_threads");
      parentPort.once("message", ({ buffer, seconds }) => {
        parentPort.postMessage("storing");
        const bytes = new Uint8Array(buffer);
        for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
          for (let round = 0; round < 1000; round++) bytes[0] = 1;
        }
        parentPort.postMessage("stored");
      });
    `;
    const worker = new Worker(source, { eval: true });
    const next = (): Promise<unknown> => new Promise((resolve) => worker.once("message", resolve));
    using region = mmap(ANONYMOUS, { size: PAGE });
    region.bytes[100] = 77;
    const { buffer } = region;
    const storing = next();
    worker.postMessage({ buffer, seconds: 2 }, [buffer]);
    await storing;
    let stored = false;
    next().then(() => stored = true);
    while (!stored) {
      for (let round = 0; round < 1000; round++) {
        region.protect(["none"]);
        region.protect(["read"]);
      }
      await new Promise((resolve) => setTimeout(resolve));
    }
    await worker.terminate();
    assertEquals([region.read(0, 1)[0], region.read(100, 1)[0]], [1, 77]);
    assert(region.faults > 0);
  },
  "signals": async () => {
    const signals = ["SIGUSR2", "SIGALRM", "SIGWINCH"] as const;
    for (const signal of signals) process.on(signal, () => {});
    const senders = signals.map((signal) => {
      // Without a pause, an event loop on a busy machine would only take signals.
      const loop = `while kill -${signal.slice(3)} ${process.pid} 2>/dev/null; do sleep 0.0005; done`;
      return spawn("bash", ["-c", loop], { stdio: "ignore" });
    });
    await new Promise((resolve) => setTimeout(resolve, 100));
    let faults = 0;
    for (const end = Date.now() + 2500; Date.now() < end;) {
      writeFileSync(path, new Uint8Array(256 * PAGE));
      using region = mmap(path, { access: "write" });
      region.protect(["read"]);
      const { bytes } = region;
      truncateSync(path, 0);
      for (let at = 0; at < bytes.length; at += PAGE) bytes[at] = 1;
      faults += region.faults;
      await new Promise((resolve) => setTimeout(resolve));
    }
    for (const sender of senders) sender.kill("SIGKILL");
    assert(faults > 0);
  },
  "forbidden": () => {
    const { ffi, system } = host();
    const { prctl } = ffi.load(libc().constants.libraries, {
      prctl: { parameters: ["i32", "i64", "i64", "i64", "i64"], result: "i32" },
    });
    const [PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN] = [65, 1n];
    assertEquals(prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0n, 0n, 0n), 0);
    assertEquals([platform.supports("guard"), system.guard()], [false, undefined]);
    using region = mmap(path);
    assertEquals([region.bytes[1], region.faults], [1, 0]);
    try {
      mmap(path, { guard: true });
      assert(false, "a guard where there can be none");
    } catch (error) {
      assert(error instanceof MmapError && error.code === "ENOTSUP");
    }
  },
  "permissions": () => {
    using _region = mmap(path);
    const handler = handlerOf(7);
    assertEquals(areaAt(handler)?.permissions, "r-xp");
    assertEquals(areaAt(handler + 0x10000n)?.permissions, "rw-p");
    assertEquals(areaAt(handler + 0x20000n)?.permissions, "rw-p");
    try {
      mmap(null, { size: PAGE, guard: true }).unmap();
    } catch (error) {
      assert(error instanceof MmapError);
    }
  },
};

await SCENARIOS[scenario]();
process.stdout.write("survived\n");
process.exit(0);
