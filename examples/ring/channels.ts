/** Ways to send messages to another process or thread. All have the same interface, so they can be compared. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { ANONYMOUS, mmap } from "../../mod.ts";
import { RingReader, RingWriter } from "../../ring.ts";
import { end, start } from "../support/start.ts";
import { FAREWELL, MESSAGE, Messages, messageThat } from "./message.ts";

/** A way to send messages to another process or thread, which reads them. */
export interface Channel {
  /** Sends so many messages. Returns when the other end has read them all. */
  stream(count: number): void | Promise<void>;
  /** Sends a message there and back so many times. */
  pingPong(count: number): void | Promise<void>;
  close(): Promise<void>;
}

/** The program at the other end. */
const FAR_END = new URL("./far_end.ts", import.meta.url);

const plain = messageThat(false);
const asking = messageThat(true);

/** The size of a region with a ring, in bytes. */
const SIZE = 1 << 20;

/** A ring to another process, and a second ring back. */
export function openRing(): Channel {
  const [forth, back] = [0, 1].map(() => mmap(ANONYMOUS, { size: SIZE }));
  const writer = new RingWriter(forth, { create: true });
  new RingWriter(back, { create: true })[Symbol.dispose](); // the other process will write to it
  const reader = new RingReader(back);
  const child = start(FAR_END, ["ring", ...[forth, back].map((region) => JSON.stringify(region))]);
  const pingPong = (count: number): void => {
    for (let sent = 0; sent < count; sent++) {
      writer.write(asking);
      reader.read();
    }
  };
  return {
    stream(count: number): void {
      for (let sent = 1; sent < count; sent++) writer.write(plain);
      pingPong(1);
    },
    pingPong,
    async close(): Promise<void> {
      writer.write(FAREWELL);
      await end(child);
      writer[Symbol.dispose]();
      reader[Symbol.dispose]();
      forth.unmap();
      back.unmap();
    },
  };
}

/** A child's stdin and stdout, used through Node's streams as in most programs. */
export function openPipe(): Channel {
  const child = start(FAR_END, ["pipe"], "pipe");
  const [input, output] = [child.stdin!, child.stdout!];
  const answers = new Answers();
  const messages = new Messages();
  output.on("data", (chunk: Uint8Array) => {
    for (const _message of messages.in(chunk)) answers.come();
  });
  const pingPong = async (count: number): Promise<void> => {
    for (let sent = 0; sent < count; sent++) {
      input.write(asking);
      await answers.next();
    }
  };
  return {
    async stream(count: number): Promise<void> {
      for (let sent = 1; sent < count; sent++) {
        if (!input.write(plain)) await once(input, "drain");
      }
      await pingPong(1);
    },
    pingPong,
    async close(): Promise<void> {
      input.end();
      await end(child);
    },
  };
}

/** Named pipes, read and written only with system calls that block. No pipe is faster. */
export function openFifo(): Channel {
  const directory = mkdtempSync(join(tmpdir(), "mmap-ring-"));
  const [forth, back] = ["forth", "back"].map((name) => join(directory, name));
  execFileSync("mkfifo", [forth, back]);
  const child = start(FAR_END, ["fifo", forth, back]);
  const [input, output] = [openSync(forth, "w"), openSync(back, "r")];
  const answer = new Uint8Array(MESSAGE);
  const pingPong = (count: number): void => {
    for (let sent = 0; sent < count; sent++) {
      writeSync(input, asking);
      readSync(output, answer);
    }
  };
  return {
    stream(count: number): void {
      for (let sent = 1; sent < count; sent++) writeSync(input, plain);
      pingPong(1);
    },
    pingPong,
    async close(): Promise<void> {
      closeSync(input);
      await end(child);
      closeSync(output);
      rmSync(directory, { recursive: true });
    },
  };
}

/** A worker, and `postMessage`. */
export function openWorker(): Channel {
  const worker = new Worker(FAR_END);
  const answers = new Answers();
  worker.on("message", () => answers.come());
  const pingPong = async (count: number): Promise<void> => {
    for (let sent = 0; sent < count; sent++) {
      worker.postMessage(asking);
      await answers.next();
    }
  };
  return {
    stream(count: number): Promise<void> {
      for (let sent = 1; sent < count; sent++) worker.postMessage(plain);
      return pingPong(1);
    },
    pingPong,
    async close(): Promise<void> {
      await worker.terminate();
    },
  };
}

/** Answers that come as events, one at a time. */
class Answers {
  #resolve: () => void = () => {};

  next(): Promise<void> {
    return new Promise((resolve) => this.#resolve = resolve);
  }

  come(): void {
    this.#resolve();
  }
}
