// @riaskov/mmap-io as a contestant: it speaks the protocol of ../contestant.ts. This is plain JavaScript, so it runs in
// whatever Node the addon could be built for. The addon unmaps when its buffer is collected, as Bun.mmap does. So its
// time includes a run of the collector, and a turn of the event loop, since only then does Node free a collected
// buffer.
import { closeSync, fstatSync, openSync } from "node:fs";
import { createRequire } from "node:module";
import process from "node:process";

// It is installed beside this file, and only for the benchmark.
const mmapIo = createRequire(import.meta.url)("@riaskov/mmap-io");

const MAPS_A_COLLECTION = 64;
const DIRECTORY = process.argv[2];

function map(name) {
  const descriptor = openSync(`${DIRECTORY}/${name}`, "r");
  const { size } = fstatSync(descriptor);
  const bytes = mmapIo.map(size, mmapIo.PROT_READ, mmapIo.MAP_PRIVATE, descriptor, 0);
  closeSync(descriptor);
  return bytes;
}

let sink = 0;
function readPages(bytes) {
  for (let at = 0; at < bytes.length; at += 4096) sink += bytes[at];
}

function readFirst(bytes) {
  sink += bytes[0];
}

function mapJob(name, use) {
  return {
    runs: MAPS_A_COLLECTION,
    async run() {
      for (let maps = 0; maps < MAPS_A_COLLECTION; maps++) use(map(name));
      globalThis.gc();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

const JOBS = {
  "map-1m": mapJob("1m", readPages),
  "map-4k": mapJob("4k", readPages),
  "look-4k": mapJob("4k", readFirst),
  "look-1m": mapJob("1m", readFirst),
  "look-1g": mapJob("1g", readFirst),
};

async function measure({ run, runs }, milliseconds) {
  const times = [];
  const end = performance.now() + milliseconds;
  do {
    const start = performance.now();
    await run();
    times.push((performance.now() - start) * 1e6 / runs);
  } while (performance.now() < end);
  const mean = times.reduce((sum, time) => sum + time) / times.length;
  return `${times.sort((one, other) => one - other)[times.length >> 1]} ${mean}`;
}

let rest = "";
for await (const chunk of process.stdin) {
  const lines = (rest + String(chunk)).split("\n");
  rest = lines.pop();
  for (const line of lines) {
    const [name, milliseconds] = line.split(" ");
    process.stdout.write(`${JOBS[name] ? await measure(JOBS[name], Number(milliseconds)) : "none"}\n`);
  }
}
if (sink < 0) process.stdout.write("never");
