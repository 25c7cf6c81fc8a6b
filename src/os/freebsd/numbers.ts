/** Numbers of calls that only FreeBSD has: sys/sys/fcntl.h. */
/** By their names in C. */
export const FREEBSD = {
  F_SETLK: 12,
} as const;
