import {
  closeSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { countCopied, countMapped, writeLines } from "../examples/wasm/count.ts";
import { MappedHdf5, meanOf, openCopied, writeTable } from "../examples/wasm/hdf5.ts";
import { MappedDatabase, readingOf, writeReadings } from "../examples/wasm/sqlite.ts";
import { nearestMapped, vectorOf, writeVectors } from "../examples/wasm/vectors.ts";
import { countBytes } from "../examples/wasm/workers.ts";
import { decompressCopied, decompressMapped, writeCompressed } from "../examples/wasm/zstd.ts";
import { platform } from "../mod.ts";
import { runChild } from "./support/children.ts";
import { notInQemu } from "./support/emulated.ts";
import { fileOf, freshPath } from "./support/files.ts";
import { mappingsOf } from "./support/process.ts";

const EXAMPLES = fileURLToPath(new URL("../examples/wasm/", import.meta.url));

/** For each example, a size with which it is quick, and what it then says about its input. */
const RESULTS: Readonly<Record<string, readonly [size: number, result: string]>> = {
  count: [3, "49152 lines"],
  hdf5: [1000, "the mean of row 7 is 7.5"],
  sqlite: [3000, "reading 777: 14.5 °C at station 777"],
  vectors: [1000, "vector 777 is the nearest"],
  workers: [3, "49152 lines, 49152 letters e"],
  zstd: [3, "3145728 bytes are decompressed"],
};

const here = { skip: !platform.supports("wasm") && "this system maps nothing into WebAssembly memory" };

describe("the examples with WebAssembly run as programs", {
  ...notInQemu("does not run what the programs start"),
  ...(here.skip ? here : {}),
}, () => {
  for (const [name, [size, result]] of Object.entries(RESULTS)) {
    test(name, () => {
      const [input, found, ...figures] = runChild(`../../examples/wasm/${name}`, String(size), freshPath()).split("\n");
      assert(input.includes(`${size}-`), input);
      assertEquals(found.trim(), result);
      assert(/^mapped: after [\d.]+ m?s and [\d.]+ MiB/.test(figures[0]), figures[0]);
      assert(/^(copied|reading) [\w ]+: after [\d.]+ m?s and [\d.]+ MiB/.test(figures[1]), figures[1]);
    });
  }

  test("all of them are tested, and listed in their README", () => {
    const names = readdirSync(EXAMPLES).filter((name) => name.endsWith(".ts") && name !== "code.ts");
    assertEquals(names.sort(), Object.keys(RESULTS).map((name) => `${name}.ts`));
    const readme = readFileSync(join(EXAMPLES, "README.md"), "utf8");
    for (const name of names) assert(readme.includes(`](${name})`), name);
  });
});

describe("WebAssembly code works on the file itself", here, () => {
  test("count: in as many windows as there are, of any length", () => {
    const path = freshPath();
    writeLines(path, 1);
    assertEquals(countMapped(path, 10, 1 << 18), 1 << 14);
    for (const length of [0, 1, 15, 16, 17, 4079, 4080, 4081, 70_000]) {
      const counting = fileOf(length);
      const wanted = readFileSync(counting).filter((byte) => byte === 7).length;
      assertEquals([countMapped(counting, 7), countCopied(counting, 7)], [wanted, wanted]);
    }
  });

  test("hdf5: reads the file itself, and not a copy", () => {
    const path = freshPath();
    writeTable(path, 2000);
    const copied = openCopied(path);
    {
      using mapped = new MappedHdf5(path);
      using other = new MappedHdf5(path);
      assertEquals([meanOf(mapped.file, 1999), meanOf(other.file, 0), meanOf(copied, 1999)], [1999.5, 0.5, 1999.5]);
      assertEquals(mappingsOf(path), 2);
      const place = mapped.region.indexOf(new Uint8Array(Float32Array.of(1000, 1001, 1000, 1001).buffer));
      const descriptor = openSync(path, "r+");
      writeSync(descriptor, new Uint8Array(Float32Array.of(2000).buffer), 0, 4, place);
      closeSync(descriptor);
      assertEquals([meanOf(mapped.file, 1000), meanOf(copied, 1000)], [1001.5, 1000.5]);
      assertEquals(mapped.region.faults, 0);
    }
    copied.close();
    assertEquals(mappingsOf(path), 0);
  });

  test("sqlite: reads a few pages of the file, and changes none", () => {
    const path = freshPath();
    writeReadings(path, 100_000);
    const before = readFileSync(path);
    {
      using mapped = new MappedDatabase(path);
      assertEquals([mapped.region.byteLength, mappingsOf(path)], [statSync(path).size, 1]);
      assertEquals(readingOf(mapped.database, 99_999), "reading 99999: -18.5 °C at station 999");
      assertEquals(mapped.database.selectValue("SELECT count(*) FROM readings"), 100_000);
      let error: unknown;
      try {
        mapped.database.exec("DELETE FROM readings");
      } catch (thrown) {
        error = thrown;
      }
      assert(String(error).includes("SQLITE_READONLY"), String(error));
      assertEquals(mapped.region.faults, 0);
    }
    assertEquals(mappingsOf(path), 0);
    assert(before.equals(readFileSync(path)));
  });

  test("vectors: every vector is found by itself, whoever looks at it", async () => {
    const path = freshPath();
    writeVectors(path, 25);
    for (const index of [0, 12, 13, 24]) assertEquals(await nearestMapped(path, vectorOf(index)), index);
  });

  test("workers: what they count is left in a file", async () => {
    const path = fileOf(3 * 256 + 10);
    const counters = freshPath();
    const counts = await countBytes(path, counters);
    assertEquals([counts[0], counts[9], counts[10], counts[255]], [4, 4, 3, 3]);
    assertEquals(new Int32Array(new Uint8Array(readFileSync(counters)).buffer, 64), counts);
  });

  test("zstd: decompresses from file to file what node:zlib does", () => {
    const from = freshPath();
    const to = fileOf(70_000); // is replaced
    // The memory of the decoder has to grow for the longest.
    for (const length of [1, 4095, 4096, 4097, 1 << 20, 40 << 20]) {
      const content = new Uint8Array(length).map((_, index) => index * index >>> 9);
      writeFileSync(from, zstdCompressSync(content, { pledgedSrcSize: length }));
      assertEquals(decompressMapped(from, to), length);
      assert(readFileSync(to).equals(content), `${length} bytes`);
    }
    assertEquals([mappingsOf(from), mappingsOf(to)], [0, 0]);

    writeCompressed(from, 3); // one part behind the other
    assertEquals([decompressMapped(from, to), decompressCopied(from, `${to}.copied`)], [3 << 20, 3 << 20]);
    const wanted = zstdDecompressSync(readFileSync(from));
    assert(readFileSync(to).equals(wanted) && readFileSync(`${to}.copied`).equals(wanted));
  });

  test("zstd: refuses what is not whole, what does not say its length, and to replace what it reads", () => {
    const from = freshPath();
    const content = zstdCompressSync(new Uint8Array(1 << 20));
    writeFileSync(from, content);
    linkSync(from, `${from}.link`);
    for (const to of [from, `${from}.link`]) {
      assertThrows(() => decompressMapped(from, to), Error, "cannot be replaced");
    }
    assert(readFileSync(from).equals(content));
    writeFileSync(from, zstdCompressSync(new Uint8Array(1 << 20), { pledgedSrcSize: 1 << 20 }));
    truncateSync(from, statSync(from).size - 1);
    assertThrows(() => decompressMapped(from, freshPath()), Error, "this is not zstd");
    writeFileSync(from, "something else");
    assertThrows(() => decompressMapped(from, freshPath()), Error, "this is not zstd");
    // A frame of one byte, which may be any length. Then one that cannot be as long as it says.
    writeFileSync(from, Uint8Array.fromHex("28b52ffd000009000001"));
    assertThrows(() => decompressMapped(from, freshPath()), Error, "does not say how long");
    writeFileSync(from, Uint8Array.fromHex("28b52ffde0ffffffffffff0f0009000001"));
    assertThrows(() => decompressMapped(from, freshPath()), RangeError);
    writeFileSync(from, Uint8Array.fromHex("28b52ffd20042d0000ffffffffff"));
    assertThrows(() => decompressMapped(from, freshPath()), Error, "cannot be decompressed");
  });
});
