// Does what Bun would do on Windows, as far as that is possible here: it finds the file that only Windows needs, and
// then misses the system. Prints where the error comes from and what it says.
import process from "node:process";

Object.defineProperty(process, "platform", { value: "win32" });
const { mmap } = await import("@region/mmap");
try {
  mmap(null, { size: 4096 });
} catch (error) {
  const { stack, message } = error as Error;
  process.stdout.write(`${message}\n${stack}`);
}
