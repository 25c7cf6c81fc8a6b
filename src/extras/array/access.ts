/** The options of what opens arrays. */
import { describe } from "../../arguments/describe.ts";
import { checkNames } from "../../arguments/names.ts";
import type { Access } from "./part.ts";

const WORDS: readonly Access[] = ["read", "write", "copy"];

/** The access that options ask for. */
export function accessOf(options: { readonly access?: Access } | undefined): Access {
  if (options === undefined) return "read";
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`options: ${describe(options)} given, wanted an object`);
  }
  checkNames(options, "options", ["access"]);
  const { access = "read" } = options;
  if (WORDS.includes(access)) return access;
  throw new TypeError(`access: ${describe(access)} given, wanted one of ${WORDS.join(", ")}`);
}
