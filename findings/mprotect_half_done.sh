#!/bin/sh
# Linux 6.18: mprotect of a range in which a page is missing fails with ENOMEM, and has protected the pages before the
# gap all the same; those behind it are as they were. munmap of the same range succeeds. One would expect that a call
# which fails has done nothing, or that both see the gap alike.
#
# Output: "ENOMEM: r--p, gap, rw-p; munmap 0": the pages that were all "rw-p".
#
# What this library does about it: a region has no gaps, and `protect` looks at its bounds first.
set -eu
[ "$(uname -s)" = Linux ] && command -v python3 > /dev/null || { echo "skipped: wants Linux and python3"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > program.py <<'PROGRAM'
import ctypes, errno, mmap

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
PAGE = mmap.PAGESIZE

base = libc.mmap(None, 3 * PAGE, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)
libc.munmap(base + PAGE, PAGE)
failed = libc.mprotect(base, 3 * PAGE, mmap.PROT_READ) != 0
name = errno.errorcode[ctypes.get_errno()] if failed else "done"

def protection(address):
    for line in open("/proc/self/maps"):
        start, end = (int(bound, 16) for bound in line.split()[0].split("-"))
        if start <= address < end:
            return line.split()[1]
    return "gap"

pages = ", ".join(protection(base + page * PAGE) for page in range(3))
print(f"{name}: {pages}; munmap {libc.munmap(base, 3 * PAGE)}")
PROGRAM
output=$(python3 program.py)
echo "$output"
[ "$output" = "ENOMEM: r--p, gap, rw-p; munmap 0" ]
