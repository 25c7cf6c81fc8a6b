#!/bin/sh
# Linux 6.18, ext4: a store of one byte through a mapping makes hundreds of pages dirty, if the file was written in
# large pieces, because the page cache keeps it in folios of up to 2 MiB and writes back whole ones. Each flush after
# such a store writes 2 MiB. One would expect a page, which is what the hardware and all the documentation speak of.
# On tmpfs none is dirty at all.
#
# Output: "dirty pages: 0, after a store of 1 byte 512, after msync 0": how many depends on the machine; it fails
# below 2.
#
# What this library does about it: nothing. Its documentation says that `flush` costs what is dirty.
set -eu
[ "$(uname -s)" = Linux ] && command -v python3 > /dev/null || { echo "skipped: wants Linux and python3"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
case $(stat -f -c %T .) in ext2/ext3 | ext4) ;; *) echo "skipped: the temporary folder is not on ext4"; exit 0 ;; esac
cat > program.py <<'PROGRAM'
import ctypes, mmap, os

libc = ctypes.CDLL(None, use_errno=True)
CACHESTAT, LENGTH = 451, 16 << 20

def dirty():
    counts = (ctypes.c_uint64 * 5)()
    if libc.syscall(CACHESTAT, file, (ctypes.c_uint64 * 2)(0, LENGTH), counts, 0) != 0:
        print("skipped: no cachestat")
        raise SystemExit
    return counts[1]

file = os.open("file", os.O_RDWR | os.O_CREAT)
os.write(file, b"f" * LENGTH)
os.fsync(file)
mapped = mmap.mmap(file, LENGTH)
before = dirty()
mapped[LENGTH // 2] = 1
after = dirty()
mapped.flush()
print(f"dirty pages: {before}, after a store of 1 byte {after}, after msync {dirty()}")
if before != 0 or after < 2:
    raise SystemExit("a store makes one page dirty")
PROGRAM
python3 program.py
