// Arrays in files that other software has written or reads: numpy (tests/partners/arrays.py), and packages from npm for
// arrays, which tests/arrays has pinned.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { createNpy, type DType, type MappedArray, openNpy, openSafetensors } from "../array.ts";
import { tensorsOf, writeWeights } from "../examples/with/safetensors.ts";
import { mmap } from "../mod.ts";
import { EMULATOR } from "./support/emulated.ts";
import { freshPath } from "./support/files.ts";
import { isWindows } from "./support/systems.ts";

/** What numpy calls the types. */
const NUMPY: Partial<Record<DType, string>> = {
  bool: "|b1",
  i8: "|i1",
  u8: "|u1",
  i16: "<i2",
  u16: "<u2",
  i32: "<i4",
  u32: "<u4",
  i64: "<i8",
  u64: "<u8",
  f16: "<f2",
  f32: "<f4",
  f64: "<f8",
  c64: "<c8",
  c128: "<c16",
};
const DTYPES = Object.keys(NUMPY) as DType[];

/** Shapes whose headers have all lengths. numpy pads each of them. */
const SHAPES = [[], [2, 0, 3], ...Array.from({ length: 40 }, (_, index) => [7, ...new Array(index).fill(1), 100_000])];

/** What numpy says of an array. Its values are in the order of their indices, whatever their order in the file. */
interface Described {
  readonly path: string;
  readonly descr: string;
  readonly shape: readonly number[];
  readonly fortran: boolean;
  readonly values: readonly (number | boolean | string)[];
}

function python(...rest: readonly string[]): unknown {
  const script = fileURLToPath(new URL("partners/arrays.py", import.meta.url));
  return JSON.parse(execFileSync("python3", [script, ...rest], { encoding: "utf8", maxBuffer: 2 ** 27 }));
}

const isElsewhere = isWindows || EMULATOR !== undefined;

const withNumpy = {
  skip: isElsewhere
    ? "emulators have no other languages"
    : spawnSync("python3", ["-c", "import numpy"]).status !== 0 && "python3 with numpy is not here",
};

/** All elements in the order of their indices, as they are in JSON. */
function valuesOf(array: MappedArray): (number | boolean | string)[] {
  const index = array.shape.map(() => 0);
  const count = array.shape.reduce((product, length) => product * length, 1);
  return Array.from({ length: count }, () => {
    const value = array.get(...index);
    for (let dimension = index.length - 1; dimension >= 0; dimension--) {
      if (++index[dimension] < array.shape[dimension]) break;
      index[dimension] = 0;
    }
    if (typeof value === "bigint") return String(value);
    return array.dtype === "bool" ? value === 1 : value;
  });
}

describe("numpy", withNumpy, () => {
  test("writes what is opened here, of every type, in each order and version", () => {
    const directory = freshPath("numpy");
    mkdirSync(directory);
    const { files, others } = python("write", directory) as {
      files: (Described & { order: string; version: number })[];
      others: Described[];
    };
    assertEquals(files.length, DTYPES.length * 4 * 2);
    for (const { path, descr, shape, order, version, values } of files) {
      assertEquals(readFileSync(path)[6], version);
      using array = openNpy(path);
      const parts = array.dtype.startsWith("c") ? [2] : [];
      assertEquals([NUMPY[array.dtype], array.shape], [descr, [...shape, ...parts]]);
      assertEquals(valuesOf(array), values, `${descr} ${order}`);
    }
    assertEquals(others.length, 8);
    for (const { path } of others) assertThrows(() => openNpy(path), TypeError, "descr: ");
    assertThrows(() => openNpy(`${directory}/big-endian.npy`), TypeError, "'>f4' given, wanted little-endian");
    const structured = "[('a', '<f4'), ('b', '<i8', (2,))] given";
    assertThrows(() => openNpy(`${directory}/structured.npy`), TypeError, structured);
    assertThrows(() => openNpy(`${directory}/object.npy`), TypeError, "'|O' given");
  });

  test("maps what is created here, and its stores arrive", () => {
    const wishes = DTYPES.flatMap((dtype) => [false, true].map((fortranOrder) => ({ dtype, fortranOrder })));
    const paths = wishes.map(() => freshPath());
    const arrays = wishes.map((wish, index) => createNpy(paths[index], { ...wish, shape: [2, 3] }));
    const values = arrays.map((array) => {
      const data = array.data as Uint8Array;
      for (let at = 0; at < data.length; at++) {
        const value = array.dtype === "bool" ? at % 2 : at + 1;
        data[at] = (typeof data[0] === "bigint" ? BigInt(value) : value) as number;
      }
      return valuesOf(array);
    });
    const found = python("look", ...paths);
    const wanted = wishes.map(({ dtype, fortranOrder }, index) => ({
      descr: NUMPY[dtype],
      shape: [2, 3],
      fortran: fortranOrder,
      values: values[index],
    }));
    assertEquals(found, wanted);
    for (const array of arrays) {
      const first = array.get(...array.shape.map(() => 0));
      assertEquals(Number(first), array.dtype === "bool" ? 1 : 2, array.dtype);
      array[Symbol.dispose]();
    }
  });

  test("would have written the same header", () => {
    const wishes = SHAPES.flatMap((shape) =>
      (["u8", "f64", "c128"] as const).flatMap((dtype) =>
        [false, true].map((fortranOrder) => ({ dtype, shape, fortranOrder }))
      )
    );
    const theirs = wishes.map(({ dtype, shape, fortranOrder }) => (
      { path: freshPath(), descr: NUMPY[dtype], shape, fortran: fortranOrder }
    ));
    python("create", JSON.stringify(theirs));
    const beginning = (path: string): readonly unknown[] => {
      using region = mmap(path);
      return [region.byteLength, new TextDecoder("latin1").decode(region.read(0, Math.min(512, region.byteLength)))];
    };
    for (const [index, wish] of wishes.entries()) {
      const path = freshPath();
      createNpy(path, wish)[Symbol.dispose]();
      assertEquals(beginning(path), beginning(theirs[index].path));
    }
  });
});

// ---------------------------------------------------------------- packages

const PACKAGES = fileURLToPath(new URL("arrays/", import.meta.url));

function isInstalled(): boolean {
  const installed = `${PACKAGES}node_modules/.package-lock.json`;
  if (!existsSync(installed)) return false;
  const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
  const { packages } = read(installed);
  return Object.entries(read(`${PACKAGES}package.json`).dependencies)
    .every(([name, version]) => packages[`node_modules/${name}`]?.version === version);
}

function install(): void {
  if (isInstalled()) return;
  const options = { cwd: PACKAGES, encoding: "utf8", shell: isWindows, timeout: 120_000 } as const;
  const { status, stdout, stderr, error } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], options);
  if (status !== 0) throw new Error(`npm ci in tests/arrays: ${error ?? status}\n${stdout}${stderr}`);
}

// deno-lint-ignore no-explicit-any -- packages that are there only when they are needed
const load: (name: string) => any = createRequire(new URL("arrays/", import.meta.url));

/** Every index of an array of three dimensions. */
function* indices([one, two, three]: readonly number[]): Generator<[number, number, number]> {
  for (let i = 0; i < one; i++) for (let j = 0; j < two; j++) for (let k = 0; k < three; k++) yield [i, j, k];
}

function cube(dtype: DType, fortranOrder: boolean): MappedArray {
  const array = createNpy(freshPath(), { dtype, shape: [2, 3, 4], fortranOrder });
  for (const [i, j, k] of indices(array.shape)) array.set(100 * i + 10 * j + k, i, j, k);
  return array;
}

describe("packages take an array without a copy", {
  skip: isElsewhere && "the same everywhere",
}, () => {
  before(install);

  test("ndarray", () => {
    const ndarray = load("ndarray");
    for (const dtype of ["u8", "i16", "f32", "f64", "i64"] as const) {
      for (const fortranOrder of [false, true]) {
        using array = cube(dtype, fortranOrder);
        const theirs = ndarray(array.data, array.shape, array.stride, array.offset);
        assertStrictEquals(theirs.data, array.data);
        for (const index of indices(array.shape)) assertEquals(theirs.get(...index), array.get(...index));
        const column = theirs.pick(1, 2).lo(1);
        column.set(2, array.get(0, 0, 1));
        assertEquals(array.get(1, 2, 3), array.get(0, 0, 1));
      }
    }
    using complex = createNpy(freshPath(), { dtype: "c64", shape: [5] });
    const imaginary = ndarray(complex.data, complex.shape, complex.stride, complex.offset).pick(null, 1);
    imaginary.set(3, -1);
    assertEquals(complex.get(3, 1), -1);
  });

  test("@stdlib/ndarray", () => {
    const ndarray = load("@stdlib/ndarray-ctor");
    const names = { u8: "uint8", i16: "int16", f32: "float32", f64: "float64" } as const;
    for (const [dtype, name] of Object.entries(names)) {
      for (const fortranOrder of [false, true]) {
        using array = cube(dtype as DType, fortranOrder);
        const order = fortranOrder ? "column-major" : "row-major";
        const theirs = ndarray(name, array.data, array.shape, array.stride, array.offset, order);
        assertStrictEquals(theirs.data, array.data);
        for (const index of indices(array.shape)) assertEquals(theirs.get(...index), array.get(...index));
        theirs.set(1, 2, 3, 7);
        assertEquals(array.get(1, 2, 3), 7);
      }
    }
  });

  test("npyjs reads what is created here, and writes what is opened", () => {
    const { parse, dump } = load("npyjs");
    for (const dtype of ["u8", "i16", "u32", "i64", "f32", "f64"] as const) {
      using array = createNpy(freshPath(), { dtype, shape: [2, 3, 4] });
      for (const [i, j, k] of indices(array.shape)) array.set(i + j + k, i, j, k);
      const theirs = parse(array.region.buffer);
      assertEquals([theirs.shape, theirs.data, theirs.fortranOrder], [array.shape, array.data, false]);
      const path = freshPath();
      writeFileSync(path, new Uint8Array(dump(array.data, array.shape)));
      using again = openNpy(path);
      assertEquals([again.dtype, again.shape, again.data], [dtype, array.shape, array.data]);
    }
  });
});

test("the tensors of a safetensors file are those that another reader finds", () => {
  const path = freshPath("model");
  writeWeights(path, 10);
  using region = mmap(path);
  using file = openSafetensors(path);
  const theirs = tensorsOf(region);
  assertEquals([...file.tensors.keys()], [...theirs.keys()]);
  for (const [name, { data }] of file.tensors) assert(sameBytes(data, theirs.get(name)!), name);
  assertEquals(file.metadata, { format: "pt" });
});

function sameBytes(one: ArrayBufferView, other: ArrayBufferView): boolean {
  const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => new Uint8Array(buffer, byteOffset, byteLength);
  const [a, b] = [bytes(one), bytes(other)];
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
