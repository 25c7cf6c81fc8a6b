#!/bin/sh
# Linux 6.18, overlayfs (the file system of containers): of a file of the image that was opened before its first
# writer came, pread returns the new bytes and a mapping shows the old ones, both through the same descriptor, at the
# same time. A mapping that is made after the write shows the old ones, too. One would expect that a descriptor is of
# one file.
#
# Output: "pread b'new', mapped before b'old', mapped after b'old', opened again b'new'".
#
# What this library does about it: `resize` throws ESTALE where the region would end in bytes that it cannot show; its
# documentation says to map the path again.
set -eu
[ "$(uname -s)" = Linux ] && command -v python3 > /dev/null || { echo "skipped: wants Linux and python3"; exit 0; }
folder=$(mktemp -d)
trap 'umount "$folder/all/merged" 2> /dev/null || :; umount "$folder/all" 2> /dev/null || :; rm -rf "$folder"' EXIT
cd "$folder"
mkdir all
mount -t tmpfs none all 2> /dev/null || { echo "skipped: not allowed to mount"; exit 0; }
mkdir all/image all/changes all/work all/merged
printf old > all/image/file
mount -t overlay overlay -o lowerdir=all/image,upperdir=all/changes,workdir=all/work all/merged 2> /dev/null ||
  { echo "skipped: no overlayfs"; exit 0; }
cat > program.py <<'PROGRAM'
import mmap, os

def show(descriptor):
    return mmap.mmap(descriptor, 3, mmap.MAP_SHARED, mmap.PROT_READ)

reader = os.open("all/merged/file", os.O_RDONLY)
before = show(reader)
writer = os.open("all/merged/file", os.O_RDWR)
os.pwrite(writer, b"new", 0)
again = os.open("all/merged/file", os.O_RDONLY)
print(f"pread {os.pread(reader, 3, 0)}, mapped before {before[:]}, mapped after {show(reader)[:]}, "
      f"opened again {show(again)[:]}")
PROGRAM
output=$(python3 program.py)
echo "$output"
[ "$output" = "pread b'new', mapped before b'old', mapped after b'old', opened again b'new'" ]
