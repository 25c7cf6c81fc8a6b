// The whole comparison: every case with everybody who has it, then what fresh processes show.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Contestant, takeTurns } from "./lockstep.ts";
import { COMMANDS, ROOT } from "./machine.ts";
import type { Fresh } from "./results.ts";
import type { Rounds } from "./rounds.ts";
import { type Case, RUNTIMES } from "./suite.ts";

/** Everybody who may have a case: C first, then the runtimes, each with its variants, then the rest. */
export function everybodyFor({ variants }: Case): string[] {
  const names = RUNTIMES.flatMap((runtime) => [runtime, ...variants.map((variant) => `${runtime}.${variant}`)]);
  return ["c", ...names, "python", "mmap-io"];
}

/** Runs a case. */
export function compare(contestants: Readonly<Record<string, Contestant>>, one: Case): Promise<Rounds> {
  return takeTurns(contestants, everybodyFor(one), one.job, one.effort);
}

/** Runs fresh.ts in a new process. */
function freshly(runtime: string, ...rest: string[]): Record<string, number> | undefined {
  const [command, ...options] = COMMANDS[runtime];
  const { stdout } = spawnSync(command, [...options, "bench/fresh.ts", ...rest], { cwd: ROOT, encoding: "utf8" });
  return stdout ? JSON.parse(stdout) : undefined;
}

function collect(into: Record<string, number[]>, figures: Record<string, number>): void {
  for (const [name, figure] of Object.entries(figures)) (into[name] ??= []).push(figure);
}

/**
 * What the import and the first map cost, beyond an empty module: of the npm package, of the same if the runtime has not
 * seen it before, and of what JSR serves.
 */
export function startingCosts(
  directory: string,
  library: Record<string, string>,
  jsr: Record<string, string>,
  rounds: number,
): Fresh {
  const empty = join(directory, "empty.js");
  const fresh: Fresh = Object.fromEntries(RUNTIMES.map((runtime) => [runtime, {}]));
  for (let round = 0; round < rounds; round++) {
    for (const runtime of RUNTIMES) {
      const path = join(directory, "1m");
      const zero = freshly(runtime, "start", empty, path)!;
      const script = library[runtime];
      const unseen = `${pathToFileURL(script)}?${round}`;
      for (const [kind, module] of [["script", script], ["unseen", unseen], ["jsr", jsr[runtime]]]) {
        const { importWall, importCpu, mapWall, mapCpu } = freshly(runtime, "start", module, path)!;
        collect(fresh[runtime], { [`${kind} wall`]: importWall - zero.importWall });
        if (kind !== "script") continue;
        collect(fresh[runtime], { "script cpu": importCpu - zero.importCpu, "map wall": mapWall, "map cpu": mapCpu });
      }
    }
  }
  return fresh;
}

const WAYS = ["nothing", "mmap", "Bun.mmap", "readFileSync", "readSync, 1 MiB at a time"];

/** MiB that a process takes to look at 1 GiB, beyond one that does not look. */
export function memoryOfWays(
  directory: string,
  library: Record<string, string>,
  rounds: number,
): Record<string, Fresh> {
  const ways: Record<string, Fresh> = {};
  for (let round = 0; round < rounds; round++) {
    for (const runtime of RUNTIMES) {
      const [nothing, ...others] = WAYS.map((way) =>
        way.startsWith("Bun") && runtime !== "bun"
          ? undefined
          : freshly(runtime, "look", library[runtime], join(directory, "1g"), way)
      );
      others.forEach((figures, at) => {
        if (!figures || !nothing) return;
        const own = figures.own - nothing.own;
        collect((ways[WAYS[at + 1]] ??= {})[runtime] ??= {}, { own, cache: figures.cache - nothing.cache });
      });
    }
  }
  return ways;
}

/** MiB that this many map, touch and unmap add to a process that has already done as many. */
export function growthOver(directory: string, library: Record<string, string>, cycles: number): Record<string, number> {
  return Object.fromEntries(RUNTIMES.map((runtime) => {
    const { before, after } = freshly(runtime, "cycle", library[runtime], join(directory, "4k"), String(cycles))!;
    return [runtime, after - before];
  }));
}
