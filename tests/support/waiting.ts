/** What the tests of waiting share with their children: the indices of the words in the memory. */

/** The word that is waited on. */
export const WORD = 0;

/** How many have begun to wait, or are just about to. */
export const ARRIVED = 1;

/** How many have stopped. */
export const LEFT = 2;

/** The word that goes to and fro. */
export const PING = 16;
export const PONG = 32;

/** The first of the words of the storm, and how many there are. */
export const STORM = 40;
export const STORM_WORDS = 3;

/** How many waiters all calls of notify in the storm counted, and how many waits ended with "ok". */
export const COUNTED = 48;
export const TOLD = 49;

/** Bytes of the memory. */
export const WAITING_SIZE = 256;
