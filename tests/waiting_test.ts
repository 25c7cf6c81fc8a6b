// Every waiter that notify counts is told so, with each way to wait that Linux has.
import { readdirSync, truncateSync } from "node:fs";
import { suite, test } from "node:test";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ANONYMOUS, type MappedRegion, mmap, MmapError, platform } from "../mod.ts";
import { host, useHost } from "../src/host.ts";
import { notify, waitAsync } from "../sync.ts";
import { EMULATOR, notInQemu } from "./support/emulated.ts";
import { fileOf } from "./support/files.ts";
import { guarded } from "./support/guarded.ts";
import { betweenRuntimes, runtimesHere, startIn } from "./support/runtimes.ts";
import { isWindows, onLinux, onPosix } from "./support/systems.ts";
import { COUNTED, TOLD, WAITING_SIZE } from "./support/waiting.ts";
import { hasRing, useWaitingWithout } from "./support/waiting_without.ts";

/** Whether a waiter is counted from the beginning of its wait on, without a gap. */
const isGapless = isWindows || hasRing();

/** Bun gives a test five seconds. */
const patient = { timeout: 120_000 };

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** The waits that have begun, and how they ended. */
class Waiters {
  readonly said: string[] = [];
  readonly all: Promise<unknown>;

  constructor(region: MappedRegion, words: readonly number[], timeout: number = 30_000) {
    const promises = words.map(async (word, index) => {
      const { async, value } = waitAsync(region, word, 0, timeout);
      assert(async);
      this.said[index] = "waits";
      this.said[index] = await value;
    });
    this.all = Promise.all(promises);
  }

  count(what: string): number {
    return this.said.filter((said) => said === what).length;
  }
}

/** Changes a word, wakes those who wait, and sets it back at once. */
function pulse(region: MappedRegion, word: number, count?: number): number {
  Atomics.store(region.int32, word, 1);
  const woken = notify(region, word, count);
  Atomics.store(region.int32, word, 0);
  return woken;
}

const WAYS: Readonly<Record<string, readonly string[]>> = {
  "as this system does": [],
  ...(platform.os === "linux" && {
    "without io_uring": ["io_uring_setup"],
    "without io_uring and futex_waitv": ["io_uring_setup", "futex_waitv"],
  }),
};

const COUNTS = { skip: platform.os === "freebsd" && "FreeBSD does not tell how many it woke" };

for (const [way, without] of Object.entries(WAYS)) {
  /** Runs something on such a system. */
  const there = async (act: () => Promise<void>): Promise<void> => {
    const here = host();
    if (without.length > 0) useWaitingWithout(without);
    try {
      await act();
    } finally {
      useHost(here);
    }
  };

  suite(`who is counted is told, ${way}`, COUNTS, () => {
    test("three on a word that does not change", patient, () =>
      there(async () => {
        using region = mmap(ANONYMOUS, { size: 4096 });
        const waiters = new Waiters(region, [0, 0, 0]);
        await pause(250);
        // Without io_uring, some may be between two calls.
        let counted = 0;
        for (; counted < 3; await pause(7)) counted += notify(region, 0);
        assertEquals(counted, 3);
        await waiters.all;
        assertEquals(waiters.said, ["ok", "ok", "ok"]);
      }));

    test("one after the other, and not more", patient, () =>
      there(async () => {
        using region = mmap(ANONYMOUS, { size: 4096 });
        const waiters = new Waiters(region, [0, 0, 0]);
        for (let round = 1; round <= 3; round++) {
          await pause(200);
          while (notify(region, 0, 1) === 0) await pause(1);
          while (waiters.count("ok") < round) await pause(1);
          await pause(50);
          assertEquals(waiters.count("ok"), round);
        }
      }));

    test("words that are changed, notified and set back", patient, () =>
      there(async () => {
        using region = mmap(ANONYMOUS, { size: 4096 });
        // More than have a thread each.
        const words = Array.from({ length: 12 }, (_, index) => index);
        const waiters = new Waiters(region, words, 2000);
        await pause(500);
        const counted = words.map((word) => pulse(region, word));
        await waiters.all;
        const lost = words.filter((word) => counted[word] === 1 && waiters.said[word] !== "ok");
        assertEquals(lost, [], `counted ${counted}, told ${waiters.said}`);
      }));

    const quick = { ...patient, ...notInQemu("5 ms are over before the wait begins") };
    test("deadlines that are over while others wake", quick, () =>
      there(async () => {
        using region = mmap(ANONYMOUS, { size: 4096 });
        for (let round = 0; round < 20; round++) {
          const waiters = new Waiters(region, [0, 0, 0, 0], 5);
          const end = performance.now() + 5;
          while (performance.now() < end + (round % 5 - 2) / 10);
          const counted = notify(region, 0, 2);
          await waiters.all;
          assert(waiters.count("ok") >= counted, `${counted} counted, but told ${waiters.said}`);
        }
      }));

    const cutting = { ...patient, skip: guarded.skip || onPosix("files that are cut while mapped").skip };
    test("a file that is cut while somebody waits", cutting, () =>
      there(async () => {
        const path = fileOf(new Uint8Array(100));
        using region = mmap(path, { access: "write" });
        const { async, value } = waitAsync(region, 0, 0, 30_000);
        assert(async);
        await pause(50);
        const start = performance.now();
        truncateSync(path, 0);
        assertEquals((await assertRejects(() => value, MmapError)).code, "EIO");
        // The loss ends the wait, and not the timeout. The word stays as it was.
        assert(performance.now() - start < 20_000);
      }));
  });
}

suite("a wait without gaps", { skip: !isGapless && "waits have gaps here" }, () => {
  test("whoever waits is counted however long it has waited", patient, async () => {
    using region = mmap(ANONYMOUS, { size: 4096 });
    for (const milliseconds of [0, 99, 100, 101, 500]) {
      const waiters = new Waiters(region, [0, 0, 0]);
      await pause(milliseconds);
      assertEquals(pulse(region, 0), 3);
      await waiters.all;
      assertEquals(waiters.said, ["ok", "ok", "ok"]);
    }
  });

  test("a wait counts as soon as it has begun, for every word by itself", async () => {
    using region = mmap(ANONYMOUS, { size: 4096 });
    for (let round = 0; round < 100; round++) {
      const words = [0, 1, 2, 2, 1, 0, 3];
      const waiters = new Waiters(region, words);
      assertEquals([0, 1, 2, 3, 4].map((word) => pulse(region, word)), [2, 2, 2, 1, 0]);
      await waiters.all;
      assertEquals(waiters.said, words.map(() => "ok"));
    }
  });

  test("the first to wait is the first to be told", async () => {
    using region = mmap(ANONYMOUS, { size: 4096 });
    const waiters = new Waiters(region, [0, 0, 0]);
    assertEquals(pulse(region, 0, 2), 2);
    while (waiters.count("ok") < 2) await pause(1);
    assertEquals(waiters.said, ["ok", "ok", "waits"]);
    assertEquals(pulse(region, 0), 1);
    await waiters.all;
  });

  test("a word that changes by itself does not end the wait", async () => {
    using region = mmap(ANONYMOUS, { size: 4096 });
    const waiters = new Waiters(region, [0], 300);
    Atomics.store(region.int32, 0, 1);
    await waiters.all;
    assertEquals(waiters.said, ["timed-out"]);
  });

  test("more are woken or over at once than the ring has room for", patient, async () => {
    using region = mmap(ANONYMOUS, { size: 4096 });
    const words = Array.from({ length: 300 }, () => 0);
    const woken = new Waiters(region, words);
    assertEquals(notify(region, 0), 300);
    await woken.all;
    assertEquals(woken.count("ok"), 300);
    const over = new Waiters(region, words, 100);
    await over.all;
    assertEquals(over.count("timed-out"), 300);
    assertEquals(notify(region, 0), 0);
  });

  test("nothing is left when all are over", onLinux("/proc to see it in"), async () => {
    const descriptors = (): number => readdirSync("/proc/self/fd").length;
    using region = mmap(ANONYMOUS, { size: 4096 });
    await new Waiters(region, [0], 1).all;
    const before = descriptors();
    for (let round = 0; round < 20; round++) await new Waiters(region, [0, 1], 1).all;
    assertEquals(descriptors(), before);
  });

  test("a short wait does not wait for a long one", async () => {
    using region = mmap(ANONYMOUS, { size: 4096 });
    const long = new Waiters(region, [0]);
    await pause(20);
    const times: number[] = [];
    for (let round = 0; round < 20; round++) {
      const start = performance.now();
      await new Waiters(region, [1], 5).all;
      times.push(performance.now() - start);
    }
    // The other thread looks up every 100 ms in any case. A busy machine may make some of them late.
    const soonest = Math.min(...times);
    assert(soonest >= 5 && soonest < 60, `${times} ms`);
    notify(region, 0);
    await long.all;
  });
});

suite("a storm between runtimes", betweenRuntimes, () => {
  const milliseconds = EMULATOR === undefined ? 2000 : 500;
  const STORMS: Readonly<Record<string, readonly (readonly string[])[]>> = {
    "as this system does": [[]],
    "each in another way": Object.values(WAYS),
  };
  for (const [how, ways] of Object.entries(STORMS)) {
    test(`${how}: all that was counted is told`, { ...patient, ...notInQemu("slow") }, async () => {
      using region = mmap(ANONYMOUS, { size: WAITING_SIZE });
      const memory = JSON.stringify(region.handle);
      const children = runtimesHere().map((name, index) =>
        startIn(name, "waiting", memory, "storm", String(milliseconds), ...ways[index % ways.length])
      );
      assertEquals(await Promise.all(children), children.map(() => '"done"'));
      const [counted, told] = [region.int32[COUNTED], region.int32[TOLD]];
      assert(counted > 100, `only ${counted} counted`);
      assert(told >= counted, `${counted} counted, but only ${told} told`);
      if (ways.length === 1 && isGapless) assertEquals(told, counted);
    });
  }
});
