/** Registries of npm and JSR on this machine, with the package as the only one there is. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** The part of package.json and deno.json that is needed here. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
}

/** Where the registries are. */
export interface Registries {
  readonly npm: string;
  readonly jsr: string;
  close(): void;
}

/** All answers, by path. */
type Answers = Map<string, string | Uint8Array>;

/** Serves a packed npm package, and the files of a JSR package in a directory. */
export async function startRegistries(
  npm: { readonly manifest: Manifest; readonly archive: Uint8Array },
  jsr: { readonly manifest: Manifest; readonly root: string; readonly include: readonly string[] },
): Promise<Registries> {
  const answers: Answers = new Map();
  const server = createServer((request, response) => {
    const answer = answers.get(decodeURIComponent(request.url!));
    response.writeHead(answer === undefined ? 404 : 200).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  addToNpm(answers, `${origin}/npm`, npm.manifest, npm.archive);
  addToJsr(answers, jsr.manifest, filesIn(jsr.root, jsr.include));
  return { npm: `${origin}/npm/`, jsr: `${origin}/jsr/`, close: () => server.close() };
}

function addToNpm(answers: Answers, base: string, manifest: Manifest, archive: Uint8Array): void {
  const { name, version } = manifest;
  const dist = { tarball: `${base}/package.tgz`, integrity: `sha512-${hash("sha512", archive, "base64")}` };
  const versions = { [version]: { ...manifest, dist } };
  answers.set(`/npm/${name}`, JSON.stringify({ name, "dist-tags": { latest: version }, versions }));
  answers.set("/npm/package.tgz", archive);
}

/** As https://jsr.io/docs/api has it. */
function addToJsr(answers: Answers, { name, version, exports }: Manifest, files: Record<string, Uint8Array>): void {
  const manifest = Object.entries(files).map(([path, bytes]) => {
    answers.set(`/jsr/${name}/${version}/${path}`, bytes);
    return [`/${path}`, { size: bytes.length, checksum: `sha256-${hash("sha256", bytes, "hex")}` }];
  });
  answers.set(`/jsr/${name}/meta.json`, JSON.stringify({ latest: version, versions: { [version]: {} } }));
  const meta = { manifest: Object.fromEntries(manifest), exports };
  answers.set(`/jsr/${name}/${version}_meta.json`, JSON.stringify(meta));
}

function filesIn(root: string, include: readonly string[]): Record<string, Uint8Array> {
  const paths = include.flatMap((name) =>
    statSync(join(root, name)).isFile()
      ? [name]
      : readdirSync(join(root, name), { recursive: true, encoding: "utf8" }).map((inner) => `${name}/${inner}`)
  );
  const files = paths.filter((path) => statSync(join(root, path)).isFile());
  return Object.fromEntries(files.map((path) => [path, readFileSync(join(root, path))]));
}

function hash(algorithm: string, bytes: Uint8Array, encoding: "base64" | "hex"): string {
  return createHash(algorithm).update(bytes).digest(encoding);
}
