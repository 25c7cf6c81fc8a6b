/** The errno names that are nearest to Windows' error numbers, and those numbers by their names in winerror.h. */

/** What the library itself asks for. */
export const WIN32_ERRORS = {
  FILE_NOT_FOUND: 2,
  ACCESS_DENIED: 5,
  INVALID_HANDLE: 6,
  FILE_EXISTS: 80,
  INVALID_PARAMETER: 87,
  FILE_INVALID: 1006,
  NOT_ENOUGH_MEMORY: 8,
  COMMITMENT_LIMIT: 1455,
} as const;

/** In each row the first number is the one that the library gives an error of that name. */
const NUMBERS: Readonly<Record<string, readonly number[]>> = {
  EPERM: [1314], // PRIVILEGE_NOT_HELD
  // FILE_NOT_FOUND, PATH_NOT_FOUND, INVALID_DRIVE, BAD_NETPATH, BAD_NET_NAME, INVALID_NAME, MOD_NOT_FOUND, BAD_PATHNAME,
  // DIRECTORY
  ENOENT: [2, 3, 15, 53, 67, 123, 126, 161, 267],
  // IO_DEVICE, WRITE_FAULT, READ_FAULT, GEN_FAILURE, CRC, SEEK, SECTOR_NOT_FOUND, SWAPERROR
  EIO: [1117, 29, 30, 31, 23, 25, 27, 999],
  EBADF: [6], // INVALID_HANDLE
  EAGAIN: [232], // NO_DATA
  // NOT_ENOUGH_MEMORY, OUTOFMEMORY, COMMITMENT_LIMIT, WORKING_SET_QUOTA, PAGEFILE_QUOTA, NO_SYSTEM_RESOURCES, NOT_LOCKED
  ENOMEM: [8, 14, 1455, 1453, 1454, 1450, 158],
  // ACCESS_DENIED, NOACCESS, ELEVATION_REQUIRED, CANT_ACCESS_FILE, DELETE_PENDING
  EACCES: [5, 998, 740, 1920, 303],
  // SHARING_VIOLATION, LOCK_VIOLATION, USER_MAPPED_FILE, BUSY, PIPE_BUSY
  EBUSY: [32, 33, 1224, 170, 231],
  EEXIST: [80, 183], // FILE_EXISTS, ALREADY_EXISTS
  EXDEV: [17], // NOT_SAME_DEVICE
  ENODEV: [20, 55], // BAD_UNIT, DEV_NOT_EXIST
  EISDIR: [336], // DIRECTORY_NOT_SUPPORTED
  // INVALID_PARAMETER, INVALID_DATA, INSUFFICIENT_BUFFER, FILE_INVALID, INVALID_ADDRESS, MAPPED_ALIGNMENT, INVALID_FLAGS,
  // NEGATIVE_SEEK
  EINVAL: [87, 13, 122, 1006, 487, 1132, 1004, 131],
  EMFILE: [4], // TOO_MANY_OPEN_FILES
  EFBIG: [223], // FILE_TOO_LARGE
  ENOSPC: [112, 39, 277, 82], // DISK_FULL, HANDLE_DISK_FULL, EA_TABLE_FULL, CANNOT_MAKE
  EROFS: [19], // WRITE_PROTECT
  EPIPE: [109, 230, 233], // BROKEN_PIPE, BAD_PIPE, PIPE_NOT_CONNECTED
  ENAMETOOLONG: [206, 111], // FILENAME_EXCED_RANGE, BUFFER_OVERFLOW
  ENOSYS: [120], // CALL_NOT_IMPLEMENTED
  ELOOP: [1921], // CANT_RESOLVE_FILENAME
  ENOTSUP: [50], // NOT_SUPPORTED
  ETIMEDOUT: [121, 1460], // SEM_TIMEOUT, TIMEOUT
  ECANCELED: [995, 1223], // OPERATION_ABORTED, CANCELLED
};

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(NUMBERS).flatMap(([name, numbers]) => numbers.map((number): [number, string] => [number, name])),
);

/** `"ENOENT"` for 2; `"ERROR_<number>"` for a number that has no nearest name. */
export function win32ErrorName(number: number): string {
  return NAMES.get(number) ?? `ERROR_${number}`;
}

/** 2 for `"ENOENT"`; 0 for a name that no number is near to. */
export function win32ErrorNumber(name: string): number {
  return NUMBERS[name]?.[0] ?? 0;
}
