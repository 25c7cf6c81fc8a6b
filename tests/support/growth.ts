/** What several who make one file longer at the same time have agreed on. */

/** How much further the file of each reaches than that of the one before. */
export const STEP = 65536;

/** The word that says which round it is. */
export const ROUND = 0;

/** The first of the words in which each says which round it has done. */
export const LENGTHS = 16;
