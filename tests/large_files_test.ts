import { closeSync, ftruncateSync, openSync, readSync, statSync } from "node:fs";
import { describe, test } from "node:test";
import { assertEquals, assertThrows } from "@std/assert";
import { mmap, platform } from "../mod.ts";
import { freshPath } from "./support/files.ts";

const GIB = 2 ** 30;

/** A file of this length that takes no room on the disk. */
function sparseFile(byteLength: number): string {
  const path = freshPath("sparse");
  const descriptor = openSync(path, "w");
  ftruncateSync(descriptor, byteLength);
  closeSync(descriptor);
  return path;
}

describe("files beyond 4 GiB", () => {
  test("a region of 6 GiB is read and written at both ends", () => {
    const path = sparseFile(6 * GIB);
    using region = mmap(path, { access: "write" });
    assertEquals(region.byteLength, 6 * GIB);
    const last = 6 * GIB - 8;
    region.view(Float64Array, last, 1)[0] = 1.5;
    region.view(Float64Array, 0, 1)[0] = 2.5;
    assertEquals(region.view(Float64Array, BigInt(last))[0], 1.5);
    assertEquals(new Float64Array(region.read(last, 8).buffer)[0], 1.5);
    region.write(new Uint8Array([9]), 5 * GIB);
    assertEquals(region.indexOf(9, 4 * GIB + 1), 5 * GIB);
    region.flush({ byteOffset: 5 * GIB, byteLength: 1 });

    const descriptor = openSync(path, "r");
    const bytes = new Uint8Array(1);
    readSync(descriptor, bytes, 0, 1, 5 * GIB);
    closeSync(descriptor);
    assertEquals(bytes[0], 9);
  });

  test("an offset beyond 4 GiB, at any byte", () => {
    const path = sparseFile(5 * GIB);
    const offset = 4 * GIB + 12_345;
    {
      using region = mmap(path, { access: "write", offset, size: 10 });
      region.bytes.set([1, 2, 3]);
    }
    using region = mmap(path, { offset: 4 * GIB });
    assertEquals(region.read(12_344, 5), new Uint8Array([0, 1, 2, 3, 0]));
  });

  test("views across every boundary of 1 GiB show the same memory", () => {
    using region = mmap(sparseFile(9 * GIB), { access: "write" });
    for (let boundary = GIB; boundary < 9 * GIB; boundary += GIB) {
      const view = region.view(Uint32Array, boundary - 8, 4);
      view.set([1, 2, 3, boundary / GIB]);
      assertEquals(region.read(boundary + 4, 1)[0], boundary / GIB);
      assertEquals([...region.view(Uint8Array, boundary - 8, 4)], [1, 0, 0, 0]);
    }
  });

  test("a view of 3 GiB that begins in the middle", () => {
    using region = mmap(sparseFile(9 * GIB), { access: "write" });
    const view = region.view(Uint8Array, 3 * GIB + 5, 3 * GIB);
    view[3 * GIB - 1] = 77;
    assertEquals(region.read(6 * GIB + 4, 1)[0], 77);
  });

  test("accessors over the whole are a RangeError only where the engine cannot hold them", () => {
    using region = mmap(sparseFile(6 * GIB));
    if (platform.runtime === "bun") {
      assertThrows(() => region.bytes, RangeError, "use view()");
      assertThrows(() => region.buffer, RangeError, "use view()");
      assertThrows(() => region.view(Uint8Array), RangeError, "at most");
    } else {
      assertEquals(region.bytes.length, 6 * GIB);
      assertEquals(region.float64.length, 6 * GIB / 8);
    }
  });

  test("a region grows beyond 4 GiB and shrinks again, with its file", () => {
    const path = sparseFile(1000);
    using region = mmap(path, { access: "write" });
    region.write(new Uint8Array([42]), 999);
    region.resize(5 * GIB);
    assertEquals(statSync(path).size, 5 * GIB);
    region.view(Uint8Array, 5 * GIB - 1)[0] = 1;
    assertEquals(region.read(999, 1)[0], 42);
    region.resize(1000);
    assertEquals(statSync(path).size, 1000);
    assertEquals(region.bytes[999], 42);
  });

  test("views detach on both sides of 4 GiB", () => {
    const region = mmap(sparseFile(9 * GIB));
    const views = [0, 3 * GIB, 5 * GIB, 8 * GIB].map((start) => region.view(Uint8Array, start, 10));
    region.unmap();
    assertEquals(views.map((view) => view.length), [0, 0, 0, 0]);
  });
});
