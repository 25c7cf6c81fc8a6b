// One end of the ring of examples/ring: `rings.ts <handle> write|read <messages>`. The length and bytes of message
// `index` follow from its number. The reader prints how many messages came, and how many of them were wrong.
import process from "node:process";
import { mmap } from "../../mod.ts";
import { RingReader, RingWriter } from "../../examples/ring/ring.ts";

const [handle, what, count] = process.argv.slice(2);
using region = mmap(JSON.parse(handle));

/** From nothing to all that the ring takes. */
const longest = (region.byteLength - 256) / 2 - 8;

function messageAt(index: number): Uint8Array {
  const length = index % 50 === 49 ? longest : (index * 7919 >>> 3) % (Math.min(longest, 127) + 1);
  return new Uint8Array(length).fill(index);
}

if (what === "write") {
  const writer = new RingWriter(region);
  for (let index = 0; index < Number(count); index++) writer.write(messageAt(index));
  writer.close();
} else {
  let [index, wrong] = [0, 0];
  for (const message of new RingReader(region)) {
    const wanted = messageAt(index++);
    if (message.length !== wanted.length || message.some((byte, at) => byte !== wanted[at])) wrong++;
  }
  process.stdout.write(`${index} ${wrong}\n`);
}
process.exit();
