/** Tests of lost pages. Without a guard, those end the process. */
import { platform } from "../../mod.ts";

/** Options of a test that needs the guard. */
export const guarded: { readonly skip: string | false } = {
  skip: !platform.supports("guard") && "no guard on this system",
};
