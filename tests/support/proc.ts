/** What the kernel says about this process in /proc. Linux only. */
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { EMULATOR } from "./emulated.ts";

/** One mapping, from /proc/self/smaps. */
export interface Area {
  readonly start: bigint;
  readonly end: bigint;
  /** `"rw-s"`. */
  readonly permissions: string;
  readonly offset: number;
  readonly name: string;
  /** Two-letter flags: `"lo"` for locked, `"dd"` for "do not dump". */
  readonly flags: readonly string[];
  /** Values in KiB: `Rss`, `Locked`, `AnonHugePages`. */
  readonly kibibytes: Readonly<Record<string, number>>;
}

const HEADER = /^([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) \S+ \d+ *(.*)$/;

/** All mappings of the process. */
export function areas(): Area[] {
  const found: { -readonly [Key in keyof Area]: Area[Key] }[] = [];
  let kibibytes: Record<string, number> = {};
  for (const line of readFileSync("/proc/self/smaps", "utf8").split("\n")) {
    const [, start, end, permissions, offset, name] = HEADER.exec(line) ?? [];
    if (start !== undefined) {
      kibibytes = {};
      found.push({
        start: BigInt(`0x${start}`),
        end: BigInt(`0x${end}`),
        permissions,
        offset: Number.parseInt(offset, 16),
        name,
        flags: [],
        kibibytes,
      });
      continue;
    }
    const [, key, value] = /^(\w+): +(.*)$/.exec(line) ?? [];
    if (key === "VmFlags") found[found.length - 1].flags = value.trim().split(" ");
    else if (key !== undefined) kibibytes[key] = Number.parseInt(value);
  }
  return found;
}

/** What is mapped, in order. Faster than {@linkcode areas}. */
export function mappedRanges(): { readonly start: bigint; readonly end: bigint }[] {
  return readFileSync("/proc/self/maps", "utf8").trimEnd().split("\n").map((line) => {
    const [start, end] = line.slice(0, line.indexOf(" ")).split("-").map((address) => BigInt(`0x${address}`));
    return { start, end };
  });
}

/** A line of /proc/self/maps. Addresses of programs are safe integers. */
export interface Line {
  readonly start: number;
  readonly end: number;
  readonly permissions: string;
  readonly name: string;
}

/** What is mapped and as what, in order; sooner known than {@linkcode areas}. */
export function mappings(): Line[] {
  return readFileSync("/proc/self/maps", "utf8").trimEnd().split("\n").map((line) => {
    const [, start, end, permissions, , name] = HEADER.exec(line)!;
    return { start: Number.parseInt(start, 16), end: Number.parseInt(end, 16), permissions, name };
  });
}

/** The mapping that an address lies in. */
export function areaAt(address: bigint): Area | undefined {
  return areas().find(({ start, end }) => start <= address && address < end);
}

/** The mapping of a region that has to be there. */
export function areaOf(region: { readonly address: bigint }): Area {
  const area = areaAt(region.address);
  if (area) return area;
  throw new Error(`nothing is mapped at ${region.address.toString(16)}`);
}

/** How many mappings of a file there are. */
export function mappingsOf(path: string): number {
  const inode = statSync(path, { throwIfNoEntry: false })?.ino;
  return readFileSync("/proc/self/maps", "utf8").split("\n").filter((line) =>
    // qemu calls whatever lies at the program's break "[heap]".
    line.endsWith(` ${path}`) || (EMULATOR !== undefined && line.endsWith("[heap]") && line.includes(` ${inode} `))
  ).length;
}

/** The number of open descriptors that refer to a path, or of all. */
export function openDescriptors(path?: string): number {
  return readdirSync("/proc/self/fd").filter((name) => path === undefined || targetOf(name) === path).length;
}

function targetOf(descriptor: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return undefined;
  }
}

/** The status flags (`O_…`) of an open descriptor. */
export function descriptorFlags(descriptor: number | bigint | null): number {
  const [, flags] = /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8")) ?? [];
  return Number.parseInt(flags, 8);
}

/** A value of /proc/self/status in KiB: `VmLck`, `VmRSS`. */
export function statusKibibytes(key: string): number {
  const [, value] = new RegExp(`^${key}:\\s*(\\d+) kB$`, "m").exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(value);
}
