#!/bin/sh
# Linux 6.18, tmpfs: a store to a shared mapping moves the file's modification time if the page is stored to first,
# and never if it was loaded from first, not even with msync, munmap and close: the load has made the page writable,
# and no later store is noticed. One would expect that `x += 1` and `x = 1` are the same to make, rsync and caches.
#
# Output: "stored: moved, loaded and stored: did not move".
#
# What this library does about it: its documentation says so, and to set the time (`fs.utimesSync`) where others rely
# on it.
set -eu
[ "$(uname -s)" = Linux ] && command -v python3 > /dev/null || { echo "skipped: wants Linux and python3"; exit 0; }
[ "$(stat -f -c %T /dev/shm 2> /dev/null)" = tmpfs ] || { echo "skipped: /dev/shm is no tmpfs"; exit 0; }
folder=$(mktemp -d -p /dev/shm)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > program.py <<'PROGRAM'
import mmap, os, time

def store(name, load_first):
    with open(name, "w+b") as file:
        file.write(bytes(mmap.PAGESIZE))
        file.flush()
        before = os.stat(name).st_mtime_ns
        time.sleep(0.1)
        with mmap.mmap(file.fileno(), mmap.PAGESIZE) as mapped:
            if load_first:
                mapped[0]
            mapped[0] = 1
            mapped.flush()
    if os.stat(name).st_size != mmap.PAGESIZE or open(name, "rb").read(1) != b"\1":
        raise SystemExit("the store is lost")
    return "moved" if os.stat(name).st_mtime_ns > before else "did not move"

print(f"stored: {store('a', False)}, loaded and stored: {store('b', True)}")
PROGRAM
output=$(python3 program.py)
echo "$output"
[ "$output" = "stored: moved, loaded and stored: did not move" ]
