/**
 * Maps memory of the kernel: a ring in which it records each page fault of this thread (perf_event_open). The program
 * reads the ring without a system call, and shows which pages of a file were touched.
 *
 *     deno run -A examples/page_faults.ts
 *     bun examples/page_faults.ts
 *     node examples/page_faults.ts
 *
 * No runtime can make such a descriptor. Python makes it, and then becomes this program, which inherits it.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type MappedRegion, mmap, platform } from "../mod.ts";

/** struct perf_event_attr: a software event, page faults; record each one with its address, but none in the kernel. */
const OPEN = `
import ctypes, os, struct, sys
attributes = bytearray(136)
struct.pack_into("<IIQQQQQ", attributes, 0, 1, 136, 2, 1, 8, 0, 1 << 5)
call = {"x86_64": 298, "aarch64": 241}[os.uname().machine]
library = ctypes.CDLL(None, use_errno=True)
descriptor = library.syscall(call, (ctypes.c_char * 136).from_buffer(attributes), 0, -1, -1, 0)
if descriptor < 0:
    sys.exit("perf_event_open: " + os.strerror(ctypes.get_errno()))
os.set_inheritable(descriptor, True)
os.execv(sys.argv[1], sys.argv[1:] + [str(descriptor)])
`;

/** Offsets in struct perf_event_mmap_page, the first page of the ring: how much was written, and where the data is. */
const [DATA_HEAD, DATA_OFFSET, DATA_SIZE] = [1024, 1040, 1048];
const SAMPLE = 9;

const TOUCHED = [3, 50, 200];

const [descriptor] = process.argv.slice(2);
if (descriptor !== undefined) watch(Number(descriptor));
else if (platform.os !== "linux") process.stdout.write(`${platform.os} has no perf_event_open.\n`);
else startWithRing();

/** Starts this program again, with the descriptor as its argument. */
function startWithRing(): void {
  const runtimeArguments = platform.runtime === "deno" ? ["run", "-A"] : process.execArgv;
  const line = [process.execPath, ...runtimeArguments, fileURLToPath(import.meta.url)];
  const { status, error } = spawnSync("python3", ["-c", OPEN, ...line], { stdio: "inherit" });
  if (error) process.stderr.write(`python3: ${error.message}\n`);
  process.exitCode = status ?? 1;
}

function watch(ring: number): void {
  const directory = mkdtempSync(join(tmpdir(), "page-faults-"));
  const { pageSize } = platform;
  try {
    writeFileSync(join(directory, "file"), new Uint8Array(256 * pageSize));
    // The ring has no length of its own. It takes one page, and a power of two of pages for the data.
    using records = mmap(ring, { size: (1 + 256) * pageSize, protection: ["read"], flags: ["shared"] });
    using file = mmap(join(directory, "file"));
    const before = headOf(records);
    for (const page of TOUCHED) file.bytes[page * pageSize];
    const end = file.address + BigInt(file.byteLength);
    const pages = faultsIn(records, before)
      .filter((address) => address >= file.address && address < end)
      .map((address) => Number(address - file.address) / pageSize)
      .map(Math.floor);
    process.stdout.write(`Touched: pages ${TOUCHED.join(", ")} of a file.\n`);
    process.stdout.write(`The kernel recorded faults in pages ${pages.join(", ")}.\n`);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/**
 * How many bytes the kernel has written in all. Nothing here tells it what was read, so the ring can be filled once.
 */
function headOf(records: MappedRegion): number {
  return Number(records.view(DataView, DATA_HEAD, 8).getBigUint64(0, true));
}

/** The addresses of the page faults since `from`. */
function faultsIn(records: MappedRegion, from: number): bigint[] {
  const view = records.view(DataView);
  const [offset, size] = [DATA_OFFSET, DATA_SIZE].map((field) => Number(view.getBigUint64(field, true)));
  const addresses: bigint[] = [];
  for (let at = from, end = headOf(records); at < end;) {
    // struct perf_event_header: type, misc, size. After it comes the address.
    const record = offset + at % size;
    if (view.getUint32(record, true) === SAMPLE) addresses.push(view.getBigUint64(record + 8, true));
    at += view.getUint16(record + 6, true);
  }
  return addresses;
}
