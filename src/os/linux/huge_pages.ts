/** Pages from the huge page pool, and files of them on hugetlbfs. */
import type { HugePages } from "../posix/extensions.ts";
import type { Libc } from "../posix/libc.ts";
import { LINUX } from "./numbers.ts";
import { readProc } from "./proc.ts";

/** Makes the functions that tell about huge pages. */
export function linuxHugePages(libc: Libc): HugePages {
  return {
    /** `Hugepagesize` in [/proc/meminfo](https://man7.org/linux/man-pages/man5/proc_meminfo.5.html). */
    size(): number {
      const [, kibibytes] = /^Hugepagesize:\s*(\d+) kB$/m.exec(readProc(libc, "/proc/meminfo")) ?? [];
      if (kibibytes === undefined) throw libc.error("ENOTSUP", "mmap", "this kernel has no huge page pool");
      return Number(kibibytes) * 1024;
    },

    hold(descriptor: number): boolean {
      // The type of the file system is the first word of a struct statfs. The struct is shorter than this buffer.
      const status = new Uint32Array(128);
      libc.check(libc.more.fstatfs(descriptor, new Uint8Array(status.buffer)), "fstatfs");
      return status[0] === LINUX.HUGETLBFS_MAGIC;
    },
  };
}
