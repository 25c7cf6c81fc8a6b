import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertEquals } from "@std/assert";
import { platform } from "../mod.ts";
import { bytesOf } from "../src/os/guard/layout.ts";
import { HANDLER_ARM64 } from "../src/os/linux/handler_arm64.ts";
import { HANDLER_X64 } from "../src/os/linux/handler_x64.ts";
import { EMULATOR } from "./support/emulated.ts";
import { freshPath } from "./support/files.ts";

/** For longer runs, and for arm64: `npm run stress`. */
const SECONDS = 2;

function whySkipped(): string | false {
  if (platform.os !== "linux") return "only about Linux's handlers";
  if (platform.runtime !== "node") return "it has no runtime, so that one of them is enough";
  if (EMULATOR !== undefined) return "qemu: too slow for its races";
  return spawnSync("cc", ["--version"]).status !== 0 && "no C compiler here";
}

for (const mode of [[], ["alone"]]) {
  test(`the handler survives everything at once ${mode}`, {
    skip: whySkipped(),
    timeout: (SECONDS + 60) * 1000,
  }, () => {
    const [program, handler] = [freshPath("stress"), freshPath("handler")];
    writeFileSync(handler, bytesOf(platform.arch === "x64" ? HANDLER_X64 : HANDLER_ARM64));
    const source = fileURLToPath(new URL("./guard/stress.c", import.meta.url));
    const compiler = spawnSync("cc", ["-O1", "-Wall", "-Wextra", "-Werror", "-pthread", "-o", program, source], {
      encoding: "utf8",
    });
    assertEquals([compiler.status, compiler.stderr], [0, ""]);
    const { status, signal, stderr } = spawnSync(program, [handler, `${SECONDS}`, ...mode], {
      encoding: "utf8",
    });
    assertEquals([status, signal, stderr], [0, null, ""]);
  });
}
