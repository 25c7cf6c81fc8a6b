// Memory of the kernel's own, and of devices: what C can map.
import { execFileSync, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { type MappedRegion, mmap, MmapError, type MmapOptions, platform } from "../mod.ts";
import { notInQemu } from "./support/emulated.ts";
import { fileOf, freshPath } from "./support/files.ts";
import { call, close, ifKernelHas, open, openPageFaults, structure, tryCall } from "./support/syscalls.ts";
import { onLinux, onPosix } from "./support/systems.ts";

const PAGE = platform.pageSize;
const READ = { protection: ["read"], flags: ["shared"] } as const satisfies MmapOptions;
const WRITE = { access: "write" } as const satisfies MmapOptions;

/** A test with a descriptor that the kernel makes. It is closed at the end. */
function kernelTest(name: string, what: string, make: () => number, body: (descriptor: number) => unknown): void {
  const linux = onLinux(what);
  const skip = linux.skip || notInQemu("has few of the kernel's own descriptors").skip || ifKernelHas(what, make).skip;
  test(name, { skip, timeout: 30_000 }, async () => {
    const descriptor = make();
    try {
      await body(descriptor);
    } finally {
      close(descriptor);
    }
  });
}

function failure(code: string, body: () => unknown): MmapError {
  const error = assertThrows(body, MmapError);
  assertEquals(error.code, code, error.message);
  return error;
}

/** What holds for all memory of the kernel's. */
function assertUnsized(descriptor: number, region: MappedRegion, options: MmapOptions): void {
  const { byteLength } = region;
  assertThrows(() => mmap(descriptor, options), TypeError, "size: undefined given, wanted the number of bytes");
  for (const length of [0, 1, 2 * byteLength]) failure("ENOTSUP", () => region.resize(length));
  assertEquals([region.byteLength, region.faults], [byteLength, 0]);
}

// ---------------------------------------------------------------- io_uring

const RINGS = { sq_off: 40, cq_off: 80, sq_entries: 0, cq_entries: 4 };
const [SUBMISSIONS, GETEVENTS] = [0x1000_0000, 1];

kernelTest(
  "io_uring takes a request and answers, through its rings",
  "io_uring",
  () => call("io_uring_setup", 4, structure(120)),
  () => {
    const parameters = mmap(null, { size: 120 });
    const descriptor = call("io_uring_setup", 4, parameters.address);
    const { uint32 } = parameters;
    const [sq, cq] = [uint32.subarray(RINGS.sq_off / 4), uint32.subarray(RINGS.cq_off / 4)];
    // struct io_sqring_offsets: head, tail, ring_mask, ring_entries, flags, dropped, array
    const [, sqTail, sqMask, , , , sqArray] = sq;
    // struct io_cqring_offsets: head, tail, ring_mask, ring_entries, overflow, cqes
    const [cqHead, cqTail, , , , cqes] = cq;
    {
      using ring = mmap(descriptor, { ...WRITE, size: cqes + 16 * uint32[RINGS.cq_entries / 4] });
      using requests = mmap(descriptor, { ...WRITE, offset: SUBMISSIONS, size: 64 * uint32[RINGS.sq_entries / 4] });
      // IORING_OP_NOP is 0. Bytes 32 to 40 come back with the answer.
      requests.bigUint64[4] = 0x1234_5678_9abcn;
      ring.uint32[sqArray / 4 + (ring.uint32[sqTail / 4] & ring.uint32[sqMask / 4])] = 0;
      Atomics.add(ring.uint32, sqTail / 4, 1);
      assertEquals(call("io_uring_enter", descriptor, 1, 1, GETEVENTS), 1);
      assertEquals([ring.uint32[cqHead / 4], ring.uint32[cqTail / 4]], [0, 1]);
      assertEquals(ring.view(BigUint64Array, cqes, 1)[0], 0x1234_5678_9abcn);
      assertUnsized(descriptor, ring, WRITE);
    }
    close(descriptor);
  },
);

// ---------------------------------------------------------------- perf_event

kernelTest("perf_event writes its records into memory that is mapped", "perf_event", openPageFaults, (descriptor) => {
  const [HEAD, DATA] = [1024, PAGE];
  using ring = mmap(descriptor, { ...READ, size: 9 * PAGE });
  using file = mmap(fileOf(new Uint8Array(4 * PAGE)));
  const before = ring.view(BigUint64Array, HEAD, 1)[0];
  let sum = 0;
  for (let page = 0; page < 4; page++) sum += file.view(Uint8Array, page * PAGE, 1)[0];
  const records = Number(ring.view(BigUint64Array, HEAD, 1)[0] - before);
  assert(records > 0 && records < 8 * PAGE, `${records}`);
  // Each has a header of 8 bytes, and the address.
  const addresses: bigint[] = [];
  for (let at = Number(before); at < Number(before) + records; at += 16) {
    addresses.push(ring.view(BigUint64Array, DATA + at % (8 * PAGE) + 8, 1)[0]);
  }
  const inFile = addresses.filter((address) => address >= file.address && address < file.address + BigInt(4 * PAGE));
  // The kernel may bring in several pages for one fault.
  assert(inFile.length > 0, `${sum} ${addresses}`);
  assertUnsized(descriptor, ring, READ);
  // Its size is one page and a power of two of them.
  failure("EINVAL", () => mmap(descriptor, { ...READ, size: 4 * PAGE }));
});

// ---------------------------------------------------------------- BPF

const [MAP_CREATE, MAP_LOOKUP, MAP_UPDATE] = [0, 1, 2];

/** union bpf_attr of a map: type, key_size, value_size, max_entries, map_flags. */
function createMap(...fields: readonly number[]): number {
  const attributes = structure(72, (view) => fields.forEach((field, index) => view.setUint32(4 * index, field, true)));
  return call("bpf", MAP_CREATE, attributes, 72);
}

/** BPF_MAP_TYPE_ARRAY with BPF_F_MMAPABLE. */
const createArray = (): number => createMap(2, 4, 8, 4, 1 << 10);

kernelTest("an array of BPF is what programs of the kernel have", "BPF", createArray, (descriptor) => {
  using region = mmap(descriptor, { ...WRITE, size: PAGE });
  region.bigUint64[2] = 77n;
  using scratch = mmap(null, { size: 64 });
  scratch.uint32[0] = 2;
  const pointers = structure(72, (view) => {
    view.setUint32(0, descriptor, true);
    view.setBigUint64(8, scratch.address, true); // key
    view.setBigUint64(16, scratch.address + 8n, true); // value
  });
  call("bpf", MAP_LOOKUP, pointers, 32);
  assertEquals(scratch.bigUint64[1], 77n);
  scratch.bigUint64[1] = 78n;
  call("bpf", MAP_UPDATE, pointers, 32);
  assertEquals(region.bigUint64[2], 78n);
  assertUnsized(descriptor, region, WRITE);
});

/** BPF_MAP_TYPE_RINGBUF. */
const createRing = (): number => createMap(27, 0, 0, PAGE);

kernelTest("a ring of BPF has one page to write, and the rest to read", "BPF's ring", createRing, (descriptor) => {
  using consumer = mmap(descriptor, { ...WRITE, size: PAGE });
  using producer = mmap(descriptor, { ...READ, offset: PAGE, size: 3 * PAGE });
  assertEquals([consumer.bigUint64[0], producer.bigUint64[0]], [0n, 0n]);
  failure("EPERM", () => mmap(descriptor, { ...WRITE, offset: PAGE, size: 3 * PAGE }));
  assertUnsized(descriptor, producer, READ);
});

// ---------------------------------------------------------------- sockets

/** AF_PACKET, SOCK_RAW, ETH_P_ALL, with a ring of 4 blocks. */
function openPackets(): number {
  const descriptor = call("socket", 17, 3, 0x0300);
  // struct tpacket_req: block size, blocks, frame size, frames
  const request = structure(16, (view) => [PAGE, 4, 2048, 8].forEach((n, index) => view.setUint32(4 * index, n, true)));
  const [SOL_PACKET, PACKET_RX_RING] = [263, 5];
  const result = tryCall("setsockopt", descriptor, SOL_PACKET, PACKET_RX_RING, request, 16);
  if (result === 0) return descriptor;
  close(descriptor);
  throw new Error(`setsockopt: error ${-result}`);
}

kernelTest("packets arrive in the ring of a socket", "packet sockets", openPackets, async (descriptor) => {
  using ring = mmap(descriptor, { ...WRITE, size: 4 * PAGE });
  const text = `packet-${crypto.randomUUID()}`;
  const socket = createSocket("udp4");
  await new Promise<void>((resolve) => socket.send(text, 9, "127.0.0.1", () => resolve()));
  for (let wait = 0; wait < 50 && ring.indexOf(text) === -1; wait++) await setTimeout(20);
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  assert(ring.indexOf(text) > 0);
  assertUnsized(descriptor, ring, WRITE);
});

test("a socket without a ring is for the kernel to refuse", onLinux("sockets of this kind"), () => {
  const descriptor = call("socket", 1, 1, 0);
  const error = failure("ENODEV", () => mmap(descriptor, { size: PAGE }));
  assertEquals(error.syscall, "mmap");
  // Without a size, it is asked before anybody asks for the size.
  failure("ENODEV", () => mmap(descriptor));
  close(descriptor);
});

// ---------------------------------------------------------------- virtual machines

const [KVM_CREATE_VM, KVM_GET_VCPU_MMAP_SIZE, KVM_CREATE_VCPU, KVM_RUN] = [0xae01, 0xae04, 0xae41, 0xae80];

function openProcessor(): number {
  const kvm = open("/dev/kvm", ["read", "write"]);
  try {
    const machine = call("ioctl", kvm, KVM_CREATE_VM, 0);
    try {
      return call("ioctl", machine, KVM_CREATE_VCPU, 0);
    } finally {
      close(machine);
    }
  } finally {
    close(kvm);
  }
}

kernelTest("a virtual processor reads what is stored, and writes why it stops", "KVM", openProcessor, (descriptor) => {
  const kvm = open("/dev/kvm", ["read", "write"]);
  const size = call("ioctl", kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  close(kvm);
  using run = mmap(descriptor, { ...WRITE, size });
  const EINTR = 4;
  // struct kvm_run: immediate_exit is byte 1, exit_reason is word 2.
  run.bytes[1] = 1;
  assertEquals(tryCall("ioctl", descriptor, KVM_RUN, 0), -EINTR);
  run.bytes[1] = 0;
  run.uint32[2] = 0xffff;
  // It has no memory, so it gets nowhere.
  tryCall("ioctl", descriptor, KVM_RUN, 0);
  assert(run.uint32[2] !== 0xffff);
  assertUnsized(descriptor, run, WRITE);
});

// ---------------------------------------------------------------- memory and devices

const createSecret = (): number => call("memfd_secret", 0);

kernelTest("secret memory is mapped like a file, and has a length once", "memfd_secret", createSecret, (descriptor) => {
  using region = mmap(descriptor, { ...WRITE, size: 2 * PAGE });
  region.bytes[PAGE] = 7;
  using again = mmap(descriptor, WRITE);
  assertEquals([again.byteLength, again.bytes[PAGE]], [2 * PAGE, 7]);
  failure("EINVAL", () => region.resize(3 * PAGE));
  assertEquals([region.byteLength, region.bytes[PAGE]], [2 * PAGE, 7]);
});

test("/dev/zero is memory, as much as is asked for", onPosix("/dev/zero"), () => {
  for (const options of [WRITE, { access: "copy" }, { access: "read" }] as const) {
    using region = mmap("/dev/zero", { ...options, size: PAGE + 1 });
    assertEquals([region.byteLength, region.bytes[PAGE]], [PAGE + 1, 0]);
    for (const length of [0, PAGE, 2 * PAGE]) failure("ENOTSUP", () => region.resize(length));
  }
  assertThrows(() => mmap("/dev/zero"), TypeError, "size: undefined");
});

/** Attaches a file to a loop device; undefined if that is not allowed. */
function attach(path: string): { device?: string; reason?: string } {
  const { status, stdout, stderr, error } = spawnSync("losetup", ["--find", "--show", path], { encoding: "utf8" });
  return status === 0 ? { device: stdout.trim() } : { reason: error?.message ?? stderr.trim() };
}

test("a block device has a length, and never another", onLinux("loop devices"), (context) => {
  const path = fileOf(new Uint8Array(8 * PAGE).fill(1));
  const { device, reason } = attach(path);
  if (device === undefined) return skip(context, `no loop device: ${reason}`);
  try {
    using region = mmap(device, WRITE);
    assertEquals([region.byteLength, region.bytes[8 * PAGE - 1]], [8 * PAGE, 1]);
    region.bytes[PAGE] = 9;
    region.flush();
    assertEquals(readFileSync(path)[PAGE], 9);
    assertThrows(() => mmap(device, { ...WRITE, size: 8 * PAGE + 1 }), RangeError, "region: ");
    assertThrows(() => region.resize(9 * PAGE), RangeError, "region: ");
    region.resize(PAGE);
    using whole = mmap(device);
    assertEquals(whole.byteLength, 8 * PAGE);
  } finally {
    execFileSync("losetup", ["--detach", device]);
  }
});

/** Bun cannot skip a test that has begun. */
function skip(context: { skip(reason: string): void }, reason: string): void {
  if (platform.runtime !== "bun") context.skip(reason);
}

kernelTest("a buffer of a DMA heap is mapped by its size", "a DMA heap", openBuffer, (descriptor) => {
  using region = mmap(descriptor, { ...WRITE, size: PAGE });
  using again = mmap(descriptor, { ...WRITE, size: PAGE });
  region.bytes[0] = 5;
  assertEquals(again.bytes[0], 5);
});

/** DMA_HEAP_IOCTL_ALLOC: length, fd, fd_flags, heap_flags. */
function openBuffer(): number {
  const heap = open("/dev/dma_heap/system", ["read", "write"]);
  try {
    const request = mmap(null, { size: 24 });
    request.bigUint64[0] = BigInt(PAGE);
    request.uint32[3] = 0o2000002;
    call("ioctl", heap, 0xc018_4800, request.address);
    return request.uint32[2];
  } finally {
    close(heap);
  }
}

/** The kernel's own trace of one processor. It says that it is empty. */
function openTrace(): number {
  const directory = freshPath("tracefs");
  mkdirSync(directory);
  try {
    const { status, stderr, error } = spawnSync("mount", ["-t", "tracefs", "none", directory], { encoding: "utf8" });
    if (status !== 0) throw error ?? new Error(stderr.trim());
    try {
      return open(`${directory}/per_cpu/cpu0/trace_pipe_raw`, ["read"]);
    } finally {
      // It stays for as long as something in it is open.
      spawnSync("umount", ["--lazy", directory]);
    }
  } finally {
    rmdirSync(directory);
  }
}

kernelTest("a file of tracefs says that it is empty, and is mapped", "tracefs", openTrace, (descriptor) => {
  using region = mmap(descriptor, { ...READ, size: PAGE });
  assertUnsized(descriptor, region, READ);
});
