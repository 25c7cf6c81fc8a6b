/** For tests that lose pages. Without a guard, that ends the process. */
import { platform } from "../../mod.ts";

/** Options of a test that needs the guard. */
export const guarded: { readonly skip: string | false } = {
  skip: !platform.supports("guard") && "no guard on this system",
};
