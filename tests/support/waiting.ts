/** What the tests of waiting and their children have in common: the words of the memory, as indices. */

/** What is waited on. */
export const WORD = 0;

/** How many have begun to wait, or are just about to. */
export const ARRIVED = 1;

/** How many have stopped. */
export const LEFT = 2;

/** What goes to and fro. */
export const PING = 16;
export const PONG = 32;

/** Bytes of the memory. */
export const WAITING_SIZE = 256;
