// Maps PATH with ACCESS (a key of OPTIONS), and prints the outcome as JSON. With "revoke" as a third argument, it maps
// a second time, without the permission that it had the first time.
import process from "node:process";
import { type MapSource, mmap, type MmapOptions, named, unlinkNamed } from "../../mod.ts";

const [path, access, revoke] = process.argv.slice(2);

const OPTIONS: Readonly<Record<string, MmapOptions>> = {
  read: { access: "read" },
  write: { access: "write" },
  copy: { access: "copy" },
  create: { open: ["read", "write", "create"], protection: ["read", "write"], flags: ["shared"], size: 10 },
  "only-create": { open: ["create"] },
  memory: { size: 4096 },
  named: { open: ["create"], size: 10 },
  "named-read": { access: "read" },
};

/** What to map. "unlink" maps nothing and removes the name instead. */
function source(): MapSource {
  if (access === "memory") return null;
  return access.startsWith("named") ? named(path) : path;
}

if (revoke !== undefined) {
  mmap(path, OPTIONS[access]).unmap();
  const { Deno } = globalThis as unknown as { Deno: { permissions: { revokeSync(descriptor: object): void } } };
  Deno.permissions.revokeSync({ name: "read" });
}

try {
  if (access === "unlink") {
    process.stdout.write(JSON.stringify({ removed: unlinkNamed(path) }));
  } else {
    using region = mmap(source(), OPTIONS[access]);
    process.stdout.write(JSON.stringify({ byteLength: region.byteLength }));
  }
} catch (error) {
  const { name, code, message } = error as Error & { code?: string };
  process.stdout.write(JSON.stringify({ name, code, message }));
}
