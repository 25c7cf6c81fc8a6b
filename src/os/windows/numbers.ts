/**
 * The numbers of Windows, except those of the words of the vocabulary. Their names are those of fileapi.h, winbase.h
 * and winnt.h.
 */

/** Numbers. */
export const WIN32 = {
  GENERIC_READ: 0x8000_0000,
  GENERIC_WRITE: 0x4000_0000,
  GENERIC_EXECUTE: 0x2000_0000,
  FILE_SHARE_READ: 1,
  FILE_SHARE_WRITE: 2,
  FILE_SHARE_DELETE: 4,
  CREATE_NEW: 1,
  OPEN_EXISTING: 3,
  FILE_ATTRIBUTE_READONLY: 0x1,
  FILE_ATTRIBUTE_DIRECTORY: 0x10,
  FILE_ATTRIBUTE_NORMAL: 0x80,
  FILE_ATTRIBUTE_TEMPORARY: 0x100,
  FILE_FLAG_BACKUP_SEMANTICS: 0x200_0000,
  FILE_FLAG_DELETE_ON_CLOSE: 0x400_0000,
  FILE_FLAG_NO_BUFFERING: 0x2000_0000,
  FILE_FLAG_WRITE_THROUGH: 0x8000_0000,
  FILE_TYPE_UNKNOWN: 0,
  FILE_TYPE_DISK: 1,
  FileEndOfFileInfo: 6,
  FSCTL_SET_SPARSE: 0x900c4,
  LOCKFILE_FAIL_IMMEDIATELY: 1,
  LOCKFILE_EXCLUSIVE_LOCK: 2,
  PAGE_READONLY: 0x02,
  PAGE_READWRITE: 0x04,
  PAGE_WRITECOPY: 0x08,
  PAGE_EXECUTE: 0x10,
  PAGE_EXECUTE_READ: 0x20,
  PAGE_EXECUTE_READWRITE: 0x40,
  PAGE_EXECUTE_WRITECOPY: 0x80,
  FILE_MAP_COPY: 0x01,
  FILE_MAP_WRITE: 0x02,
  FILE_MAP_READ: 0x04,
  FILE_MAP_EXECUTE: 0x20,
  SECTION_MAP_EXECUTE: 0x08,
  MEM_COMMIT: 0x1000,
  MEM_RESERVE: 0x2000,
  MEM_DECOMMIT: 0x4000,
  MEM_RELEASE: 0x8000,
  MEM_PRIVATE: 0x2_0000,
  FORMAT_MESSAGE_IGNORE_INSERTS: 0x200,
  FORMAT_MESSAGE_FROM_SYSTEM: 0x1000,
  DUPLICATE_SAME_ACCESS: 2,
  WAIT_OBJECT_0: 0,
  PROCESS_DUP_HANDLE: 0x40,
  PROCESS_QUERY_LIMITED_INFORMATION: 0x1000,
} as const;

/** Offsets of fields in structures, in bytes, and their sizes, on 64 bits. */
export const WIN32_LAYOUTS = {
  BY_HANDLE_FILE_INFORMATION: {
    size: 52,
    dwFileAttributes: 0,
    dwVolumeSerialNumber: 28,
    nFileSizeHigh: 32,
    nFileSizeLow: 36,
    nFileIndexHigh: 44,
    nFileIndexLow: 48,
  },
  OVERLAPPED: { size: 32, Offset: 16, OffsetHigh: 20 },
  SYSTEM_INFO: { size: 48, dwPageSize: 4, dwAllocationGranularity: 40 },
  MEMORY_BASIC_INFORMATION: { size: 48, AllocationBase: 8, AllocationProtect: 16, RegionSize: 24, Type: 40 },
  WIN32_MEMORY_RANGE_ENTRY: { size: 16, VirtualAddress: 0, NumberOfBytes: 8 },
  PSAPI_WORKING_SET_EX_INFORMATION: { size: 16, VirtualAddress: 0, VirtualAttributes: 8 },
  // No public header has these two, but they are the same since the first 64-bit Windows. `lastErrorOf` tries them out.
  THREAD_BASIC_INFORMATION: { size: 48, TebBaseAddress: 8 },
  TEB: { LastErrorValue: 0x68 },
} as const;
