#!/bin/sh
# Linux 6.18, tmpfs: what is stored behind the end of a file, in the rest of its last page, becomes part of the file
# when the file grows over it, by ftruncate, by a write further back or by fallocate. On ext4 the bytes are zeros
# then, as POSIX wants them and as everybody expects who appends.
#
# Output: "ftruncate b'hello stale\x00\x00\x00\x00\x00'" and the same for the other two: nobody has written "stale" to
# the file while it was that long.
#
# What this library does about it: a region that fits its file cannot be stored to behind the end.
set -eu
[ "$(uname -s)" = Linux ] && command -v python3 > /dev/null || { echo "skipped: wants Linux and python3"; exit 0; }
[ "$(stat -f -c %T /dev/shm 2> /dev/null)" = tmpfs ] || { echo "skipped: /dev/shm is no tmpfs"; exit 0; }
folder=$(mktemp -d -p /dev/shm)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > program.py <<'PROGRAM'
import mmap, os

file = os.open("file", os.O_RDWR | os.O_CREAT)
os.ftruncate(file, mmap.PAGESIZE)
mapped = mmap.mmap(file, mmap.PAGESIZE)
for name, grow in (
    ("ftruncate", lambda: os.ftruncate(file, 16)),
    ("pwrite", lambda: os.pwrite(file, b"\0", 15)),
    ("fallocate", lambda: os.posix_fallocate(file, 0, 16)),
):
    os.ftruncate(file, 0)
    os.pwrite(file, b"hello", 0)
    mapped[5:11] = b" stale"  # behind the end, within the page
    grow()
    print(name, os.pread(file, 100, 0))
PROGRAM
output=$(python3 program.py)
echo "$output"
[ "$output" = "ftruncate b'hello stale\\x00\\x00\\x00\\x00\\x00'
pwrite b'hello stale\\x00\\x00\\x00\\x00\\x00'
fallocate b'hello stale\\x00\\x00\\x00\\x00\\x00'" ]
