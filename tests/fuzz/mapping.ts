/** Mapping: random sources and options, and the outcome that they must have. */
import { closeSync, openSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { ANONYMOUS, type MapSource, mmap, type MmapOptions, platform } from "../../mod.ts";
import type { MapFlag, OpenFlag } from "../../src/vocabulary.ts";
import { Backing, CAPACITY, keepGrowth, Model } from "./model.ts";
import { expect, expectOutcome } from "./outcome.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** What to map. */
interface Target {
  readonly source: MapSource;
  readonly backing: Backing;
  readonly named: boolean;
  readonly lender?: Model;
  /** A descriptor for this region alone. */
  readonly own?: number;
}

type Lists = Pick<MmapOptions, "access" | "open" | "protection" | "flags">;

/** Ways to open and map, good and bad. */
const SHAPES: readonly Lists[] = [
  {},
  ...(["read", "write", "copy", "create"] as const).map((access) => ({ access })),
  { access: "write" },
  { access: "write" },
  { access: "copy" },
  { flags: ["shared"] },
  { open: ["read", "write"], flags: ["shared"] },
  { open: ["read", "write"], protection: ["none"], flags: ["shared"] },
  { protection: ["read", "write"], flags: ["populate"] },
  { protection: ["read"], flags: ["private", "populate", "no-reserve"] },
  { protection: ["read", "write"], flags: ["shared"] },
  { open: ["write"] },
  { open: ["read", "truncate"] },
  { open: ["read", "write", "truncate"], protection: ["read", "write"], flags: ["shared"] },
  { open: ["read", "write", "truncate"] },
  { open: ["read", "write", "create"], protection: ["read", "write"], flags: ["shared", "populate"] },
  { open: ["read", "write", "create", "no-follow"], protection: ["read", "write"], flags: ["shared"] },
  { open: ["read", "write", "ensure-create"], protection: ["read", "write"], flags: ["shared"] },
  { open: ["read", "create"] },
  { open: ["read", "write"], protection: ["read", "write", "exec"], flags: ["shared", "stack"] },
  { open: ["read", "write"], protection: ["read", "write"], flags: ["shared", "locked"] },
  { open: ["read", "write"], protection: ["read", "write"], flags: ["private", "locked"] },
  { open: ["read", "write"], protection: ["read", "write"], flags: ["shared", "sync"] },
];

const SOURCES: Readonly<Record<string, (world: World, file: Backing) => Target>> = {
  path: (_, file) => ({ source: file.path, backing: file, named: true }),
  "path again": (_, file) => ({ source: file.path, backing: file, named: true }),
  url: (_, file) => ({ source: pathToFileURL(file.path), backing: file, named: true }),
  descriptor: (world, file) => ofDescriptor(world, file, (fd) => fd),
  fd: (world, file) => ofDescriptor(world, file, (fd) => ({ fd })),
  "own descriptor": (world, file) => {
    if (!file.exists) return SOURCES.path(world, file);
    const own = openSync(file.path, "r+");
    return { source: own, own, backing: file, named: false };
  },
  memory: () => ({ source: null, backing: new Backing("memory", CAPACITY), named: false }),
  nameless: () => ({ source: ANONYMOUS, backing: new Backing("nameless", 0), named: false }),
  lent: (world, file) => {
    const lenders = world.models.filter(({ backing, orphan }) => backing.kind === "nameless" && !orphan);
    if (lenders.length === 0) return SOURCES.nameless(world, file);
    const lender = world.random.pick(lenders);
    // The first in a chain of lenders closes the descriptor.
    const owner = lender.init.lender ?? lender;
    return { source: lender.region.descriptor as number, lender: owner, backing: lender.backing, named: false };
  },
};

const SOURCE_NAMES: readonly string[] = Object.keys(SOURCES);

function ofDescriptor(world: World, file: Backing, form: (descriptor: number) => MapSource): Target {
  if (!file.exists) return SOURCES.path(world, file);
  return { source: form(file.descriptor!), backing: file, named: false };
}

/** The options as the library completes them. */
interface Plan {
  readonly open: readonly OpenFlag[];
  readonly protection: Model["whole"];
  readonly flags: readonly MapFlag[];
  readonly shared: boolean;
  readonly writesToFile: boolean;
  readonly offset: number;
  readonly size: number | undefined;
}

const ACCESS: Readonly<Record<NonNullable<MmapOptions["access"]>, Required<Omit<Lists, "access">>>> = {
  read: { open: ["read"], protection: ["read"], flags: ["private"] },
  write: { open: ["read", "write"], protection: ["read", "write"], flags: ["shared"] },
  copy: { open: ["read"], protection: ["read", "write"], flags: ["private"] },
  create: { open: ["read", "write", "create"], protection: ["read", "write"], flags: ["shared"] },
};

function planOf(options: MmapOptions, { source }: Target): Plan {
  const { access } = options;
  const { open, protection, flags } = access ? ACCESS[access] : options;
  const fresh = source === null || source === ANONYMOUS;
  const whole = protection ?? (fresh ? ["read", "write"] : ["read"]);
  const given = flags ?? [];
  const named = given.includes("shared") || given.includes("private");
  const complete = named ? given : [source === ANONYMOUS ? "shared" as const : "private" as const, ...given];
  const shared = complete.includes("shared");
  return {
    open: open ?? (fresh ? [] : ["read"]),
    protection: whole,
    flags: complete,
    shared,
    writesToFile: shared && whole.includes("write"),
    offset: Number(options.offset ?? 0),
    size: options.size === undefined ? undefined : Number(options.size),
  };
}

/** The length of the file at the moment of mapping, after "truncate". */
function lengthSeen(plan: Plan, { backing }: Target): number {
  return plan.open.includes("truncate") ? 0 : backing.length;
}

const CREATING: readonly OpenFlag[] = ["create", "ensure-create"];

/** Every reason to refuse, with its outcome. */
const REASONS: readonly [outcome: string, applies: (plan: Plan, target: Target) => boolean][] = [
  [
    "ENOENT",
    ({ open }, { named, backing }) => named && !backing.exists && !CREATING.some((word) => open.includes(word)),
  ],
  ["EEXIST", ({ open }, { named, backing }) => named && backing.exists && open.includes("ensure-create")],
  ["TypeError", ({ open }, { named }) => !named && open.some((word) => word === "truncate" || CREATING.includes(word))],
  ["TypeError", ({ open }) => open.includes("truncate") && !open.includes("write")],
  ["TypeError", ({ size }, { source }) => size === undefined && (source === null || source === ANONYMOUS)],
  ["TypeError", ({ offset }, { source }) => offset > 0 && source === null],
  ["RangeError", (plan, target) => {
    if (target.source === null || target.source === ANONYMOUS) return false;
    const length = lengthSeen(plan, target);
    return plan.offset + (plan.size ?? 0) > length && !(plan.size !== undefined && plan.writesToFile);
  }],
  ["EACCES", ({ open }, { named }) => named && !open.includes("read")],
  ["EACCES", ({ open, writesToFile }, { named }) => named && writesToFile && !open.includes("write")],
];

/** What else the system may answer. */
function maybe({ protection, flags }: Plan): string[] {
  const risky = protection.includes("exec") || protection.includes("none") || flags.includes("sync") ||
    flags.includes("locked");
  return risky ? ["MmapError"] : [];
}

function randomOptions(random: Random): MmapOptions {
  const options: MmapOptions = { ...random.pick(SHAPES) };
  if (random.oneIn(2)) options.offset = random.below(CAPACITY / 2);
  if (!random.oneIn(3)) options.size = random.below(CAPACITY - Number(options.offset ?? 0) + 1);
  if (random.oneIn(20) && options.size !== undefined) options.size = BigInt(options.size);
  if (random.oneIn(20)) options.guard = true;
  if (random.oneIn(20)) options.preallocate = platform.supports("preallocate");
  if (platform.supports("reserve") && random.oneIn(3)) {
    const least = options.size === undefined ? CAPACITY : Number(options.size);
    options.reserve = least + random.below(2 * CAPACITY) + 1;
  }
  return options;
}

/** Maps something, and compares the outcome. */
export function map(world: World): void {
  const { random } = world;
  const name = random.pick(SOURCE_NAMES);
  const target = SOURCES[name](world, random.pick(world.files));
  const options = randomOptions(random);
  if (target.own !== undefined) options.closeDescriptor = true;
  if (target.source === null && !options.guard && random.oneIn(2)) options.guard = false;
  world.note("map", name, target.backing.path, target.lender?.init.id ?? "", options, `as ${world.nextId()}`);
  tryToMap(world, target, options);
}

function tryToMap(world: World, target: Target, options: MmapOptions): void {
  const plan = planOf(options, target);
  const reasons = REASONS.filter(([, applies]) => applies(plan, target)).map(([outcome]) => outcome);
  let made: ReturnType<typeof mmap> | undefined;
  const allowed = [...(reasons.length > 0 ? reasons : ["ok"]), ...maybe(plan)];
  const outcome = expectOutcome(() => made = mmap(target.source, options), allowed);
  if (made === undefined) {
    const descriptor = target.backing.descriptor ?? target.source;
    if (outcome.startsWith("E") && plan.writesToFile && plan.size !== undefined && typeof descriptor === "number") {
      keepGrowth(target.backing, descriptor, plan.offset + plan.size);
    }
    if (target.own !== undefined) closeSync(target.own);
    return;
  }
  expect(outcome === "ok" && reasons.length === 0, () => `mapped, wanted ${reasons}`);
  const model = modelOf(world, target, plan, made, options);
  expect(made.offset === plan.offset, () => `offset ${made?.offset}`);
  expect(made.flags.join() === plan.flags.join(), () => `flags ${made?.flags}`);
  world.add(model);
}

function modelOf(
  world: World,
  target: Target,
  plan: Plan,
  region: ReturnType<typeof mmap>,
  options: MmapOptions,
): Model {
  const { backing, source, named, lender } = target;
  const byteLength = plan.size ?? lengthSeen(plan, target) - plan.offset;
  const end = plan.offset + byteLength;
  if (source === ANONYMOUS) backing.renew(new Uint8Array(end));
  if (named) world.watch(backing);
  if (plan.open.includes("truncate")) backing.empty(end);
  else if (end > backing.length) backing.setLength(end);
  const model = new Model({
    id: world.lastId,
    region,
    backing,
    offset: plan.offset,
    byteLength,
    protection: plan.protection,
    shared: plan.shared,
    openForWriting: !named || plan.open.includes("write"),
    lender,
    eager: plan.flags.includes("populate") || plan.flags.includes("locked"),
    guarded: options.guard !== false,
    reserve: Number(options.reserve ?? 0),
  });
  model.locked = plan.flags.includes("locked");
  return model;
}
