/**
 * Several processes share one counter. It is in memory without a file, which each process is given as an argument. No
 * step of theirs is lost.
 *
 *     deno run -A examples/counter.ts
 *     bun examples/counter.ts
 *     node examples/counter.ts
 *
 * The arguments are the number of processes and the steps of each: `node examples/counter.ts 4 1000000`.
 */
import process from "node:process";
import { ANONYMOUS, type MapHandle, mmap, platform } from "../mod.ts";
import { end, start } from "./support/start.ts";

/** The program starts itself with this argument to count. */
const COUNT = "--count";

const [first = "4", second = "1000000", text = ""] = process.argv.slice(2);
if (first === COUNT) countIn(JSON.parse(text), Number(second));
else if (["linux", "windows"].includes(platform.os)) await countTogether(Number(first), Number(second));
else process.stdout.write(`On ${platform.os}, processes can only share files, by their paths.\n`);

/** What each process does. */
function countIn(handle: MapHandle, steps: number): void {
  using region = mmap(handle); // the parent's memory
  const counter = region.view(BigInt64Array, 0, 1);
  for (let step = 0; step < steps; step++) Atomics.add(counter, 0, 1n);
}

async function countTogether(processes: number, steps: number): Promise<void> {
  using region = mmap(ANONYMOUS, { size: BigInt64Array.BYTES_PER_ELEMENT });
  const handle = JSON.stringify(region.handle); // plain data, so it can go wherever text can
  const children = Array.from(
    { length: processes },
    () => start(new URL(import.meta.url), [COUNT, String(steps), handle]),
  );
  await Promise.all(children.map(end));
  const [counted] = region.bigInt64;
  const wanted = BigInt(processes) * BigInt(steps);
  process.stdout.write(
    `${processes} processes counted to ${counted.toLocaleString("en")}: ` +
      `${counted === wanted ? "exact" : `${wanted - counted} lost`}\n`,
  );
}
