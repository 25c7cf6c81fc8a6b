#!/bin/sh
# Linux 6.18 (since 5.2): mincore answers that every page of a mapped file is in memory if the caller neither owns the
# file nor may write to it. There is no error, and nothing is in memory: the file is a hole that nobody has read. One
# would expect an error, or the truth, as cachestat gives one or the other (EPERM).
#
# Output: "owner 00000000, another user 11111111": a digit for each page.
#
# What this library does about it: `residency` is mincore, and says what mincore says.
set -eu
[ "$(uname -s)" = Linux ] && command -v python3 > /dev/null || { echo "skipped: wants Linux and python3"; exit 0; }
[ "$(id -u)" = 0 ] || { echo "skipped: wants root, to become another user"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > program.py <<'PROGRAM'
import ctypes, os

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
PAGE, PROT_READ, MAP_SHARED, NOBODY = os.sysconf("SC_PAGE_SIZE"), 1, 1, 65534
LENGTH = 8 * PAGE

def residency():
    mapped = libc.mmap(None, LENGTH, PROT_READ, MAP_SHARED, file, 0)
    pages = ctypes.create_string_buffer(8)
    if libc.mincore(mapped, LENGTH, pages) != 0:
        return os.strerror(ctypes.get_errno())
    return "".join(str(page & 1) for page in pages.raw)

os.close(os.open("file", os.O_WRONLY | os.O_CREAT, 0o644))
os.truncate("file", LENGTH)
file = os.open("file", os.O_RDONLY)
owner = residency()
os.setuid(NOBODY)
print(f"owner {owner}, another user {residency()}")
PROGRAM
output=$(python3 program.py)
echo "$output"
[ "$output" = "owner 00000000, another user 11111111" ]
