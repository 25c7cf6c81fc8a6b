/** Reads and writes numbers as people do. */
import { UsageError } from "./trouble.ts";

/** Units by their first letters. Each is 1024 times the one before. */
const UNITS = "KMGTP";

/** Parses a number of bytes: `4096`, `0x1000`, `4K`, `4KiB`. */
export function parseBytes(text: string, name: string): number {
  const parts = /^(0x[0-9a-f]+|\d+)(?:([KMGTP])(?:i?B)?)?$/i.exec(text.trim());
  if (!parts) throw new UsageError(`${name}: ${text} given, wanted bytes such as 4096, 0x1000, 4K or 1GiB`);
  const [, digits, unit = ""] = parts;
  const value = Number(digits) * 1024 ** (unit === "" ? 0 : UNITS.indexOf(unit.toUpperCase()) + 1);
  if (Number.isSafeInteger(value)) return value;
  throw new UsageError(`${name}: ${text} given, wanted less than 8 PiB`);
}

/** Parses a whole number that is not negative. */
export function parseCount(text: string, name: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new UsageError(`${name}: ${text} given, wanted a whole number`);
}

/** A whole number with separators: 2,000,000. */
export function count(value: number): string {
  return value.toLocaleString("en");
}

/** A number and its noun: 1 page, 2 pages. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** Bytes in the largest unit that fits: 1.50 GiB. */
export function bytes(value: number): string {
  let [amount, unit] = [value, -1];
  while (amount >= 1023.95 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit++;
  }
  return unit < 0 ? `${value} B` : `${amount.toFixed(amount < 9.995 ? 2 : 1)} ${UNITS[unit]}iB`;
}

/** A share as a percentage. "0 %" and "100 %" are exact: everything between them is from "0.1 %" to "99.9 %". */
export function percent(part: number, whole: number): string {
  if (part === 0) return "0 %";
  if (part === whole) return "100 %";
  return `${Math.min(99.9, Math.max(0.1, (part / whole) * 100)).toFixed(1)} %`;
}
