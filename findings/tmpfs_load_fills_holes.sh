#!/bin/sh
# Linux 6.18, tmpfs: to load from a hole of a file through a mapping, even a private one that can only be read, gives
# the hole a page: the file takes as much memory as if it had been written, and SEEK_DATA calls it data from then on.
# A read of the same hole leaves it a hole, and so does a load on ext4. One would expect that looking at zeros costs
# nothing.
#
# Output: "512-byte blocks: 0, after pread 0, after loads 2048, data from 0": of a file of 1 MiB that nobody has
# written to.
#
# What this library does about it: nothing. `read` and `indexOf` are loads as well. Use `fs.readSync` where holes are
# many.
set -eu
[ "$(uname -s)" = Linux ] && command -v python3 > /dev/null || { echo "skipped: wants Linux and python3"; exit 0; }
[ "$(stat -f -c %T /dev/shm 2> /dev/null)" = tmpfs ] || { echo "skipped: /dev/shm is no tmpfs"; exit 0; }
folder=$(mktemp -d -p /dev/shm)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > program.py <<'PROGRAM'
import mmap, os

LENGTH = 1 << 20
file = os.open("holes", os.O_RDWR | os.O_CREAT)
os.ftruncate(file, LENGTH)
blocks = lambda: os.fstat(file).st_blocks

at_first = blocks()
os.pread(file, LENGTH, 0)
after_pread = blocks()
with mmap.mmap(file, LENGTH, mmap.MAP_PRIVATE, mmap.PROT_READ) as mapped:
    if any(mapped[start] for start in range(0, LENGTH, mmap.PAGESIZE)):
        raise SystemExit("a hole is not zeros")
after_loads = blocks()
print(f"512-byte blocks: {at_first}, after pread {after_pread}, after loads {after_loads}, "
      f"data from {os.lseek(file, 0, os.SEEK_DATA)}")
PROGRAM
output=$(python3 program.py)
echo "$output"
[ "$output" = "512-byte blocks: 0, after pread 0, after loads 2048, data from 0" ]
