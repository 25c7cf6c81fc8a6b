#!/bin/sh
# Linux 6.18: a memfd cannot be sealed against writing (F_SEAL_WRITE is EBUSY) while it is mapped, shared, to be read,
# or not even that (PROT_NONE), if the descriptor that it was mapped by may write. A private mapping that is written
# to is no hindrance, nor is a reader whose descriptor is read-only. One would expect that only those who can write
# stand in the way.
#
# Output: "shared, no access: EBUSY", "shared, read: EBUSY", "shared, read, by a read-only descriptor: sealed",
# "private, write: sealed".
#
# What this library does about it: nothing. Unmap before you seal, or map by a descriptor that can only read.
set -eu
[ "$(uname -s)" = Linux ] && command -v python3 > /dev/null || { echo "skipped: wants Linux and python3"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > program.py <<'PROGRAM'
import errno, fcntl, mmap, os

NONE, READ, READ_WRITE, F_ADD_SEALS, F_SEAL_WRITE = 0, mmap.PROT_READ, mmap.PROT_READ | mmap.PROT_WRITE, 1033, 8

for name, protection, flags, mode in (
    ("shared, no access", NONE, mmap.MAP_SHARED, os.O_RDWR),
    ("shared, read", READ, mmap.MAP_SHARED, os.O_RDWR),
    ("shared, read, by a read-only descriptor", READ, mmap.MAP_SHARED, os.O_RDONLY),
    ("private, write", READ_WRITE, mmap.MAP_PRIVATE, os.O_RDWR),
):
    memory = os.memfd_create("memory", os.MFD_ALLOW_SEALING)
    os.ftruncate(memory, mmap.PAGESIZE)
    mapped = mmap.mmap(os.open(f"/proc/self/fd/{memory}", mode), mmap.PAGESIZE, flags, protection)
    try:
        fcntl.fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE)
        print(f"{name}: sealed")
    except OSError as error:
        print(f"{name}: {errno.errorcode[error.errno]}")
PROGRAM
output=$(python3 program.py)
echo "$output"
[ "$output" = "shared, no access: EBUSY
shared, read: EBUSY
shared, read, by a read-only descriptor: sealed
private, write: sealed" ]
