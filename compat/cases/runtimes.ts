/** What the runtimes' own functions do with an array of bytes. */
import type { Case } from "../case.ts";
import { floatsOver, noise, numbers } from "../bytes.ts";

export const RUNTIMES: readonly Case[] = [
  {
    name: "structuredClone",
    runtime: "node",
    call: "structuredClone(bytes)",
    input: noise,
    use(bytes) {
      const found = structuredClone(bytes);
      return () => found;
    },
    advice: "It copies the whole region, however short the view is. Send `view.slice()`.",
  },
  {
    name: "structuredClone",
    runtime: "node",
    call: "structuredClone(bytes, { transfer: [bytes.buffer] })",
    input: noise,
    use(bytes) {
      const found = structuredClone(bytes, { transfer: [bytes.buffer] });
      return () => found;
    },
    advice: "Send `region.handle`, and map the same memory on the other side.",
  },
  {
    name: "Blob",
    runtime: "node",
    call: "new Blob([bytes])",
    input: noise,
    async use(bytes) {
      const found = await new Blob([bytes]).bytes();
      return () => found;
    },
    advice: "Use `stream` of `@region/mmap/web`.",
  },
  {
    name: "Response",
    runtime: "node",
    call: "new Response(bytes)",
    input: noise,
    async use(bytes) {
      const found = await new Response(bytes).bytes();
      return () => found;
    },
    advice: "Use `respond` of `@region/mmap/web`.",
  },
  {
    name: "ReadableStream",
    runtime: "node",
    call: 'new ReadableStream({ type: "bytes", ... })',
    input: noise,
    async use(bytes) {
      const stream = new ReadableStream({
        type: "bytes",
        start(controller) {
          controller.enqueue(bytes);
          controller.close();
        },
      });
      const [found] = await Array.fromAsync(stream);
      return () => found;
    },
    advice: "Use `stream` of `@region/mmap/web`, which copies parts.",
  },
  {
    name: "Buffer.from",
    runtime: "node",
    call: "Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)",
    input: noise,
    use(bytes) {
      const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
      return () => found;
    },
    position: (whole, at, size) => {
      const found = Buffer.from(whole.buffer, at, size);
      return () => found;
    },
    advice: "`Buffer.from(bytes)` copies. `buffer.slice` does not.",
  },
  {
    name: "Float32Array",
    runtime: "node",
    call: "new Float32Array(bytes.buffer, bytes.byteOffset, n)",
    input: numbers,
    use(bytes) {
      const found = floatsOver(bytes);
      return () => found;
    },
    advice: "Map the part by itself.",
  },
  {
    name: "ws",
    call: "socket.send(bytes)",
    input: noise,
    async use(bytes) {
      const { WebSocket, WebSocketServer } = await import("ws");
      const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
      const server = new WebSocketServer({ port: 0, host: "127.0.0.1", maxPayload: 2 ** 28 });
      server.on("connection", (socket) => socket.on("message", (data) => resolve(data as Uint8Array)));
      await new Promise((listening) => server.on("listening", listening));
      const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as { port: number }).port}`, {
        perMessageDeflate: false,
      });
      socket.on("error", reject);
      socket.on("open", () => socket.send(bytes));
      const found = await promise;
      socket.terminate();
      server.close();
      return () => found;
    },
    advice: "",
  },
];
