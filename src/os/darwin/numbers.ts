/** Numbers of calls that only macOS has: xnu bsd/sys/fcntl.h. */
/** By their names in C. */
export const DARWIN = {
  O_EVTONLY: 0x8000,
  F_ALLOCATEALL: 4,
  F_PEOFPOSMODE: 3,
  F_PREALLOCATE: 42,
  F_NOCACHE: 48,
  F_GETPATH: 50,
  F_FULLFSYNC: 51,
  F_OFD_SETLK: 90,
} as const;

/** `fstore_t`, which tells F_PREALLOCATE what to reserve. */
export const FSTORE = { size: 32, fst_flags: 0, fst_posmode: 4, fst_length: 16 } as const;
