/** The records that a process stores until it is killed. */
export const LENGTH = 10_000;
export const COUNT = 8;
