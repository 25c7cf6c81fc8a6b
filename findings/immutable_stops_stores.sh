#!/bin/sh
# Linux 6.18: to make a file immutable (`chattr +i`) takes the right to store from those who have it mapped already,
# on ext4: the kernel refuses each page, also one that was dirty, so that a system call fails with EFAULT and a plain
# store is a SIGBUS. On tmpfs the flag is accepted and stops nobody who has the file open. One would expect that
# permissions are asked for at open and mmap, and never again, and the same of both.
#
# Output: "ext4: dirty EFAULT, clean EFAULT, pwrite EPERM", "tmpfs: dirty stored, clean stored, pwrite written".
#
# What this library does about it: its guard survives the store; the page counts as lost, and `check` throws EIO.
set -eu
[ "$(uname -s)" = Linux ] && command -v python3 > /dev/null || { echo "skipped: wants Linux and python3"; exit 0; }
[ "$(id -u)" = 0 ] && command -v chattr > /dev/null || { echo "skipped: wants root and chattr"; exit 0; }
[ "$(stat -f -c %T /dev/shm 2> /dev/null)" = tmpfs ] || { echo "skipped: /dev/shm is no tmpfs"; exit 0; }
folder=$(mktemp -d)
memory=$(mktemp -d -p /dev/shm)
trap 'chattr -i "$folder/file" "$memory/file" 2> /dev/null || :; rm -rf "$folder" "$memory"' EXIT
case $(stat -f -c %T "$folder") in ext2/ext3 | ext4) ;; *) echo "skipped: the temporary folder is not on ext4"; exit 0 ;; esac
touch "$folder/file" "$memory/file"
{ chattr +i "$folder/file" "$memory/file" && chattr -i "$folder/file" "$memory/file"; } 2> /dev/null ||
  { echo "skipped: chattr +i is not allowed"; exit 0; }
cat > "$folder/program.py" <<'PROGRAM'
import errno, mmap, os, subprocess, sys

def outcome(attempt, word):
    try:
        attempt()
        return word
    except OSError as error:
        return errno.errorcode[error.errno]

for name, path in (("ext4", sys.argv[1]), ("tmpfs", sys.argv[2])):
    file = os.open(path, os.O_RDWR)
    os.write(file, b"f" * 2 * mmap.PAGESIZE)
    os.fsync(file)
    mapped = memoryview(mmap.mmap(file, 2 * mmap.PAGESIZE))
    mapped[0] = 1
    subprocess.check_call(["chattr", "+i", path])
    zeros = os.open("/dev/zero", os.O_RDONLY)
    # The kernel stores for us: it says EFAULT where the process would get SIGBUS.
    dirty = outcome(lambda: os.readv(zeros, [mapped[0:1]]), "stored")
    clean = outcome(lambda: os.readv(zeros, [mapped[mmap.PAGESIZE:][:1]]), "stored")
    print(f"{name}: dirty {dirty}, clean {clean}, pwrite {outcome(lambda: os.pwrite(file, b'x', 0), 'written')}")
PROGRAM
output=$(python3 "$folder/program.py" "$folder/file" "$memory/file")
echo "$output"
[ "$output" = "ext4: dirty EFAULT, clean EFAULT, pwrite EPERM
tmpfs: dirty stored, clean stored, pwrite written" ]
