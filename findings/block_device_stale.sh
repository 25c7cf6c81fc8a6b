#!/bin/sh
# Linux 6.18: what a program writes to a file and fsyncs is on the disk, and whoever reads the disk itself (/dev/sda1,
# here a loop device), mapped or with pread, still gets the old bytes, if that block was read before: the device and the
# files on it have caches of their own, and fsync brings them together as little as time does. One would expect that
# after fsync a read of the disk shows what is on the disk.
#
# Output: "disk b'new', device mapped b'old', device pread b'old', after BLKFLSBUF b'new'".
#
# What this library does about it: nothing. Map the file, or unmount before the device is mapped.
set -eu
[ "$(uname -s)" = Linux ] && command -v python3 > /dev/null || { echo "skipped: wants Linux and python3"; exit 0; }
PATH=$PATH:/sbin:/usr/sbin
for program in mkfs.ext4 filefrag blockdev losetup; do
  command -v $program > /dev/null || { echo "skipped: wants $program"; exit 0; }
done
folder=$(mktemp -d)
trap 'umount "$folder/files" 2> /dev/null || :; rm -rf "$folder"' EXIT
cd "$folder"
mkdir files
truncate -s 16M disk
mkfs.ext4 -q -b 4096 disk
mount -o loop disk files 2> /dev/null || { echo "skipped: not allowed to mount"; exit 0; }
device=$(losetup --noheadings --output NAME --associated "$folder/disk")
cat > program.py <<'PROGRAM'
import mmap, os, re, subprocess, sys

BLOCK = 4096
file = os.open("files/file", os.O_RDWR | os.O_CREAT)
os.write(file, b"old".ljust(BLOCK))
os.fsync(file)
extents = subprocess.run(["filefrag", "-v", "files/file"], capture_output=True, text=True, check=True).stdout
place = BLOCK * int(re.search(r"^ *0:.*?: +(\d+)\.\.", extents, re.MULTILINE)[1])

device = os.open(sys.argv[1], os.O_RDONLY)
mapped = mmap.mmap(device, BLOCK, mmap.MAP_SHARED, mmap.PROT_READ, offset=place)
if mapped[:3] != b"old":
    raise SystemExit("this is not where the file is")
os.pwrite(file, b"new", 0)
os.fsync(file)
disk = os.pread(os.open("disk", os.O_RDONLY), 3, place)
found = f"disk {disk}, device mapped {mapped[:3]}, device pread {os.pread(device, 3, place)}"
mapped.close()
subprocess.run(["blockdev", "--flushbufs", sys.argv[1]], check=True)
print(f"{found}, after BLKFLSBUF {os.pread(device, 3, place)}")
PROGRAM
output=$(python3 program.py "$device")
echo "$output"
[ "$output" = "disk b'new', device mapped b'old', device pread b'old', after BLKFLSBUF b'new'" ]
