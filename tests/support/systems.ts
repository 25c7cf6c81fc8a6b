/** What the systems have on which the tests run, and what they call it. */
import { platform } from "../../mod.ts";
import { host } from "../../src/host.ts";

/** An option of a test or suite: why it does not run here, or false if it does. */
interface Skip {
  readonly skip: string | false;
}

/** For a test of something that no other system has or shows. */
export function onLinux(what: string): Skip {
  return { skip: platform.os !== "linux" && `only Linux has ${what}` };
}

/** For a test of something that Windows lacks. */
export function onPosix(what: string): Skip {
  return { skip: platform.os === "windows" && `Windows has no ${what}` };
}

/** For a test of something particular to Windows. */
export const onWindows: Skip = { skip: platform.os !== "windows" && "only about Windows" };

/** Options for a test that passes on Windows, but not in Wine, and `why`. */
export function notInWine(why: string): Skip {
  return { skip: isWine && `Wine: ${why}` };
}

/** Whether this is Windows, or Wine. */
export const isWindows: boolean = platform.os === "windows";

/** Whether this is Wine, and not Windows. */
export const isWine: boolean = isWindows && hasWineVersion();

function hasWineVersion(): boolean {
  const { wine_get_version } = host().ffi.load(["ntdll.dll"], {
    // Bun wants a library that exists.
    NtClose: { parameters: ["usize"], result: "i32" },
    wine_get_version: { parameters: [], result: "usize", optional: true },
  });
  return wine_get_version !== undefined;
}

/** The names of the system's calls in errors. */
export const CALLS: Readonly<Record<"open" | "map" | "section", string>> = isWindows
  ? { open: "CreateFileW", map: "MapViewOfFile", section: "CreateFileMappingW" }
  : { open: "open", map: "mmap", section: "mmap" };
