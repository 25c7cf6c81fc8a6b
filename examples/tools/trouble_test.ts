// What the tools do when something happens to a file or to their output, on a pipe and in a terminal. All three do the
// same.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync, truncateSync } from "node:fs";
import process from "node:process";
import { describe, test } from "node:test";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { commandLine, here, type Tool } from "./testing.ts";
import { platform } from "../../mod.ts";
import { exists, fileOf, freshPath } from "../../tests/support/files.ts";
import { isWindows } from "../../tests/support/systems.ts";

/** A file so long that what a tool writes about it does not fit into a pipe. */
function longFile(tool: Tool): string {
  if (tool !== "residency") return fileOf("a line with a needle in it\n".repeat(400_000));
  const path = fileOf("");
  truncateSync(path, 100_000 * platform.pageSize); // of which it writes a letter for each page
  return path;
}

/** Arguments that make each tool write much about a file. */
const MUCH: Readonly<Record<Tool, (path: string) => readonly string[]>> = {
  mgrep: (path) => ["--line-number", "needle", path],
  hexview: (path) => [path],
  residency: (path) => ["--width=100000", "--rows=4", "--ascii", path],
};

const TOOLS = Object.keys(MUCH) as Tool[];

/** What a tool wrote, and how it ended. */
interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

/**
 * Starts a tool, and calls `meanwhile` once the tool has begun to write and waits for its reader. The reader is this
 * process. It reads by hand, since a runtime's streams would read on. If `meanwhile` returns `GOES`, the reader goes.
 */
async function interrupted(tool: Tool, rest: readonly string[], meanwhile: () => unknown): Promise<Ended> {
  const pipe = freshPath("pipe");
  execFileSync("mkfifo", [pipe]);
  const command = [process.execPath, ...commandLine(tool, rest)];
  const child = spawn("sh", ["-c", 'exec "$@" > "$0"', pipe, ...command], { stdio: ["ignore", "ignore", "pipe"] });
  const closed = once(child, "close");
  let stderr = "";
  child.stderr.on("data", (text) => stderr += text);
  const reader = openSync(pipe, "r");
  const chunk = Buffer.alloc(4096);
  let stdout = chunk.toString("latin1", 0, readSync(reader, chunk));
  if (meanwhile() !== GOES) {
    for (let length = 1; length > 0; stdout += chunk.toString("latin1", 0, length)) length = readSync(reader, chunk);
  }
  closeSync(reader);
  const [status] = await closed;
  return { stdout, stderr, status };
}

const GOES = Symbol("the reader goes");

/** Options for tests that cut a mapped file short. The process has to survive that. */
const canBeCut = { ...here, skip: here.skip || !platform.supports("guard") && "the process does not survive it here" };

describe("what happens to stdout", () => {
  test("a reader that goes ends a tool without a word", here, async () => {
    for (const tool of TOOLS) {
      const { stderr, status } = await interrupted(tool, MUCH[tool](longFile(tool)), () => GOES);
      assertEquals([tool, stderr, status], [tool, "", 0]);
    }
  });

  test("it also ends a tool that would go on for ever", here, async () => {
    const watching = ["--seconds=0.02", fileOf("x")];
    const { stderr, status } = await interrupted("residency", watching, () => GOES);
    assertEquals([stderr, status], ["", 0]);
  });

  test("a full disk is reported once, and is trouble", {
    ...here,
    skip: here.skip || !exists("/dev/full") && "no /dev/full here",
  }, () => {
    const path = fileOf("needle\n");
    for (const tool of TOOLS) {
      for (const rest of [MUCH[tool](path), ["--help"]]) {
        const command = [process.execPath, ...commandLine(tool, rest)];
        const { stderr, status } = spawnSync("sh", ["-c", 'exec "$@" > /dev/full', "sh", ...command], {
          encoding: "utf8",
          timeout: 60_000,
        });
        assertMatch(stderr, new RegExp(`^${tool}: standard output: .*[Nn]o space left on device.*\n$`), rest.join(" "));
        assertEquals(status, 2);
      }
    }
  });

  test("a tool ends with its status even if nobody reads its stderr", here, () => {
    const command = [process.execPath, ...commandLine("mgrep", ["needle", "/no/such/file"])];
    const script = 'exec 3>&1; { sleep 0.2; "$@" >/dev/null; echo $? >&3; } 2>&1 | :';
    const { stdout } = spawnSync("sh", ["-c", script, "sh", ...command], { encoding: "utf8", timeout: 60_000 });
    assertEquals(stdout, "2\n");
  });
});

describe("what happens to a file", () => {
  test("a file that is cut short meanwhile is trouble", canBeCut, async () => {
    for (const tool of TOOLS) {
      for (const left of [0, 100_001]) {
        const path = longFile(tool);
        const { stderr, status } = await interrupted(tool, MUCH[tool](path), () => truncateSync(path, left));
        assertMatch(
          stderr,
          new RegExp(`^${tool}: ${path}: cut short (meanwhile|while it was searched)[^\n]*\n$`),
          tool,
        );
        assertEquals([tool, status], [tool, 2]);
      }
    }
  });

  test("so is a file that is cut within its last page", canBeCut, async () => {
    for (const tool of TOOLS) {
      const path = longFile(tool);
      const end = statSync(path).size - 10;
      const { stderr, status } = await interrupted(tool, MUCH[tool](path), () => truncateSync(path, end));
      assertMatch(stderr, new RegExp(`^${tool}: ${path}: cut short [^\n]*\n$`), tool);
      assertEquals([tool, status], [tool, 2]);
    }
  });

  test("mgrep goes on with the next file", canBeCut, async () => {
    const [first, second] = [longFile("mgrep"), fileOf("the last needle\n")];
    const cut = () => truncateSync(first, 1000);
    const { stdout, stderr, status } = await interrupted("mgrep", ["-h", "needle", first, second], cut);
    assertMatch(stderr, /^mgrep: .*: cut short while it was searched/);
    assert(stdout.endsWith("\nthe last needle\n"));
    assertEquals(status, 2);
  });
});

/** A tool in a terminal of its own, which script(1) makes. */
class Terminal {
  readonly #child: ChildProcess;
  readonly ended: Promise<unknown>;
  shown = "";

  constructor(tool: Tool, rest: readonly string[]) {
    const command = [process.execPath, ...commandLine(tool, rest)].map((word) => `'${word}'`).join(" ");
    this.#child = spawn("script", ["-q", "-e", "-f", "-c", command, "/dev/null"], {
      stdio: ["pipe", "pipe", "ignore"],
      env: { ...process.env, TERM: "xterm", SHELL: "/bin/sh", NO_COLOR: "" },
    });
    this.#child.stdout!.on("data", (text) => this.shown += text);
    this.ended = once(this.#child, "close").then(([status]) => status);
  }

  /** Waits until something is shown that comes after what was seen before. */
  async sees(wanted: RegExp): Promise<void> {
    for (let looks = 0; !wanted.test(this.shown); looks++) {
      assert(looks < 3000, `${wanted} is not shown:\n${this.shown.slice(-2000)}`);
      await pause();
    }
    this.shown = "";
  }

  type(keys: string): void {
    this.#child.stdin!.write(keys);
  }

  /** Takes the terminal away. */
  kill(): void {
    this.#child.kill("SIGKILL");
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}

/** Only script(1) of util-linux hands the status on. */
const hasScript = !isWindows && /util-linux/.test(spawnSync("script", ["--version"]).stdout?.toString() ?? "");
const inTerminal = { ...canBeCut, skip: canBeCut.skip || !hasScript && "no script(1) of util-linux here" };

/** What gives the terminal back: long lines wrap, the cursor shows, and so does the former screen. */
const GIVEN_BACK = "\x1b[?7h\x1b[?25h\x1b[?1049l";

describe("in a terminal", () => {
  test("hexview goes on after a file was cut short, and says so at the end", inTerminal, async () => {
    const path = fileOf(Buffer.alloc(40 * platform.pageSize, "x"));
    const terminal = new Terminal("hexview", [path]);
    await terminal.sees(/q quit/);
    truncateSync(path, 10);
    terminal.type("G/y\r");
    await terminal.sees(/not found/);
    terminal.type("\x1b[F");
    await terminal.sees(/cut short: \d+ pages? lost|0x[0-9a-f]+/);
    terminal.type("q");
    await terminal.sees(new RegExp(`${GIVEN_BACK.replaceAll(/[[?]/g, "\\$&")}hexview: .*: cut short meanwhile`));
    assertEquals(await terminal.ended, 2);
  });

  test("hexview gives the terminal back", inTerminal, async () => {
    const terminal = new Terminal("hexview", [fileOf("text")]);
    await terminal.sees(/q quit/);
    terminal.type("q");
    assertEquals(await terminal.ended, 0);
    assert(terminal.shown.endsWith(GIVEN_BACK), JSON.stringify(terminal.shown));
  });

  test("residency watches until Ctrl-C, and gives the terminal back", inTerminal, async () => {
    const terminal = new Terminal("residency", ["--seconds=0.05", "--ascii", fileOf("text")]);
    await terminal.sees(/1 of 1 page/);
    terminal.type("\x03");
    assertEquals(await terminal.ended, 130);
    assert(terminal.shown.endsWith(GIVEN_BACK), JSON.stringify(terminal.shown));
  });

  test("mgrep colours what it finds", inTerminal, async () => {
    const terminal = new Terminal("mgrep", ["needle", fileOf("a needle\n")]);
    assertEquals(await terminal.ended, 0);
    assertEquals(terminal.shown, "a \x1b[01;31m\x1b[Kneedle\x1b[m\x1b[K\r\n");
  });

  test("the tools end when their terminal goes away", inTerminal, async () => {
    for (const [tool, rest] of [["hexview", []], ["residency", ["--seconds=0.05"]]] as const) {
      const path = fileOf("text");
      const terminal = new Terminal(tool, [...rest, path]);
      await terminal.sees(/q quit|1 of 1 page/);
      terminal.kill();
      for (let looks = 0; isMentioned(path); looks++) {
        assert(looks < 1000, `${tool} goes on without a terminal`);
        await pause();
      }
    }
  });
});

/** Whether a process is running that was started with this path. */
function isMentioned(path: string): boolean {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name)).some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(path);
    } catch {
      return false;
    }
  });
}
