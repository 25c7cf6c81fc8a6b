#!/bin/sh
# Linux 6.18, ext4 and tmpfs: ftruncate to the length that a file already has frees the blocks that were reserved behind
# its end (FALLOC_FL_KEEP_SIZE), and so does opening an empty file with O_TRUNC. One would guess that neither does
# anything. The manual pages of both do not say so. Who has reserved room for a log loses it by a call that "makes sure"
# of its length, and learns that when the disk is full. fallocate for bytes that the file has frees nothing.
#
# Output: "ext4 2048 8 2048 0 2048" and the same for tmpfs: blocks of 512 bytes as reserved, after ftruncate to the same
# length, reserved again for an empty file, after O_TRUNC, and reserved again after fallocate of its first byte.
#
# What this library does about it: it grows files by fallocate. Only the word "truncate" cuts an empty file.
set -eu
[ "$(uname -s)" = Linux ] && command -v python3 > /dev/null || { echo "skipped: wants Linux and python3"; exit 0; }
[ "$(stat -f -c %T /dev/shm 2> /dev/null)" = tmpfs ] || { echo "skipped: /dev/shm is no tmpfs"; exit 0; }
folder=$(mktemp -d)
memory=$(mktemp -d -p /dev/shm)
trap 'rm -rf "$folder" "$memory"' EXIT
[ "$(stat -f -c %T "$folder")" = ext2/ext3 ] || { echo "skipped: the temporary folder is not on ext4"; exit 0; }
cd "$folder"
cat > program.py <<'PROGRAM'
import ctypes, os, sys

libc = ctypes.CDLL(None)
KEEP_SIZE, MEBIBYTE = 1, ctypes.c_long(1 << 20)
for name, folder in (("ext4", "."), ("tmpfs", sys.argv[1])):
    path = folder + "/file"
    file = os.open(path, os.O_RDWR | os.O_CREAT)
    blocks = []

    def reserve(how=KEEP_SIZE, length=MEBIBYTE):
        if libc.fallocate(file, how, ctypes.c_long(0), length) != 0:
            raise OSError("fallocate")
        blocks.append(os.fstat(file).st_blocks)

    os.write(file, b"x" * 100)
    reserve()
    os.ftruncate(file, 100)
    blocks.append(os.fstat(file).st_blocks)
    os.ftruncate(file, 0)
    reserve()
    os.close(os.open(path, os.O_RDWR | os.O_TRUNC))
    blocks.append(os.fstat(file).st_blocks)
    os.write(file, b"x")
    libc.fallocate(file, KEEP_SIZE, ctypes.c_long(0), MEBIBYTE)
    reserve(0, ctypes.c_long(1))
    print(name, *blocks)
PROGRAM
output=$(python3 program.py "$memory")
echo "$output"
[ "$output" = "ext4 2048 8 2048 0 2048
tmpfs 2048 8 2048 0 2048" ]
