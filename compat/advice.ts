/** Advice for several packages. */

/** For results with arrays over the file. */
export const KEEP = "Copy the arrays that you keep (`Uint8Array.from`).";
