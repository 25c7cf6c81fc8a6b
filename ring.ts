/**
 * Messages from one writer to one reader through shared memory: between workers, processes, runtimes and languages. A
 * message is there as a whole or not at all, also if either end is killed at any moment.
 *
 * ```ts
 * import { ANONYMOUS, mmap } from "@region/mmap";
 * import { RingReader, RingWriter } from "@region/mmap/ring";
 * import { assertEquals } from "@std/assert";
 *
 * using region = mmap(ANONYMOUS, { size: 1 << 20 }); // hand region.handle to the other end
 * using writer = new RingWriter(region, { create: true });
 * using reader = new RingReader(region); // or in another worker or process
 * writer.write(new TextEncoder().encode("hello"));
 * assertEquals(new TextDecoder().decode(reader.read()), "hello");
 * ```
 *
 * `docs/ring.md` describes what the memory holds, for programs in other languages.
 *
 * @module
 */
export { RingReader } from "./src/extras/ring/reader.ts";
export { RingWriter } from "./src/extras/ring/writer.ts";
