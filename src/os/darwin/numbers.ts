/** Numbers of calls that only macOS has: xnu bsd/sys/fcntl.h. */
/** By their names in C. */
export const DARWIN = {
  O_EVTONLY: 0x8000,
  F_NOCACHE: 48,
  F_GETPATH: 50,
  F_FULLFSYNC: 51,
  F_OFD_SETLK: 90,
} as const;
