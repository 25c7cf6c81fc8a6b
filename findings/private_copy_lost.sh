#!/bin/sh
# Linux 6.18: the pages of a private mapping that a program has written itself are lost if somebody cuts the file and
# lets it grow again: they are thrown away like pages of the file, without a signal, and read as zeros. A hole that is
# punched at the same place, and bytes that are written there, leave them alone. One would expect that a copy is one's
# own (MAP_PRIVATE).
#
# Output: "written b'mine', punched b'mine', cut and grown b'\x00\x00\x00\x00'".
#
# What this library does about it: its guard sees a page only if it is touched while the file is short. Nothing sees
# the rest.
set -eu
[ "$(uname -s)" = Linux ] && command -v python3 > /dev/null || { echo "skipped: wants Linux and python3"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > program.py <<'PROGRAM'
import ctypes, mmap, os

libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
PUNCH_HOLE_KEEP_SIZE, LENGTH = 3, 4 * mmap.PAGESIZE

def punch():
    if libc.fallocate(file, PUNCH_HOLE_KEEP_SIZE, 0, LENGTH) != 0:
        print("skipped: the file system has no holes")
        raise SystemExit

def cut():
    os.ftruncate(file, 0)
    os.ftruncate(file, LENGTH)

found = []
for name, change in (
    ("written", lambda: os.pwrite(file, b"other" * 1000, 0)),
    ("punched", punch),
    ("cut and grown", cut),
):
    file = os.open("file", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.write(file, b"f" * LENGTH)
    private = mmap.mmap(file, LENGTH, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE)
    private[0:4] = b"mine"
    change()
    found.append(f"{name} {private[0:4]}")
print(", ".join(found))
PROGRAM
output=$(python3 program.py)
echo "$output"
case $output in skipped*) exit 0 ;; esac
[ "$output" = "written b'mine', punched b'mine', cut and grown b'\\x00\\x00\\x00\\x00'" ]
