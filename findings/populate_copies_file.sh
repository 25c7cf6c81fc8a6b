#!/bin/sh
# Linux 6.18: MAP_POPULATE, MAP_LOCKED and mlock of a private mapping that may be written make a copy of every page,
# which nobody has written to: the file is in memory twice, counts as memory of the process, and what others write to
# it is not seen any more. One would expect that the pages are fetched, as MADV_POPULATE_READ does, and as all do if
# the mapping is only to be read.
#
# Output: "nothing: 0 KiB, sees new", "mlock: 1024 KiB, sees old": private copies, of a file of 1 MiB.
#
# What this library does about it: a file that is mapped to be read is not mapped to be written. Lock no region of
# "copy".
set -eu
[ "$(uname -s)" = Linux ] && command -v python3 > /dev/null || { echo "skipped: wants Linux and python3"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > program.py <<'PROGRAM'
import ctypes, mmap, os

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mlock.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
READ_WRITE, MAP_PRIVATE, MAP_LOCKED, MAP_POPULATE, MADV_POPULATE_READ = 3, 2, 0x2000, 0x8000, 22
LENGTH = 1 << 20

def copies(address):
    """KiB of the mapping that are no page of the file."""
    mapping = None
    for line in open("/proc/self/smaps"):
        word = line.split()[0]
        if "-" in word:
            mapping = int(word.split("-")[0], 16)
        elif word == "Anonymous:" and mapping == address:
            return int(line.split()[1])

file = os.open("file", os.O_RDWR | os.O_CREAT)
for name, flags, act in (
    ("nothing", 0, lambda address: 0),
    ("MADV_POPULATE_READ", 0, lambda address: libc.madvise(address, LENGTH, MADV_POPULATE_READ)),
    ("MAP_POPULATE", MAP_POPULATE, lambda address: 0),
    ("MAP_LOCKED", MAP_LOCKED, lambda address: 0),
    ("mlock", 0, lambda address: libc.mlock(address, LENGTH)),
):
    os.pwrite(file, b"old".ljust(LENGTH), 0)
    address = libc.mmap(None, LENGTH, READ_WRITE, MAP_PRIVATE | flags, file, 0)
    if address is None or address == 2**64 - 1 or act(address) != 0:
        print("skipped: not allowed to lock 1 MiB")
        raise SystemExit
    os.pwrite(file, b"new", 0)
    print(f"{name}: {copies(address)} KiB, sees {ctypes.string_at(address, 3).decode()}")
PROGRAM
output=$(python3 program.py)
echo "$output"
case $output in *skipped*) exit 0 ;; esac
[ "$output" = "nothing: 0 KiB, sees new
MADV_POPULATE_READ: 0 KiB, sees new
MAP_POPULATE: 1024 KiB, sees old
MAP_LOCKED: 1024 KiB, sees old
mlock: 1024 KiB, sees old" ]
