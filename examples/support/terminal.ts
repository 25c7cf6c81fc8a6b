/** Writes headings, lines and tables, and figures in readable units. */
import process from "node:process";

const bold: boolean = process.stdout.isTTY === true && !process.env.NO_COLOR;

const INDENT = "   ";

/** Writes one line. */
export function print(line: string = ""): void {
  process.stdout.write(line + "\n");
}

/** Writes lines under a heading. */
export function say(...lines: readonly string[]): void {
  for (const line of lines) print(INDENT + line);
}

/** Writes a heading. */
export function heading(text: string): void {
  print();
  print(bold ? `\x1b[1m${text}\x1b[0m` : text);
}

/** Writes one row of a table: a name, figures aligned to the right, and a note about them. */
export function row(name: string, figures: readonly string[], note: string = ""): void {
  const cells = figures.map((figure) => figure.padStart(13)).join("");
  print(`${INDENT}${name.padEnd(16)}${cells}   ${note}`.trimEnd());
}

/** A whole number: 2,000,000. */
export function count(value: number): string {
  return value.toLocaleString("en");
}

/** Milliseconds as a duration: 152 µs, 82.5 ms. */
export function duration(milliseconds: number): string {
  if (milliseconds < 1) return `${figure(milliseconds * 1000)} µs`;
  if (milliseconds < 1000) return `${figure(milliseconds)} ms`;
  return `${figure(milliseconds / 1000)} s`;
}

/** Bytes as a size: 95.6 MB. */
export function size(bytes: number): string {
  return `${figure(bytes / 1e6)} MB`;
}

/** Bytes in milliseconds as a speed: 7.73 GB/s. */
export function speed(bytes: number, milliseconds: number): string {
  return `${figure(bytes / 1e6 / milliseconds)} GB/s`;
}

/** How many times as long one duration is as another: 840 times. */
export function times(longer: number, shorter: number): string {
  return `${figure(longer / shorter)} times`;
}

/** A share from 0 to 1: 34 %. */
export function percent(share: number): string {
  // "0 %" and "100 %" are exact.
  if (share > 0 && share < 0.01) return "less than 1 %";
  return `${Math.floor(share * 100)} %`;
}

/** Bytes as hexadecimal digits: 7f 45 4c 46. */
export function hexadecimal(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}

/** Bytes as text, with a dot for those that cannot be printed: .ELF. */
export function printable(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte > 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".").join("");
}

/** A number with three significant digits, or with all digits before the point. */
function figure(value: number): string {
  return value >= 100 ? count(Math.round(value)) : value.toPrecision(3);
}
