// Opens memory by a name. "add NAME" adds one to its first byte, and "add-by-handle HANDLE" does that to a handle's
// memory. "die NAME" makes the memory, stores 42 and is killed. "flicker NAME" makes it and removes it over and over
// for a while, and prints how often.
import process from "node:process";
import { mmap, named, platform, unlinkNamed } from "../../mod.ts";

const [what, name] = process.argv.slice(2);

if (what === "die") {
  const region = mmap(named(name), { open: ["ensure-create"], size: platform.pageSize });
  region.bytes[0] = 42;
  process.kill(process.pid, "SIGKILL");
} else if (what === "flicker") {
  let rounds = 0;
  for (const end = performance.now() + 300; rounds < 100 || performance.now() < end; rounds++) {
    mmap(named(name), { open: ["create"], size: 1 }).unmap();
    unlinkNamed(name);
  }
  process.stdout.write(String(rounds));
} else {
  using region = mmap(what === "add" ? named(name) : JSON.parse(name));
  region.bytes[0] += 1;
}
