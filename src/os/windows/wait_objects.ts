/**
 * What waiting on Windows is made of: the section that holds the table, events with names, and threads. Other sessions have
 * other objects of the same names.
 */
import type { Functions } from "../../ffi/contract.ts";
import { WIN32_ERRORS } from "./errors.ts";
import { type Kernel32, THIS_THREAD, WAIT_FOR_SINGLE_OBJECT, wideString } from "./kernel32.ts";
import { makeSection } from "./named.ts";
import { WIN32 } from "./numbers.ts";
import { type Bell, TABLE_SIZE, type Thread, type Threads } from "./wait_table.ts";

const OBJECTS = {
  // HANDLE CreateEventW(SECURITY_ATTRIBUTES *, BOOL manual, BOOL initial, LPCWSTR name)
  CreateEventW: { parameters: ["usize", "i32", "i32", "buffer"], result: "usize" },
  // HANDLE OpenEventW(DWORD access, BOOL inherit, LPCWSTR name)
  OpenEventW: { parameters: ["u32", "i32", "buffer"], result: "usize" },
  SetEvent: { parameters: ["usize"], result: "i32" }, // BOOL SetEvent(HANDLE)
  WaitForSingleObject: WAIT_FOR_SINGLE_OBJECT,
  GetCurrentThreadId: { parameters: [], result: "i32" }, // DWORD GetCurrentThreadId(void)
  // HANDLE OpenThread(DWORD access, BOOL inherit, DWORD thread)
  OpenThread: { parameters: ["u32", "i32", "u32"], result: "usize" },
  // BOOL GetThreadTimes(HANDLE, FILETIME *created, FILETIME *exited, FILETIME *kernel, FILETIME *user)
  GetThreadTimes: { parameters: ["usize", "buffer", "buffer", "buffer", "buffer"], result: "i32" },
} as const;

/** Objects of another layout have other names. */
const NAME = "Local\\@region-mmap.waiting.1";

/** The objects of this thread, and ways to those of others. */
export class WaitObjects implements Threads {
  readonly thread: Thread;
  readonly #kernel32: Kernel32;
  readonly #functions: Functions<typeof OBJECTS>;

  constructor(kernel32: Kernel32) {
    this.#kernel32 = kernel32;
    this.#functions = kernel32.ffi.load(["kernel32.dll"], OBJECTS);
    const birth = this.#birthOf(THIS_THREAD);
    if (!birth) throw kernel32.failure("GetThreadTimes");
    this.thread = { id: this.#functions.GetCurrentThreadId(), birth };
  }

  /**
   * The memory of the table. It stays as long as the process, and so does the handle, since the name goes away with the
   * last one.
   */
  openTable(): ArrayBuffer {
    const kernel32 = this.#kernel32;
    const { handle } = makeSection(kernel32, NAME, TABLE_SIZE, WIN32.PAGE_READWRITE);
    const base = kernel32.functions.MapViewOfFile(handle, WIN32.FILE_MAP_WRITE, 0, 0, BigInt(TABLE_SIZE));
    if (base !== 0n) return kernel32.ffi.arrayBuffer(base, TABLE_SIZE);
    const error = kernel32.failure("MapViewOfFile", { path: NAME });
    kernel32.functions.CloseHandle(handle);
    throw error;
  }

  /** Makes a bell of this thread: an event that goes back by itself. */
  makeBell(number: number): bigint {
    const bell = this.#functions.CreateEventW(0n, 0, 0, wideString(nameOf({ thread: this.thread, number })));
    return this.#kernel32.checkAddress(bell, "CreateEventW");
  }

  /** Has whoever waits for a bell of this thread look. */
  strike(bell: bigint): void {
    this.#kernel32.check(this.#functions.SetEvent(bell), "SetEvent");
  }

  /** Blocks until the bell rings, at most for a time. */
  listen(bell: bigint, milliseconds: number): void {
    const result = this.#functions.WaitForSingleObject(bell, milliseconds);
    if (result >>> 0 === WIN32.WAIT_FAILED) throw this.#kernel32.failure("WaitForSingleObject");
  }

  ring(bell: Bell): void {
    const handle = this.#functions.OpenEventW(WIN32.EVENT_MODIFY_STATE, 0, wideString(nameOf(bell)));
    // If its process has died since, nobody listens.
    if (handle === 0n) return;
    this.#functions.SetEvent(handle);
    this.#kernel32.functions.CloseHandle(handle);
  }

  isAlive(id: number, birth?: readonly [high: number, low: number]): boolean {
    const access = WIN32.SYNCHRONIZE | WIN32.THREAD_QUERY_LIMITED_INFORMATION;
    const handle = this.#functions.OpenThread(access, 0, id >>> 0);
    // There is a thread of this number, and what it is may not be known.
    if (handle === 0n) return this.#kernel32.lastError === WIN32_ERRORS.ACCESS_DENIED;
    const isOther = birth && this.#birthOf(handle)?.some((half, index) => half !== birth[index]);
    const hasEnded = this.#functions.WaitForSingleObject(handle, 0) === WIN32.WAIT_OBJECT_0;
    this.#kernel32.functions.CloseHandle(handle);
    return !isOther && !hasEnded;
  }

  #birthOf(thread: bigint): readonly [high: number, low: number] | undefined {
    const times = new Int32Array(8);
    const [created, ...others] = [0, 1, 2, 3].map((index) => new Uint8Array(times.buffer, 8 * index, 8));
    const [exited, kernel, user] = others;
    return this.#functions.GetThreadTimes(thread, created, exited, kernel, user) === 0
      ? undefined
      : [times[1], times[0]];
  }
}

function nameOf({ thread: { id, birth: [high, low] }, number }: Bell): string {
  return [NAME, id, high, low, number].join(".");
}
