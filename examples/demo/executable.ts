/** Reads from a file's header what kind of executable it is. */
import type { MappedRegion } from "../../mod.ts";

/** The first four bytes, as a big-endian number. */
const ELF = 0x7f454c46;
const MACH_O = [0xfeedface, 0xcefaedfe, 0xfeedfacf, 0xcffaedfe, 0xcafebabe];
/** The first two bytes of a PE file: "MZ". */
const PE = 0x4d5a;

/** The header of 64-bit ELF, in bytes. That of 32-bit ELF is shorter. */
const ELF_HEADER = 64;

const ELF_TYPES: Readonly<Record<number, string>> = {
  1: "relocatable object",
  2: "executable at a fixed address",
  3: "position-independent executable or shared library",
  4: "core dump",
};

const ELF_MACHINES: Readonly<Record<number, string>> = {
  3: "x86",
  40: "ARM",
  62: "x86-64",
  183: "AArch64",
  243: "RISC-V",
  258: "LoongArch",
};

/** Lines that say what the file is. */
export function describeExecutable(region: MappedRegion): string[] {
  const magic = region.dataView.getUint32(0);
  if (magic === ELF) return describeElf(region.view(DataView, 0, ELF_HEADER));
  if (MACH_O.includes(magic)) return ["Mach-O, for macOS"];
  if (magic >>> 16 === PE) return ["PE, for Windows"];
  return [`An unknown kind of executable: it begins with 0x${magic.toString(16).padStart(8, "0")}`];
}

function describeElf(header: DataView): string[] {
  const wide = header.getUint8(4) === 2;
  const little = header.getUint8(5) === 1;
  const type = header.getUint16(16, little);
  const machine = header.getUint16(18, little);
  const entry = wide ? header.getBigUint64(24, little) : header.getUint32(24, little);
  const sections = header.getUint16(wide ? 60 : 48, little);
  return [
    `class        ELF, ${wide ? 64 : 32} bits, ${little ? "little" : "big"}-endian`,
    `machine      ${ELF_MACHINES[machine] ?? `number ${machine}`}`,
    `type         ${ELF_TYPES[type] ?? `number ${type}`}`,
    `entry point  0x${entry.toString(16)}`,
    `sections     ${sections}`,
  ];
}
