/** Pages from the huge page pool, and files of them on hugetlbfs. */
import type { HugePages } from "../posix/extensions.ts";
import type { Libc } from "../posix/libc.ts";
import { LINUX } from "./numbers.ts";
import { fileSystemOf } from "./file_system.ts";
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
      return fileSystemOf(libc, descriptor) === LINUX.HUGETLBFS_MAGIC;
    },
  };
}
