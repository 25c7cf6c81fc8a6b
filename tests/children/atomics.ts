// Works on the memory of a handle together with others: `atomics.ts <handle> <what> <times> [<how many others do>]`.
// It also runs as a worker, with the same arguments as its data.
import process from "node:process";
import { isMainThread, parentPort, workerData } from "node:worker_threads";
import { mmap } from "../../mod.ts";
import { comeTogether, consume, count, produce } from "../support/counting.ts";

const [handle, what, times, everybody]: string[] = isMainThread ? process.argv.slice(2) : workerData;

const region = mmap(JSON.parse(handle));
comeTogether(region, Number(everybody));
let wrong = 0;
if (what === "count") count(region, Number(times));
else if (what === "produce") produce(region, Number(times));
else wrong = consume(region, Number(times));
region.unmap();

if (isMainThread) process.stdout.write(`${wrong}\n`);
else parentPort!.postMessage(String(wrong));
