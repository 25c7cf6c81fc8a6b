/** What is said of several packages. */

/** The result has arrays over the file. */
export const KEEP = "Copy the arrays that you keep (`Uint8Array.from`).";
