// What Bun would do on Windows, as far as that goes here: it finds what only Windows needs, and misses the system. Prints
// where the error comes from and what it says.
import process from "node:process";

Object.defineProperty(process, "platform", { value: "win32" });
const { mmap } = await import("@region/mmap");
try {
  mmap(null, { size: 4096 });
} catch (error) {
  const { stack, message } = error as Error;
  process.stdout.write(`${message}\n${stack}`);
}
