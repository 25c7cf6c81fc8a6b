/**
 * Writes a file to disk without blocking the thread, with
 * [aio_fsync(3)](https://man7.org/linux/man-pages/man3/aio_fsync.3.html).
 *
 * No runtime can do it for us. Bun and Node make no calls on other threads, and Deno's lose errno. `fsync` in Deno's
 * node:fs takes only descriptors that Deno has opened.
 */
import type { MmapError } from "../../error.ts";
import type { Functions } from "../../ffi/contract.ts";
import { poll } from "../poll.ts";
import type { Libc } from "./libc.ts";

const PROTOTYPES = {
  aio_fsync: { parameters: ["i32", "usize"], result: "i32" }, // int aio_fsync(int operation, struct aiocb *control)
  aio_error: { parameters: ["usize"], result: "i32" }, // int aio_error(const struct aiocb *control)
  aio_return: { parameters: ["usize"], result: "i64" }, // ssize_t aio_return(struct aiocb *control)
} as const;

const MEMORY = {
  calloc: { parameters: ["usize", "usize"], result: "usize" }, // void *calloc(size_t count, size_t size)
  free: { parameters: ["usize"], result: "void" }, // void free(void *memory)
} as const;

interface Aio {
  readonly calls: Functions<typeof PROTOTYPES>;
  readonly memory: Functions<typeof MEMORY>;
}

/** Few programs need these functions, so they are bound when the first one does. */
const loaded: WeakMap<Libc, Aio> = new WeakMap();

function aioOf(libc: Libc): Aio {
  let aio = loaded.get(libc);
  if (!aio) {
    aio = { calls: loadCalls(libc), memory: libc.ffi.load(libc.constants.libraries, MEMORY) };
    loaded.set(libc, aio);
  }
  return aio;
}

/** Before glibc 2.34, these functions are in a library of their own. */
function loadCalls(libc: Libc): Functions<typeof PROTOTYPES> {
  try {
    return libc.ffi.load(libc.constants.libraries, PROTOTYPES);
  } catch {
    return libc.ffi.load(["librt.so.1"], PROTOTYPES);
  }
}

/** Resolves when everything that is dirty in the file now is on disk. */
export async function syncInBackground(
  libc: Libc,
  descriptor: number,
  flushDrive?: (descriptor: number) => void,
): Promise<void> {
  const { functions, constants: { numbers } } = libc;
  // It gets a descriptor of its own. The caller's may be closed meanwhile, and its number taken by another file.
  const own = libc.check(functions.fcntl(descriptor, numbers.F_DUPFD_CLOEXEC, 0n), "fcntl");
  try {
    await syncDescriptor(libc, own);
    flushDrive?.(own);
  } finally {
    functions.close(own);
  }
}

async function syncDescriptor(libc: Libc, descriptor: number): Promise<void> {
  const { calls, memory } = aioOf(libc);
  const { aiocb, numbers } = libc.constants;
  const control = memory.calloc(1n, BigInt(aiocb.size));
  try {
    libc.functions.memmove(control, controlBlock(libc, descriptor), BigInt(aiocb.size));
    if (calls.aio_fsync(numbers.O_SYNC, control) === -1) {
      ignoreNothingToWrite(libc.failure("aio_fsync"));
      return;
    }
    const inProgress = libc.errors.number("EINPROGRESS");
    const errno = await poll(() => {
      const state = calls.aio_error(control);
      return state === inProgress ? undefined : state;
    });
    calls.aio_return(control);
    if (errno !== 0) ignoreNothingToWrite(libc.errorOf(errno, "aio_fsync"));
  } finally {
    memory.free(control);
  }
}

/**
 * The errors for a descriptor that has nothing to write to a disk. It is a device or memory (EINVAL, see fsync(2), and
 * ESPIPE on macOS). Or it was opened only to be read (EBADF on macOS; the descriptor is known to be open).
 */
const NOTHING_TO_WRITE: readonly string[] = ["EINVAL", "ESPIPE", "EBADF"];

function ignoreNothingToWrite(error: MmapError): void {
  if (!NOTHING_TO_WRITE.includes(error.code)) throw error;
}

function controlBlock(libc: Libc, descriptor: number): Uint8Array {
  const { aiocb, numbers } = libc.constants;
  const bytes = new Uint8Array(aiocb.size);
  const view = new DataView(bytes.buffer);
  view.setInt32(aiocb.descriptor, descriptor, true);
  view.setInt32(aiocb.notify, numbers.SIGEV_NONE, true);
  return bytes;
}
