import { test } from "node:test";
import { assert, assertEquals } from "@std/assert";
import { entry, ENTRY_SIZE, HEADER, header, OUTLIVES, TABLE } from "../src/os/guard/layout.ts";
import { Table, type Thread } from "../src/os/guard/table.ts";

/** The memory of a table with room for so many entries, without any handler. */
function memoryFor(capacity: number): DataView<ArrayBuffer> {
  const memory = new DataView(new ArrayBuffer(TABLE - HEADER + (capacity + 1) * ENTRY_SIZE));
  memory.setInt32(header.capacity, capacity, true);
  return memory;
}

/** The threads of a process, as one of them knows them. */
const thread = (number: number, ...ended: number[]): Thread => ({ number, hasEnded: (other) => ended.includes(other) });

/** A field of an entry. */
function fieldOf(memory: DataView, index: number, field: "start" | "end" | "sequence" | "unit" | "thread"): number {
  const at = TABLE - HEADER + index * ENTRY_SIZE + entry[field];
  if (field === "start" || field === "end") return Number(memory.getBigUint64(at, true));
  return memory.getInt32(at, true);
}

test("there are as many entries as there is room for, and one that is given back is taken again", () => {
  const table = new Table(memoryFor(3).buffer);
  const slots = [table.claim(), table.claim(), table.claim()];
  assert(slots.every((slot) => slot !== undefined));
  assertEquals(table.claim(), undefined);
  slots[1]!.free();
  slots[0]!.free();
  assert(table.claim() && table.claim());
  assertEquals(table.claim(), undefined);
});

test("copies of the table in other threads give out no entry twice", () => {
  const { buffer } = memoryFor(4);
  const [one, other] = [new Table(buffer), new Table(buffer)];
  const slots = [one.claim(), other.claim(), one.claim(), other.claim()];
  assert(slots.every((slot) => slot !== undefined));
  assertEquals([one.claim(), other.claim()], [undefined, undefined]);
  slots[3]!.free();
  assert(one.claim());
  assertEquals(other.claim(), undefined);
});

test("the list of free entries never looks as it did before, though the same entry is first", () => {
  const memory = memoryFor(2);
  const table = new Table(memory.buffer);
  const seen = new Set<number>();
  for (let round = 0; round < 1000; round++) {
    table.claim()!.free();
    seen.add(memory.getInt32(header.free, true));
  }
  assertEquals(seen.size, 1000);
});

/** What the guard does with stores into most memory. */
const COUNTED = { counted: true, copiedBySystem: false };

test("an entry is valid from cover to uncover, with the addresses and the unit of the mapping", () => {
  const memory = memoryFor(1);
  const slot = new Table(memory.buffer).claim()!;
  const isValid = (): boolean => fieldOf(memory, 0, "sequence") % 2 === 1;
  assertEquals(isValid(), false);
  slot.cover(0x7fff_8765_4000n, 0x1_0000_3000, 4096, COUNTED);
  assertEquals([isValid(), fieldOf(memory, 0, "start"), fieldOf(memory, 0, "end"), fieldOf(memory, 0, "unit")], [
    true,
    0x7fff_8765_4000,
    0x8000_8765_7000,
    4096,
  ]);
  const before = fieldOf(memory, 0, "sequence");
  slot.cover(0x7fff_8765_4000n, 0x1_0000_3000, 4096, COUNTED);
  assertEquals(fieldOf(memory, 0, "sequence"), before, "not even for a moment is it invalid when nothing changes");
  slot.cover(0x7fff_8765_4000n, 0x1000, 4096, COUNTED);
  assertEquals([isValid(), fieldOf(memory, 0, "end")], [true, 0x7fff_8765_5000]);
  assertEquals(fieldOf(memory, 0, "sequence"), before, "nor when only its end moves");
  slot.cover(0x7fff_8765_3000n, 0x1000, 4096, COUNTED);
  assertEquals([isValid(), fieldOf(memory, 0, "sequence") > before], [true, true]);
  slot.uncover();
  slot.uncover();
  assertEquals(isValid(), false);
  slot.cover(4096n, 4096, 4096, COUNTED);
  slot.free();
  assertEquals(isValid(), false);
});

test("the entries of a thread that has ended are taken again, and no others", () => {
  const memory = memoryFor(4);
  const table = new Table(memory.buffer);
  const isValid = (index: number): boolean => fieldOf(memory, index, "sequence") % 2 === 1;
  const slots = [undefined, thread(7), thread(8), thread(7)].map((owner) => table.claim(owner)!);
  slots.forEach((slot, index) => slot.cover(BigInt(4096 * index), 4096, 4096, COUNTED));
  assertEquals([0, 1, 2, 3].map((index) => fieldOf(memory, index, "thread")), [0, 7, 8, 7]);
  assertEquals(table.claim(thread(9)), undefined);
  assertEquals(table.claim(thread(7, 7)), undefined, "it does not ask about itself");

  const asked: number[] = [];
  const next = { number: 9, hasEnded: (other: number) => asked.push(other) > 0 && other === 7 };
  table.claim(next)!.cover(4096n, 4096, 4096, COUNTED);
  assertEquals(asked, [7, 8], "each once");
  assertEquals([0, 1, 2, 3].map((index) => isValid(index) && fieldOf(memory, index, "thread")), [0, false, 8, 9]);
  assert(table.claim(), "the other is free");
  assertEquals([fieldOf(memory, 1, "thread"), table.claim(next)], [0, undefined]);
});

test("an entry stays while others than its thread may have the memory", () => {
  const memory = memoryFor(1);
  const table = new Table(memory.buffer);
  table.claim(thread(7), true)!.cover(4096n, 4096, 4096, COUNTED);
  assertEquals(fieldOf(memory, 0, "unit") & 0xfff, OUTLIVES);
  assertEquals(table.claim(thread(9, 7)), undefined);
});

test("an entry that is taken again has no faults of the one before", () => {
  const memory = memoryFor(1);
  const table = new Table(memory.buffer);
  const slot = table.claim()!;
  memory.setInt32(TABLE - HEADER + entry.faults, 5, true);
  assertEquals(slot.faults, 5);
  slot.free();
  assertEquals(table.claim()!.faults, 0);
});
