/**
 * How much memory the kernel could still give, before it ends a process for want of it: see
 * [proc_meminfo(5)](https://man7.org/linux/man-pages/man5/proc_meminfo.5.html) and
 * [cgroup v2](https://docs.kernel.org/admin-guide/cgroup-v2.html#memory).
 */
import { numberAfter } from "./proc.ts";

/** Where control groups of version 2 are. Each has its limits in files. */
const GROUPS = "/sys/fs/cgroup";

/** The bytes that can be had. `read` returns the text of a file, which is empty if there is no such file. */
export function availableMemory(read: (path: string) => string): number {
  const memory = read("/proc/meminfo");
  // Without /proc nobody knows. Without swap its line says 0.
  const ofSystem = (numberAfter(memory, "MemAvailable:") + numberAfter(memory, "SwapFree:")) * 1024;
  return Math.min(ofSystem, ...groupsOf(read("/proc/self/cgroup")).map((group) => availableIn(group, read)));
}

/** The directories of the control group of this process, and of those above it, whose limits hold for it, too. */
function groupsOf(membership: string): string[] {
  const path = membership.match(/^0::(.*)$/m)?.[1];
  if (path === undefined) return [];
  const names = path.split("/").filter((name) => name !== "");
  return Array.from({ length: names.length + 1 }, (_, count) => [GROUPS, ...names.slice(0, count)].join("/"));
}

/** What is left of the limit of a control group; Infinity if it has none. Files in the page cache can go. */
function availableIn(group: string, read: (path: string) => string): number {
  const limit = Number.parseInt(read(`${group}/memory.max`));
  if (Number.isNaN(limit)) return Infinity;
  const used = Number.parseInt(read(`${group}/memory.current`)) || 0;
  const cache = read(`${group}/memory.stat`);
  const files = ["inactive_file", "active_file"].map((name) => numberAfter(cache, name)).filter(Number.isFinite);
  return Math.max(0, limit - used + files.reduce((sum, bytes) => sum + bytes, 0));
}
