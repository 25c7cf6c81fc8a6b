/** Numbers of calls that FreeBSD has and other systems lack, or do not need: sys/sys/fcntl.h. */
/** By their names in C. */
export const FREEBSD = {
  F_SETLK: 12,
  O_EMPTY_PATH: 0x2000000,
  LOCK_SH: 1,
  LOCK_EX: 2,
  LOCK_NB: 4,
  LOCK_UN: 8,
} as const;
