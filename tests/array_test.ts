import { spawnSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { createNpy, type DType, type MappedArray, openNpy, openSafetensors } from "../array.ts";
import { ANONYMOUS, mmap, MmapError, platform } from "../mod.ts";
import { runChild } from "./support/children.ts";
import { collectAll } from "./support/collector.ts";
import { closeDescriptor, openDescriptor, openDescriptorAs } from "./support/descriptors.ts";
import { notInQemu } from "./support/emulated.ts";
import { exists, fileOf, freshPath } from "./support/files.ts";
import { mappingsOf, openDescriptors } from "./support/proc.ts";
import { onLinux, onPosix } from "./support/systems.ts";

const GIB = 2 ** 30;

/** All types, with the array that holds them. */
const CLASSES: Readonly<Record<DType, string>> = {
  bool: "Uint8Array",
  i8: "Int8Array",
  u8: "Uint8Array",
  i16: "Int16Array",
  u16: "Uint16Array",
  i32: "Int32Array",
  u32: "Uint32Array",
  i64: "BigInt64Array",
  u64: "BigUint64Array",
  f16: "Float16Array",
  bf16: "Uint16Array",
  f32: "Float32Array",
  f64: "Float64Array",
  f8_e4m3: "Uint8Array",
  f8_e5m2: "Uint8Array",
  c64: "Float32Array",
  c128: "Float64Array",
};
const DTYPES = Object.keys(CLASSES) as DType[];
const NOT_IN_NUMPY: readonly DType[] = ["bf16", "f8_e4m3", "f8_e5m2"];

/** An array that is never in a file. */
type Heap = { [index: number]: number | bigint; readonly length: number } & ArrayBufferView;

const bytesOf = (numbers: ArrayBufferView): Uint8Array => new Uint8Array(numbers.buffer, 0, numbers.byteLength);

function classOf(dtype: DType): new (length: number) => Heap {
  return (globalThis as unknown as Record<string, new (length: number) => Heap>)[CLASSES[dtype]];
}

/** Some numbers that no two types store in the same way. */
function numbersOf(dtype: DType, length: number): Heap {
  const numbers = new (classOf(dtype))(length);
  const isBig = typeof numbers[0] === "bigint";
  for (let at = 0; at < length; at++) {
    const value = dtype === "bool" ? at % 2 : (at * 7) % 120;
    numbers[at] = isBig ? BigInt(value) : value;
  }
  return numbers;
}

function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

// ---------------------------------------------------------------- .npy

interface NpyInit {
  readonly version?: readonly [number, number];
  /** What the header says its length is. */
  readonly length?: number;
}

/** A .npy file by hand. */
function npyOf(dict: string, data: Uint8Array, { version = [1, 0], length = dict.length }: NpyInit = {}): string {
  const prefix = version[0] === 1 ? new Uint8Array(10) : new Uint8Array(12);
  prefix.set([0x93, ...utf8("NUMPY"), ...version]);
  const view = new DataView(prefix.buffer);
  if (version[0] === 1) view.setUint16(8, length, true);
  else view.setUint32(8, length, true);
  return fileOf(concat(prefix, utf8(dict), data));
}

const dictOf = (shape: string, descr = "'<f8'", fortran = "False"): string =>
  `{'descr': ${descr}, 'fortran_order': ${fortran}, 'shape': ${shape}, }`;

/** What opening a file of 64 bytes with this header leads to. */
function refusal(dict: string, init?: NpyInit, length = 64): Error {
  return assertThrows(() => openNpy(npyOf(dict, new Uint8Array(length), init)), Error);
}

function assertRefused(kind: typeof RangeError | typeof TypeError | typeof SyntaxError, message: string, dict: string) {
  const error = refusal(dict);
  assert(error instanceof kind, `${dict}: ${error.name}: ${error.message}`);
  assert(error.message.includes(message), `${dict}: ${error.message}`);
}

describe("a .npy file", () => {
  test("of any type is created with zeros, and opened again", () => {
    for (const dtype of DTYPES.filter((one) => !NOT_IN_NUMPY.includes(one))) {
      const path = freshPath();
      const parts = dtype.startsWith("c") ? 2 : 1;
      const numbers = numbersOf(dtype, 12 * parts);
      {
        using array = createNpy(path, { dtype, shape: [3, 4] });
        assertEquals(array.data, new (classOf(dtype))(12 * parts) as ArrayBufferView, dtype);
        (array.data as Uint8Array).set(numbers as Uint8Array);
      }
      using array = openNpy(path);
      assertEquals([array.dtype, array.data, array.offset], [dtype, numbers as ArrayBufferView, 0]);
      assertEquals(array.shape, parts === 1 ? [3, 4] : [3, 4, 2]);
      assertEquals(array.stride, parts === 1 ? [4, 1] : [8, 2, 1]);
      assertEquals(readFileSync(path).subarray(-numbers.byteLength).compare(bytesOf(numbers)), 0);
    }
  });

  test("in Fortran order has its first index vary fastest", () => {
    const path = freshPath();
    {
      using array = createNpy(path, { dtype: "i16", shape: [2, 3, 4], fortranOrder: true });
      assertEquals(array.stride, [1, 2, 6]);
      array.set(-7, 1, 2, 3);
      array.set(5, 1, 0, 0);
    }
    using array = openNpy(path);
    assertEquals(array.stride, [1, 2, 6]);
    assertEquals([array.get(1, 2, 3), array.get(1, 0, 0), (array.data as Int16Array)[1]], [-7, 5, 5]);
    using complex = createNpy(freshPath(), { dtype: "c64", shape: [2, 3], fortranOrder: true });
    assertEquals([complex.shape, complex.stride], [[2, 3, 2], [2, 4, 1]]);
  });

  test("of no dimensions is one number, and of length 0 none", () => {
    using one = createNpy(freshPath(), { dtype: "f64", shape: [] });
    one.set(2.5);
    assertEquals([one.get(), one.data, one.shape, one.stride], [2.5, Float64Array.of(2.5), [], []]);
    for (const fortranOrder of [false, true]) {
      const path = freshPath();
      createNpy(path, { dtype: "f64", shape: [2, 0, 3], fortranOrder })[Symbol.dispose]();
      using none = openNpy(path, { access: "write" });
      assertEquals([none.data, none.shape], [new Float64Array(), [2, 0, 3]]);
      assertEquals(none.stride, fortranOrder ? [1, 2, 2] : [3, 3, 1]);
      assertThrows(() => none.get(0, 0, 0), RangeError, "index 1: 0 given, but the dimension has length 0");
    }
  });

  test("is used in place with each access", () => {
    const path = freshPath();
    createNpy(path, { dtype: "u8", shape: [4] })[Symbol.dispose]();
    {
      using writer = openNpy(path, { access: "write" });
      using reader = openNpy(path);
      using copy = openNpy(path, { access: "copy" });
      writer.set(1, 0);
      copy.set(2, 1);
      assertEquals([reader.data, copy.get(1)], [Uint8Array.of(1, 0, 0, 0), 2]);
      const message = 'protection: the memory allows ["read"], but "write" is needed';
      assertThrows(() => reader.set(1, 0), TypeError, message);
      assertEquals(reader.region.faults, 0);
      writer.region.flush();
    }
    assertEquals([...readFileSync(path).subarray(-4)], [1, 0, 0, 0]);
  });

  test("is taken from a URL, a descriptor and a handle", () => {
    const path = freshPath();
    using array = createNpy(pathToFileURL(path), { dtype: "f32", shape: [3] });
    array.set(0.5, 1);
    for (const source of [pathToFileURL(path), array.region.descriptor!, array.region.handle]) {
      using again = openNpy(source);
      assertEquals(again.data, Float32Array.of(0, 0.5, 0));
    }
    assertThrows(() => openNpy(ANONYMOUS), TypeError, "size");
  });

  test("is used in place at any alignment, and with any access", () => {
    for (const dtype of DTYPES.filter((one) => !NOT_IN_NUMPY.includes(one))) {
      for (let shift = 0; shift < 16; shift++) {
        const parts = dtype.startsWith("c") ? 2 : 1;
        const numbers = numbersOf(dtype, 5 * parts);
        const descr = `'<${dtype === "bool" ? "b1" : `${dtype[0]}${Number(dtype.slice(1)) / 8}`}'`;
        const path = npyOf(dictOf("(5,)", descr) + " ".repeat(shift), bytesOf(numbers));
        for (const access of ["read", "write", "copy"] as const) {
          using array = openNpy(path, { access });
          assertEquals(array.data as unknown, numbers, `${dtype} ${shift} ${access}`);
          assertEquals(array.get(4, ...(parts === 2 ? [1] : [])), numbers[5 * parts - 1]);
        }
        {
          using array = openNpy(path, { access: "write" });
          array.set(numbers[1], 0, ...(parts === 2 ? [0] : []));
          array.region.flush();
        }
        using array = openNpy(path);
        assertEquals((array.data as unknown as Heap)[0], numbers[1]);
        assertStrictEquals(array.data, array.data);
      }
    }
  });

  test("that is not aligned is taken from a handle that does not begin with its file", () => {
    const npy = npyOf(`${dictOf("(2,)")} `, bytesOf(Float64Array.of(0.5, 1.5)));
    const path = fileOf(concat(utf8("seven by"), readFileSync(npy)));
    using rest = mmap(path, { offset: 8 });
    using array = openNpy(rest.handle);
    assertEquals(array.data, Float64Array.of(0.5, 1.5));
  });

  test("that is not aligned stays in use when only its data can be reached, and all of it is unmapped", async () => {
    const path = npyOf(`${dictOf("(2,)")} `, bytesOf(Float64Array.of(0.5, 1.5)));
    const array = openNpy(path, { access: "write" });
    const { region, data } = array;
    await region.flushAsync();
    array[Symbol.dispose]();
    assertEquals([data.byteLength, region.unmapped], [0, true]);
    array[Symbol.dispose]();
    assertThrows(() => array.data, TypeError, "unmapped");
  });

  test("of a newer version has a longer length, and names in UTF-8", () => {
    const data = bytesOf(Float64Array.of(1.5));
    for (const version of [[1, 0], [2, 0], [3, 0]] as const) {
      using array = openNpy(npyOf(dictOf("(1,)"), data, { version }));
      assertEquals(array.get(0), 1.5);
    }
    using long = openNpy(npyOf(dictOf("(1,)") + " ".repeat(70_000), data, { version: [2, 0] }));
    assertEquals(long.get(0), 1.5);
    const shape = new Array(30_000).fill(1);
    const path = freshPath();
    createNpy(path, { dtype: "u8", shape })[Symbol.dispose]();
    assertEquals(readFileSync(path)[6], 2);
    using deep = openNpy(path);
    assertEquals(deep.shape.length, 30_000);
  });

  test("is read however Python may write its dict", () => {
    const data = bytesOf(Float64Array.of(1.5, 2.5));
    for (
      const dict of [
        `{"shape":(2,),"descr":"<f8","fortran_order":False}`,
        ` {\n'shape' : ( 2 , ) ,'descr':'=f8', 'fortran_order':True }\n\n`,
        `{'shape': (2L,), 'descr': u'f8', 'fortran_order': False, }`,
        `{'shape': (1, 2,), 'descr': ('|f8'), 'fortran_order': (False), }`,
      ]
    ) {
      using array = openNpy(npyOf(dict, data));
      assertEquals([array.dtype, array.data], ["f64", Float64Array.of(1.5, 2.5)], dict);
    }
    for (const order of ["<", ">", "=", "|", ""]) {
      using array = openNpy(npyOf(dictOf("(2,)", `'${order}u1'`), Uint8Array.of(1, 2)));
      assertEquals(array.dtype, "u8");
    }
  });

  test("of another type is a TypeError that names the type", () => {
    for (const descr of ["'<f16'", "'<M8[ns]'", "'<U5'", "'|S3'", "'|O'", "'|V2'", "'!f8'", "'float64'", "None", "8"]) {
      assertRefused(TypeError, `descr: ${descr} given, wanted numbers of one type: b1, i1,`, dictOf("(2,)", descr));
    }
    const structured = "[('a', '<f4'), ('b', '<i8', (2,))]";
    assertRefused(TypeError, `descr: ${structured} given`, dictOf("(2,)", structured));
    const big = `descr: '>f4' given, wanted little-endian numbers, as numpy's astype("<f4") makes them`;
    assertRefused(TypeError, big, dictOf("(2,)", "'>f4'"));
    const names = Array.from({ length: 100 }, (_, index) => `('field ${index}', '<f4')`).join(", ");
    assert(refusal(dictOf("(2,)", `[${names}]`)).message.length < 400);
  });

  test("with a header that is no dict is refused", () => {
    for (const dict of ["", "{", "}", "{'descr'", "{,}", "import os", "__import__('os')", "{'a': 1 2}", "{'a' 1}"]) {
      assertRefused(SyntaxError, "header: ", dict);
    }
    assertRefused(SyntaxError, "header: the end given at 9, wanted a literal", "{'descr':");
    assertRefused(SyntaxError, 'header: "x" given at 58, wanted nothing more', `${dictOf("(8,)")} x`);
    assertRefused(SyntaxError, "header: 'shape' given twice", "{'shape': (1,), 'shape': (2,)}");
    assertRefused(SyntaxError, "header: 1 given as a key, wanted a text", "{1: 2}");
    assertRefused(SyntaxError, "wanted at most 32 brackets", dictOf("(".repeat(10_000)));
    assertRefused(SyntaxError, "wanted a literal", dictOf("(2, 0x10)"));
    assertRefused(SyntaxError, 'wanted "," or ")"', dictOf("(2 1)"));
    assertRefused(SyntaxError, 'wanted "," or "}"', "{'shape': (2,) 'descr': '<f8'}");
    assertRefused(SyntaxError, 'wanted ":"', "{'shape'}");
    assertRefused(TypeError, "header: (1, 2) given, wanted a dict", "(1, 2)");
    assertRefused(TypeError, "header: a dict of nothing given, wanted descr, fortran_order and shape", "{}");
    assertRefused(TypeError, 'a dict of "descr", "shape" given', "{'descr': '<f8', 'shape': (1,)}");
    assertRefused(TypeError, '"more" given, wanted descr', `${dictOf("(1,)").slice(0, -1)}'more': 1}`);
    assertRefused(TypeError, "fortran_order: None given, wanted True or False", dictOf("(1,)", "'<f8'", "None"));
    assertRefused(TypeError, "fortran_order: 0 given, wanted True or False", dictOf("(1,)", "'<f8'", "0"));
    assertRefused(TypeError, "shape: [2] given, wanted a tuple", dictOf("[2]"));
    assertRefused(TypeError, "shape: (2) given, wanted a tuple", dictOf("(2)"));
    assertRefused(TypeError, "shape: ('2',) given, wanted a tuple of numbers", dictOf("('2',)"));
    const notUtf8 = refusal("{'\u00e9'}", { version: [3, 0], length: 3 });
    assert(notUtf8 instanceof TypeError && notUtf8.message.includes("not utf-8"), notUtf8.message);
  });

  test("with impossible lengths is refused", () => {
    assertRefused(RangeError, "shape: [-1] given, wanted whole numbers", dictOf("(-1,)"));
    for (const shape of ["(2.5,)", "(2.0,)", "(2e0,)"]) {
      assertRefused(RangeError, `shape: ${shape} given, wanted whole numbers`, dictOf(shape));
    }
    assertRefused(RangeError, "shape: [9007199254740992] given", dictOf("(9007199254740993,)"));
    assertRefused(RangeError, "shape: [Infinity] given", dictOf(`(${"9".repeat(400)},)`));
    assertRefused(RangeError, "wanted at most 2^53 - 1 bytes in all", dictOf("(4294967296, 4294967296)"));
    assertRefused(RangeError, "wanted at most 2^53 - 1 bytes in all", dictOf("(4294967296, 4294967296, 0)"));
    assertRefused(RangeError, "wanted at most 2^53 - 1 bytes in all", dictOf("(1125899906842624,)"));
    assertRefused(RangeError, "shape: [9] given, which is 72 bytes from 67, but the file ends at 131", dictOf("(9,)"));
    using exactly = openNpy(npyOf(dictOf("(8,)"), new Uint8Array(64)));
    assertEquals(exactly.data.byteLength, 64);
  });

  test("with an impossible header is refused before anything is read", () => {
    const version = [2, 0] as const;
    const absurd = refusal("{}", { version, length: 2 ** 32 - 1 });
    assertEquals([absurd.name, absurd.message], [
      "RangeError",
      "header: 4294967295 bytes from 12 given, but the file ends at 78",
    ]);
    const path = npyOf("{}", new Uint8Array(), { version, length: 2 * GIB });
    const descriptor = openSync(path, "r+");
    ftruncateSync(descriptor, 3 * GIB);
    closeSync(descriptor);
    assertThrows(() => openNpy(path), RangeError, `header: ${2 * GIB} bytes given, wanted at most 1048576`);
  });

  test("that is another kind of file is refused", () => {
    for (const content of ["", "PK\x03\x04", "{}", "\x93NUMP"]) {
      assertThrows(() => openNpy(fileOf(content)), TypeError, "wanted a .npy file, which begins with \\x93NUMPY");
    }
    const magic = [0x93, ...utf8("NUMPY")];
    assertThrows(() => openNpy(fileOf(Uint8Array.of(...magic, 4, 0, 0, 0))), TypeError, "version 4.0 given");
    assertThrows(() => openNpy(fileOf(Uint8Array.of(...magic, 1, 1, 0, 0))), TypeError, "version 1.1 given");
    assertThrows(() => openNpy(fileOf(Uint8Array.of(...magic, 0, 0, 0, 0))), TypeError, "version 0.0 given");
    assertThrows(() => openNpy(fileOf(Uint8Array.of(...magic, 1, 0, 0))), RangeError, "header: begins at 10");
    assertThrows(() => openNpy(fileOf(Uint8Array.of(...magic))), TypeError, "version");
    assertEquals(assertThrows(() => openNpy(freshPath()), MmapError).code, "ENOENT");
  });
});

test("an element is stored where its own bytes allow it", () => {
  const path = freshPath();
  using array = createNpy(path, { dtype: "u8", shape: [3 * platform.pageSize] });
  const { region } = array;
  region.protect(["read"], { byteOffset: platform.pageSize, byteLength: 1 });
  const inside = platform.pageSize + 10;
  assertThrows(() => array.set(7, inside), TypeError, '"write" is needed');
  array.set(8, 0);
  region.protect(["read"]);
  assertThrows(() => array.set(7, 0), TypeError, '"write" is needed');
  region.protect(["read", "write"], { byteOffset: platform.pageSize, byteLength: 1 });
  array.set(9, inside);
  assertEquals([array.get(0), array.get(inside), region.faults], [8, 9, 0]);
  region.flush();
  assertEquals(readFileSync(path)[region.byteLength - 3 * platform.pageSize + inside], 9);
});

describe("creating a .npy file", () => {
  test("that fails leaves what was there", {
    skip: (platform.os !== "linux" || spawnSync("unshare", ["--mount", "true"]).status !== 0) &&
      "this process may not mount a small disk",
  }, () => {
    assertEquals(runChild("full_npy"), '{"empty":true,"link":true,"target":true,"fresh":false}');
  });

  test("replaces a file that is there, and takes no room for zeros", () => {
    const path = fileOf("x".repeat(10_000));
    using array = createNpy(path, { dtype: "f64", shape: [2 ** 27] });
    assertEquals([array.get(0), array.get(2 ** 27 - 1)], [0, 0]);
    const { size, blocks } = statSync(path);
    assertEquals(size, 128 + GIB);
    if (platform.os !== "windows") assert(blocks < 1000, String(blocks));
  });

  test("refuses what numpy does not have", () => {
    const init = (given: object) => assertThrows(() => createNpy(path, given as never), Error).message;
    const path = freshPath();
    for (const dtype of [...NOT_IN_NUMPY, "float64", undefined, 8]) {
      assert(init({ dtype, shape: [1] }).startsWith(`dtype: ${JSON.stringify(dtype)} given, wanted one of bool, i8,`));
    }
    assertEquals(init({ dtype: "u8", shape: [-1] }), "shape: [-1] given, wanted whole numbers from 0 to 2^53 - 1");
    assertEquals(init({ dtype: "u8", shape: [1.5] }), "shape: [1.5] given, wanted whole numbers from 0 to 2^53 - 1");
    assertEquals(init({ dtype: "u8", shape: ["1"] }), 'shape: ["1"] given, wanted numbers');
    assertEquals(init({ dtype: "u8", shape: 1 }), "shape: 1 given, wanted an array of numbers");
    assert(init({ dtype: "f64", shape: [2 ** 50] }).includes("at most 2^53 - 1 bytes"));
    assertEquals(
      init({ dtype: "u8", shape: [1], fortranorder: true }),
      'init: unknown "fortranorder" given, wanted "fortranOrder"',
    );
    assertEquals(init({ dtype: "u8", shape: [1], fortranOrder: 1 }), "fortranOrder: 1 given, wanted a boolean");
    assertEquals(init(null as never), "init: null given, wanted { dtype, shape }");
    for (const wrong of [3, null, ANONYMOUS, { fd: 3 }]) {
      const create = () => createNpy(wrong as never, { dtype: "u8", shape: [1] });
      assertThrows(create, TypeError, "wanted a path or a file: URL");
    }
    assertThrows(() => openNpy(path, { acess: "write" } as never), TypeError, 'options: unknown "acess" given');
    assertThrows(() => openNpy(path, { access: "create" } as never), TypeError, 'access: "create" given');
    assertThrows(() => openNpy(path, null as never), TypeError, "options: null given, wanted an object");
    assert(!exists(path));
  });

  test("leaves nothing behind if it fails", () => {
    const path = freshPath();
    assertThrows(() => createNpy(path, { dtype: "u8", shape: [2 ** 53 - 1000] }), MmapError);
    assert(!exists(path));
    assertEquals(
      assertThrows(() => createNpy(`${path}/file`, { dtype: "u8", shape: [1] }), MmapError).code,
      "ENOENT",
    );
  });

  test("leaves nothing behind on a disk that is full", {
    ...onLinux("file systems that are made for a moment"),
    ...notInQemu("does not run what it starts"),
  }, (context) => {
    const directory = freshPath();
    mkdirSync(directory);
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", directory]).status !== 0) {
      return context.skip("only the superuser can make a disk that is full");
    }
    try {
      // There is room for the last page, but not for the first, which has the header.
      writeFileSync(`${directory}/other`, new Uint8Array(60 * 1024));
      const path = `${directory}/array`;
      if (!platform.supports("guard")) return;
      const error = assertThrows(() => createNpy(path, { dtype: "u8", shape: [2 ** 20] }), MmapError);
      assertEquals([error.code, readdirSync(directory)], ["EIO", ["other"]]);
    } finally {
      assertEquals(spawnSync("umount", [directory]).status, 0);
    }
  });
});

// ---------------------------------------------------------------- elements

describe("an element of an array", () => {
  test("is read and stored at an index for each dimension", () => {
    for (const dtype of DTYPES.filter((one) => !NOT_IN_NUMPY.includes(one))) {
      using array = createNpy(freshPath(), { dtype, shape: [2, 3] });
      const value = dtype.includes("64") && !dtype.startsWith("f") && !dtype.startsWith("c") ? 1n : 1;
      const index = [1, 2, 1].slice(0, array.shape.length);
      array.set(value, ...index);
      assertEquals([array.get(...index), array.get(...index.map(() => 0))], [
        value,
        typeof value === "bigint" ? 0n : 0,
      ]);
      assertEquals((array.data as unknown as Heap)[array.shape.length === 2 ? 5 : 11], value);
    }
  });

  test("has to be there", () => {
    using array = createNpy(freshPath(), { dtype: "u8", shape: [2, 3] });
    const given: readonly [index: unknown[], kind: typeof RangeError | typeof TypeError, message: string][] = [
      [[], RangeError, "index: 0 indices given, wanted 2 for shape [2, 3]"],
      [[1], RangeError, "index: 1 indices given, wanted 2 for shape [2, 3]"],
      [[1, 1, 0], RangeError, "index: 3 indices given, wanted 2 for shape [2, 3]"],
      [[2, 0], RangeError, "index 0: 2 given, wanted a whole number from 0 to 1"],
      [[0, 3], RangeError, "index 1: 3 given, wanted a whole number from 0 to 2"],
      [[0, -1], RangeError, "index 1: -1 given, wanted a whole number from 0 to 2"],
      [[0.5, 0], RangeError, "index 0: 0.5 given"],
      [[NaN, 0], RangeError, "index 0: NaN given"],
      [["1", 0], TypeError, 'index 0: "1" given, wanted a number'],
      [[0, 1n], TypeError, "index 1: 1n given, wanted a number"],
      [[0, undefined], TypeError, "index 1: undefined given, wanted a number"],
    ];
    for (const [index, kind, message] of given) {
      assertThrows(() => array.get(...index as number[]), kind, message);
      assertThrows(() => array.set(1, ...index as number[]), kind, message);
    }
    assertEquals(array.data, new Uint8Array(6));
  });

  test("has to be a value of the type", () => {
    const refused: Partial<Record<DType, readonly unknown[]>> = {
      bool: [2, -1, 0.5, NaN],
      u8: [-1, 256, 1.5, NaN, Infinity],
      i8: [-129, 128],
      u16: [-1, 65536],
      i16: [-32769, 32768],
      u32: [-1, 2 ** 32],
      i32: [-(2 ** 31) - 1, 2 ** 31],
      u64: [-1, 1.5, 2 ** 53, -1n, 2n ** 64n],
      i64: [0.5, NaN, 2n ** 63n, -(2n ** 63n) - 1n],
    };
    for (const [dtype, values] of Object.entries(refused)) {
      using array = createNpy(freshPath(), { dtype: dtype as DType, shape: [1] });
      for (const value of values) {
        assertThrows(() => array.set(value as number, 0), RangeError, `given, wanted one that ${dtype} has`);
      }
      const wrong = dtype.endsWith("64") ? ["1", null, true] : ["1", null, true, 1n];
      for (const value of wrong) assertThrows(() => array.set(value as never, 0), TypeError, "wanted a number");
      assertEquals(Number(array.get(0)), 0);
    }
  });

  test("may be at the edge of its type", () => {
    const taken: Partial<Record<DType, readonly (number | bigint)[]>> = {
      bool: [0, 1],
      u8: [0, 255],
      i8: [-128, 127],
      u32: [2 ** 32 - 1],
      u64: [2n ** 64n - 1n, 2 ** 53 - 1],
      i64: [-(2n ** 63n), -5],
      f16: [0.5, Infinity, NaN, 65504],
      f32: [1e300, -0.25],
      f64: [Math.PI, -Infinity],
    };
    for (const [dtype, values] of Object.entries(taken)) {
      using array = createNpy(freshPath(), { dtype: dtype as DType, shape: [1] });
      for (const value of values) {
        array.set(value, 0);
        const wanted = dtype === "f32" ? Math.fround(value as number) : value;
        assertEquals(array.get(0), dtype.endsWith("64") && dtype[0] !== "f" ? BigInt(wanted) : wanted);
      }
    }
  });

  test("is no longer there when the array is unmapped, and is after the region has moved", () => {
    using array = createNpy(freshPath(), { dtype: "f64", shape: [4] });
    const { data, region } = array;
    array.set(1.5, 3);
    region.resize(region.byteLength + 100_000);
    assertEquals([data.byteLength, array.get(3), array.data], [0, 1.5, Float64Array.of(0, 0, 0, 1.5)]);
    region.resize(130);
    assertThrows(() => array.get(0), RangeError, "but the region");
    array[Symbol.dispose]();
    assert(region.unmapped);
    const message = "MappedRegion: the region is unmapped";
    for (const use of [() => array.get(0), () => array.set(1, 0), () => array.data]) {
      assertThrows(use, TypeError, message);
    }
    assertEquals([array.shape, array.stride, array.dtype], [[4], [1], "f64"]);
  });

  test("is stored only if the memory allows it now", () => {
    using array = createNpy(freshPath(), { dtype: "f64", shape: [4] });
    array.region.protect(["read"]);
    assertThrows(() => array.set(1, 0), TypeError, '"write" is needed');
    array.region.protect(["read", "write"]);
    array.set(1, 0);
    assertEquals(array.get(0), 1);
  });
});

test("nothing of an array stays mapped or open", {
  ...onLinux("/proc"),
  ...notInQemu("has mappings of its own"),
}, () => {
  const unaligned = npyOf(`${dictOf("(2,)")} `, new Uint8Array(16));
  openNpy(unaligned)[Symbol.dispose]();
  const created = freshPath();
  {
    using array = createNpy(created, { dtype: "u8", shape: [1000] });
    assertEquals([mappingsOf(created), openDescriptors(created), array.get(0)], [1, 1, 0]);
  }
  const model = safetensorsOf({ a: entry("U8", [4], 0, 4), b: entry("U8", [4], 4, 8) }, new Uint8Array(8));
  {
    using file = openSafetensors(model);
    file.tensors.get("a")!.get(0);
    assertEquals([mappingsOf(model), openDescriptors(model)], [2, 1]);
    // What was never used cannot be mapped any more, and need not be.
    truncateSync(model);
  }
  for (const path of [unaligned, created, model]) {
    assertEquals([mappingsOf(path), openDescriptors(path)], [0, 0]);
  }
});

test("an array is shown, and taken for nothing else", () => {
  using array = createNpy(freshPath(), { dtype: "u16", shape: [5, 6] });
  assert(/^MappedArray \{\s*dtype: .u16.,\s*shape: \[ 5, 6 \]/.test(inspect(array)), inspect(array));
  assertEquals(Object.prototype.toString.call(array), "[object MappedArray]");
  assertThrows(() => Array.from(array as never), TypeError, "wanted array.data");
  assertThrows(() => structuredClone(array));
  for (const list of [array.shape, array.stride]) assert(Object.isFrozen(list));
});

// ---------------------------------------------------------------- safetensors

interface Entry {
  readonly dtype: unknown;
  readonly shape: unknown;
  readonly data_offsets: unknown;
}

/** A safetensors file by hand, of a header as JSON or as text. */
function safetensorsOf(
  header: string | Readonly<Record<string, unknown>>,
  data: Uint8Array = new Uint8Array(),
  length?: bigint,
) {
  const text = utf8(typeof header === "string" ? header : JSON.stringify(header));
  const prefix = new Uint8Array(new BigUint64Array([length ?? BigInt(text.length)]).buffer);
  return fileOf(concat(prefix, text, data));
}

/** The names of the types in the files. */
const SAFETENSORS: Partial<Record<DType, string>> = Object.fromEntries(
  DTYPES.filter((dtype) => dtype !== "c128").map((dtype) => [dtype, dtype.toUpperCase()]),
);

const entry = (dtype: unknown, shape: unknown, ...data_offsets: unknown[]): Entry => ({ dtype, shape, data_offsets });

function assertBroken(
  kind: typeof RangeError | typeof TypeError | typeof SyntaxError,
  message: string,
  header: string | Readonly<Record<string, unknown>>,
  data: Uint8Array<ArrayBuffer> = new Uint8Array(8),
): void {
  const error = assertThrows(() => openSafetensors(safetensorsOf(header, data)), Error);
  assert(error instanceof kind && error.message.includes(message), `${error.name}: ${error.message}`);
}

describe("a safetensors file", () => {
  test("is never another one that has got its descriptor", () => {
    const header = { a: entry("F32", [2], 0, 8) };
    for (const access of ["read", "write", "copy"] as const) {
      const descriptor = openDescriptor(safetensorsOf(header, new Uint8Array(8)), "r+");
      using model = openSafetensors(descriptor, { access });
      closeDescriptor(descriptor);
      const victim = fileOf(new Uint8Array(4096).fill(1));
      openDescriptorAs(descriptor, victim, "r+");
      const { code } = assertThrows(() => model.tensors.get("a")!.get(0), MmapError);
      assertEquals(code, "EBADF");
      assertThrows(() => model.tensors.get("a")!.set(0.5, 0), MmapError);
      closeDescriptor(descriptor);
      assert(readFileSync(victim).every((byte) => byte === 1));
    }
  });

  test("has tensors of every type, aligned or not", () => {
    for (let shift = 0; shift < 8; shift++) {
      const header: Record<string, Entry> = { shift: entry("U8", [shift], 0, shift) };
      const data: Uint8Array[] = [new Uint8Array(shift)];
      let end = shift;
      for (const [dtype, name] of Object.entries(SAFETENSORS)) {
        const numbers = bytesOf(numbersOf(dtype as DType, dtype === "c64" ? 12 : 6));
        header[dtype] = entry(name, [2, 3], end, end += numbers.length);
        data.push(numbers);
      }
      const path = safetensorsOf(header, concat(...data));
      for (const access of ["read", "write", "copy"] as const) {
        using file = openSafetensors(path, { access });
        assertEquals([...file.tensors.keys()], ["shift", ...Object.keys(SAFETENSORS)]);
        for (const dtype of Object.keys(SAFETENSORS) as DType[]) {
          const tensor = file.tensors.get(dtype)!;
          const numbers = numbersOf(dtype, dtype === "c64" ? 12 : 6);
          assertEquals([tensor.dtype, tensor.data as unknown, tensor.offset], [dtype, numbers, 0]);
          assertEquals(tensor.shape, dtype === "c64" ? [2, 3, 2] : [2, 3]);
          assertEquals(tensor.stride, dtype === "c64" ? [6, 2, 1] : [3, 1]);
          assertEquals(tensor.get(1, 2, ...(dtype === "c64" ? [1] : [])), numbers[numbers.length - 1]);
        }
      }
    }
  });

  test("is changed in place, and copies are not", () => {
    const header = { "__metadata__": { format: "pt" }, a: entry("F32", [2], 1, 9), b: entry("I8", [1], 0, 1) };
    const path = safetensorsOf(header, new Uint8Array(9));
    {
      using file = openSafetensors(path, { access: "write" });
      using copies = openSafetensors(path, { access: "copy" });
      using reader = openSafetensors(path);
      file.tensors.get("a")!.set(0.5, 1);
      copies.tensors.get("a")!.set(0.25, 0);
      copies.tensors.get("b")!.set(-1, 0);
      assertEquals(reader.tensors.get("a")!.data, Float32Array.of(0, 0.5));
      assertThrows(() => reader.tensors.get("a")!.set(1, 0), TypeError, '"write" is needed');
      assertEquals(reader.metadata, { format: "pt" });
      file.tensors.get("a")!.region.flush();
    }
    assertEquals([...readFileSync(path).subarray(-9)], [0, 0, 0, 0, 0, 0, 0, 0, 0x3f]);
  });

  test("is unmapped as a whole, and each tensor alone", () => {
    const names = ["a", "b", "c"];
    const header = Object.fromEntries(names.map((name, at) => [name, entry("U8", [4], 4 * at, 4 * at + 4)]));
    const file = openSafetensors(safetensorsOf(header, new Uint8Array(12)));
    const [a, b, c] = names.map((name) => file.tensors.get(name)!);
    const { data, region } = a;
    a[Symbol.dispose]();
    assertEquals([data.byteLength, region.unmapped, b.get(3)], [0, true, 0]);
    const kept = b.region;
    file[Symbol.dispose]();
    assert([a, b, c].every((tensor) => tensor.region.unmapped) && kept.unmapped);
    for (const tensor of [a, b, c]) assertThrows(() => tensor.get(0), TypeError, "unmapped");
    file[Symbol.dispose]();
  });

  test("keeps what its tensors need while one of their regions can be reached", async () => {
    const open = (): MappedArray["region"] => {
      const path = safetensorsOf({ a: entry("U8", [4], 0, 4) }, new Uint8Array(4));
      return openSafetensors(path, { access: "write" }).tensors.get("a")!.region;
    };
    const region = open();
    await collectAll();
    region.bytes[0] = 1;
    await region.flushAsync();
    region.unmap();
  });

  test("that is cut before a tensor is used is not made longer", onPosix("way to cut a file that is mapped"), () => {
    const path = safetensorsOf({ a: entry("U8", [8], 0, 8) }, new Uint8Array(8));
    const { size } = statSync(path);
    for (const access of ["read", "write", "copy"] as const) {
      truncateSync(path, size);
      using file = openSafetensors(path, { access });
      truncateSync(path, size - 1);
      const message = `source: a file that was cut to ${size - 1} bytes given, wanted at least ${size}`;
      assertThrows(() => file.tensors.get("a")!.get(0), RangeError, message);
      assertEquals(statSync(path).size, size - 1);
    }
  });

  test("may be empty, have tensors of no dimensions or no numbers, and spaces behind its header", () => {
    using none = openSafetensors(safetensorsOf("{}      "));
    assertEquals([none.tensors.size, none.metadata], [0, {}]);
    const header = { b: entry("F64", [], 0, 8), a: entry("F32", [0, 5], 0, 0), c: entry("F32", [3, 0], 8, 8) };
    using file = openSafetensors(safetensorsOf(`${JSON.stringify(header)}   `, bytesOf(Float64Array.of(2.5))));
    assertEquals([...file.tensors].map(([name, { data, shape }]) => [name, data, shape] as const), [
      ["b", Float64Array.of(2.5), []],
      ["a", new Float32Array(), [0, 5]],
      ["c", new Float32Array(), [3, 0]],
    ]);
    assertEquals(file.tensors.get("b")!.get(), 2.5);
  });

  test("has names that objects have, too", () => {
    const header = `{"__proto__":${JSON.stringify(entry("U8", [1], 0, 1))},"a\\u0062":` +
      `${JSON.stringify(entry("U8", [1], 1, 2))},"__metadata__":{"__proto__":"x","a:b":"c\\",\\"d\\":1"}}`;
    using file = openSafetensors(safetensorsOf(header, Uint8Array.of(7, 8)));
    assertEquals([...file.tensors.keys()], ["__proto__", "ab"]);
    assertEquals(Object.entries(file.metadata), [["__proto__", "x"], ["a:b", 'c","d":1']]);
    assertEquals(file.tensors.get("__proto__")!.get(0), 7);
  });

  test("with a header of an impossible length is refused before it is read", () => {
    for (const content of ["", "1234567"]) {
      assertThrows(() => openSafetensors(fileOf(content)), RangeError, "wanted a safetensors file");
    }
    const open = (length: bigint) => () => openSafetensors(safetensorsOf("{}", new Uint8Array(), length));
    assertThrows(open(3n), RangeError, "header: 3 bytes from 8 given, but the file ends at 10");
    assertThrows(open(100_000_001n), RangeError, "header: 100000001 bytes given, wanted at most 100000000");
    assertThrows(open(2n ** 64n - 1n), RangeError, "header: 18446744073709551615 bytes given");
  });

  test("with a header that is not JSON is refused", () => {
    assertBroken(TypeError, "wanted the { of a JSON object", "[]");
    assertBroken(TypeError, "wanted the { of a JSON object", " {}");
    assertBroken(TypeError, "wanted the { of a JSON object", "");
    for (const text of ["{", "{'a':1}", '{"a":1,}', "{}}"]) assertBroken(SyntaxError, "wanted JSON", text);
    const path = fileOf(concat(new Uint8Array(new BigUint64Array([4n]).buffer), Uint8Array.of(0x7b, 0xff, 0xff, 0x7d)));
    assertThrows(() => openSafetensors(path), TypeError, "not utf-8");
  });

  test("with a name twice is refused", () => {
    const one = JSON.stringify(entry("U8", [8], 0, 8));
    assertBroken(SyntaxError, 'header: "a" given twice', `{"a":${one},"a":${one}}`);
    assertBroken(SyntaxError, 'header: "\\u0061" given twice', `{"a":${one},"\\u0061":${one}}`);
    assertBroken(SyntaxError, '"dtype" given twice', `{"a":${one.replace("{", '{"dtype":"I8",')}}`);
    assertBroken(SyntaxError, '"k" given twice', '{"__metadata__":{"k":"1","k":"2"}}');
    // The same name in separate objects, and as a value.
    using file = openSafetensors(
      safetensorsOf(`{"dtype":${one},"__metadata__":{"a":"dtype","shape":"a"}}`, new Uint8Array(8)),
    );
    assertEquals(file.metadata, { a: "dtype", shape: "a" });
  });

  test("with a tensor that is none is refused", () => {
    assertBroken(TypeError, '"a": 5 given, wanted { dtype, shape, data_offsets }', { a: 5 });
    assertBroken(TypeError, '"a": [] given', { a: [] });
    assertBroken(TypeError, '"a": null given', { a: null });
    for (const dtype of ["F4", "F8_E8M0", "f32", "", 5, null, "toString", "C128"]) {
      assertBroken(TypeError, `"a": dtype ${JSON.stringify(dtype)} given, wanted one of BOOL, I8,`, {
        a: entry(dtype, [8], 0, 8),
      });
    }
    assertBroken(TypeError, '"a": dtype undefined given', { a: {} });
    assertBroken(TypeError, '"a": shape: undefined given', { a: { dtype: "U8", data_offsets: [0, 8] } });
    assertBroken(TypeError, '"a": shape: ["8"] given, wanted numbers', { a: entry("U8", ["8"], 0, 8) });
    assertBroken(TypeError, '"a": data_offsets undefined given', { a: { dtype: "U8", shape: [8] } });
    assertBroken(TypeError, '"a": data_offsets [0,4,8] given, wanted two numbers', { a: entry("U8", [8], 0, 4, 8) });
    assertBroken(TypeError, '"a": data_offsets ["0",8] given', { a: entry("U8", [8], "0", 8) });
    for (const metadata of [5, "text", [], { a: 5 }, { a: { b: "c" } }]) {
      assertBroken(TypeError, `__metadata__: ${JSON.stringify(metadata)} given`, { "__metadata__": metadata });
    }
    const deep = `{"a":${"[".repeat(200_000)}${"]".repeat(200_000)}}`;
    assertThrows(() => openSafetensors(safetensorsOf(deep, new Uint8Array(0))), TypeError, '"a": [[');
  });

  test("with impossible lengths is refused", () => {
    assertBroken(RangeError, '"a": shape: [-1] given, wanted whole numbers', { a: entry("U8", [-1], 0, 8) });
    assertBroken(RangeError, '"a": shape: [0.5] given', { a: entry("U8", [0.5], 0, 8) });
    assertBroken(RangeError, "2^53 - 1 bytes in all", { a: entry("U8", [2 ** 32, 2 ** 32], 0, 8) });
    assertBroken(RangeError, "2^53 - 1 bytes in all", { a: entry("U8", [0, 2 ** 32, 2 ** 32], 0, 0) });
    for (const [start, end] of [[-1, 7], [8, 0], [0.5, 8], [0, 2 ** 53]]) {
      assertBroken(RangeError, "wanted a beginning and an end", { a: entry("U8", [8], start, end) });
    }
    assertBroken(RangeError, '"a": data_offsets 0 to 8 given, but shape [3] of F32 has 12 bytes', {
      a: entry("F32", [3], 0, 8),
    });
  });

  test("with an overlap, a hole or another length is refused", () => {
    const eight = entry("U8", [8], 0, 8);
    assertBroken(RangeError, '"b": begins at 4, but the one before ends at 8, which is an overlap', {
      a: eight,
      b: entry("U8", [4], 4, 8),
    });
    assertBroken(RangeError, "an overlap", { a: eight, b: eight });
    assertBroken(RangeError, '"a": begins at 1, but the one before ends at 0, which is a hole', {
      a: entry("U8", [7], 1, 8),
    });
    assertBroken(RangeError, '"c": begins at 5, but the one before ends at 4, which is a hole', {
      c: entry("U8", [3], 5, 8),
      a: entry("U8", [4], 0, 4),
    });
    const message = "header: tensors of 8 bytes given, but the file has 9 bytes behind the header";
    assertBroken(RangeError, message, { a: eight }, new Uint8Array(9));
    assertBroken(RangeError, "given, but the file has 7 bytes", { a: eight }, new Uint8Array(7));
    assertBroken(RangeError, "tensors of 0 bytes given", {});
  });
});

// ---------------------------------------------------------------- sizes

describe("arrays beyond 4 GiB", () => {
  const shape = [3, 2 ** 29]; // 12 GiB of floats

  test("are read and stored, also where no view can hold all of it", () => {
    const path = freshPath();
    using array = createNpy(path, { dtype: "f64", shape });
    array.set(1.5, 2, 2 ** 29 - 1);
    array.set(2.5, 1, 7);
    using reader = openNpy(path);
    assertEquals([reader.get(2, 2 ** 29 - 1), reader.get(1, 7), reader.get(1, 6)], [1.5, 2.5, 0]);
    assertThrows(() => reader.set(1, 2, 0), TypeError, '"write" is needed');
    if (platform.runtime === "bun") {
      assertThrows(() => reader.data, RangeError, "bun can view at most 4294967296");
    } else {
      assertEquals((reader.data as Float64Array)[3 * 2 ** 29 - 1], 1.5);
    }
  });

  test("are read in the same way if they are not aligned", () => {
    const path = npyOf(`${dictOf(`(${shape.join(", ")})`)} `, new Uint8Array(8));
    const descriptor = openSync(path, "r+");
    ftruncateSync(descriptor, statSync(path).size + 12 * GIB);
    closeSync(descriptor);
    {
      using array = openNpy(path, { access: "write" });
      array.set(1.5, 2, 2 ** 29 - 1);
    }
    using array = openNpy(path);
    assertEquals([array.region.offset % 8 === 0, array.get(2, 2 ** 29 - 1)], [false, 1.5]);
  });

  test("are tensors, too", () => {
    const length = 5 * GIB;
    const header = { a: entry("F16", [length / 2], 0, length), b: entry("F32", [1], length, length + 4) };
    const path = safetensorsOf(`${JSON.stringify(header)} `.padEnd(201));
    const descriptor = openSync(path, "r+");
    ftruncateSync(descriptor, 209 + length + 4);
    closeSync(descriptor);
    {
      using file = openSafetensors(path, { access: "write" });
      file.tensors.get("a")!.set(0.5, length / 2 - 1);
      file.tensors.get("b")!.set(0.25, 0);
    }
    using file = openSafetensors(path);
    assertEquals([...file.tensors.values()].map((tensor) => tensor.get(tensor.shape[0] - 1)), [0.5, 0.25]);
  });
});
