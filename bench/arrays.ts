// What is measured of arrays in files.
import { existsSync } from "node:fs";
import { do_not_optimize as keep } from "mitata";
import { createNpy, openNpy } from "../array.ts";
import { mmap } from "../mod.ts";
import type { Job } from "./job.ts";

/** How many numbers a sparse file of 10 GiB has, and where they begin. */
const COUNT = (10 * 2 ** 30) / 8;
const START = 128;

/** The path of the file, which is made when it is first needed. */
function pathOf(file: (name: string) => string): string {
  const path = file("10g.npy");
  if (!existsSync(path)) createNpy(path, { dtype: "f64", shape: [COUNT] })[Symbol.dispose]();
  return path;
}

/** Opens the array, reads a number, and unmaps it. */
function open(path: string, index: number): Job {
  return {
    run(): void {
      const array = openNpy(path);
      keep(array.get(index));
      array[Symbol.dispose]();
    },
  };
}

/** The same by somebody who knows what is in the header. */
function mapAndView(path: string, index: number): Job {
  return {
    run(): void {
      const region = mmap(path);
      keep(region.view(Float64Array, START + 8 * index, 1)[0]);
      region.unmap();
    },
  };
}

/** The jobs. `file` tells the path of a file of the benchmark. */
export function arrayJobs(file: (name: string) => string): Readonly<Record<string, () => Job>> {
  return {
    "open-npy": () => open(pathOf(file), 0),
    "open-npy.mmap": () => mapAndView(pathOf(file), 0),
    "open-npy-last": () => open(pathOf(file), COUNT - 1),
    "open-npy-last.mmap": () => mapAndView(pathOf(file), COUNT - 1),
  };
}
