/** Tests of lost pages, which end the process where no guard survives them. */
import { platform } from "../../mod.ts";

/** Options of a test that needs the guard. */
export const guarded: { readonly skip: string | false } = {
  skip: !platform.supports("guard") && "no guard on this system",
};
