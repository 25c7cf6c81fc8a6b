// One of several processes that make the same files longer at the same time: HOW, the path, the bytes that it needs, how
// many rounds, and the names of all, its own first. Prints the codes of the errors.
import { existsSync, writeFileSync } from "node:fs";
import process from "node:process";
import { mmap, type MmapError } from "../../mod.ts";

const [how, base, size, rounds, ...names] = process.argv.slice(2);
const [name, ...others] = names;
const marker = Number(name);
const errors: string[] = [];

/** Waits until the others have come as far. */
function meet(place: string): void {
  writeFileSync(`${place}.${name}`, "");
  while (!others.every((other) => existsSync(`${place}.${other}`))) { /* as they are about to */ }
}

function attempt(act: () => void): void {
  try {
    act();
  } catch (error) {
    errors.push((error as MmapError).code ?? String(error));
  }
}

const CREATE = { open: ["read", "write", "create"], protection: ["read", "write"], flags: ["shared"] } as const;

/** Each round all map one new file, each as long as it needs it; "fail" is one that cannot. */
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

/** All make the region of one file longer in turn, with a mark at each end. */
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
