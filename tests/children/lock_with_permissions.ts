// Locks PATH as HOW says, and prints the outcome as JSON.
import process from "node:process";
import { mmap } from "../../mod.ts";
import { lockFile } from "../../sync.ts";

const [path, how] = process.argv.slice(2);

try {
  // A region that may be mapped need not be one that may be locked.
  using region = how.startsWith("region") ? mmap(path) : undefined;
  using lock = lockFile(region ?? path, { shared: how.endsWith("shared"), timeout: 0 });
  process.stdout.write(JSON.stringify({ held: lock?.held }));
} catch (error) {
  const { name, code, message } = error as Error & { code?: string };
  process.stdout.write(JSON.stringify({ name, code, message }));
}
