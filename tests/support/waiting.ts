/** What the tests of waiting share with their children: the words of the memory, as indices. */

/** The word that is waited on. */
export const WORD = 0;

/** How many have begun to wait, or are just about to. */
export const ARRIVED = 1;

/** How many have stopped. */
export const LEFT = 2;

/** The word that goes to and fro. */
export const PING = 16;
export const PONG = 32;

/** Bytes of the memory. */
export const WAITING_SIZE = 256;
