// The process of one runtime. It reads lines of "job milliseconds", measures for that long, and answers each with the
// median and the mean of the samples, in nanoseconds per run. For a job that this runtime does not have, the answer is
// "none". A sample is one run, or as many as take 20 µs. baseline.c and baseline.py do the same.
// The median of short samples is disturbed least by other programs on the machine, which cost a sample now and then.
// The mean includes what happens now and then by itself, such as a collection.
import process from "node:process";
import type { Job } from "./job.ts";
import { jobOf } from "./jobs.ts";
import { spreadOf } from "./statistics.ts";

/** The shortest sample, in milliseconds. Clocks are no finer than some hundred nanoseconds. */
const SAMPLE = 0.02;

async function answer(line: string): Promise<string> {
  const [name, milliseconds] = line.split(" ");
  const job = jobOf(name);
  return job ? await measure(name, job, Number(milliseconds)) : "none";
}

function timeOf(run: () => void, batch: number): number {
  const start = performance.now();
  for (let done = 0; done < batch; done++) run();
  return performance.now() - start;
}

/** How many runs a sample of a job has, judged by the time of the last ones. */
const batches: Map<string, number> = new Map();

async function measure(name: string, { run, runs = 1 }: Job, milliseconds: number): Promise<string> {
  const batch = batches.get(name) ?? 1;
  const times: number[] = [];
  const end = performance.now() + milliseconds;
  do {
    times.push(timeOf(run, batch) / batch);
    // The collector's callbacks need a turn of the event loop now and then, as in any program.
    if (times.length % 64 === 0) await new Promise((resolve) => setImmediate(resolve));
  } while (performance.now() < end);
  const { median } = spreadOf(times);
  batches.set(name, Math.max(1, Math.ceil(SAMPLE / median)));
  const mean = times.reduce((sum, time) => sum + time) / times.length;
  return [median, mean].map((time) => time * 1e6 / runs).join(" ");
}

let rest = "";
for await (const chunk of process.stdin) {
  const lines = (rest + String(chunk)).split("\n");
  rest = lines.pop()!;
  for (const line of lines) process.stdout.write(`${await answer(line)}\n`);
}
