// One of several processes that make the same files longer at the same time. The arguments are how to do it, the path,
// the bytes that it needs, the number of rounds, and the names of all processes, its own first. Prints the codes of the
// errors.
import { existsSync, writeFileSync } from "node:fs";
import process from "node:process";
import { mmap, type MmapError } from "../../mod.ts";

const [how, base, size, rounds, ...names] = process.argv.slice(2);
const [name, ...others] = names;
const marker = Number(name);
const errors: string[] = [];

/** Waits until the others have got to the same place. */
function meet(place: string): void {
  writeFileSync(`${place}.${name}`, "");
  while (!others.every((other) => existsSync(`${place}.${other}`))) { /* they are about to */ }
}

function attempt(act: () => void): void {
  try {
    act();
  } catch (error) {
    errors.push((error as MmapError).code ?? String(error));
  }
}

const CREATE = { open: ["read", "write", "create"], protection: ["read", "write"], flags: ["shared"] } as const;

/** In each round, all map a new file, and each makes it as long as it needs. With "fail", a process cannot map it. */
function mapNew(): void {
  for (let round = 0; round < Number(rounds); round++) {
    const path = `${base}-${round}`;
    meet(path);
    attempt(() => {
      const open = how === "fail" ? (["write", "create"] as const) : CREATE.open;
      using region = mmap(path, { ...CREATE, open, size: Number(size) });
      region.bytes[region.byteLength - 1] = marker;
    });
  }
}

/** All make their regions of one file longer again and again, and leave a mark at each new end. */
function resize(): void {
  using region = mmap(base, { access: "write", size: 1 });
  meet(base);
  for (let round = 1; round <= Number(rounds); round++) {
    attempt(() => {
      region.resize(round * 1000 * names.length + marker);
      region.bytes[region.byteLength - 1] = marker;
    });
  }
}

if (how === "resize") resize();
else mapNew();
process.stdout.write(errors.join(" "));
