#!/bin/sh
# Linux 6.18: to close the only descriptor of a file does not close the file as long as it is mapped through it. Its
# flock stays, inotify reports no IN_CLOSE_WRITE, and the kernel refuses to run the file as a program (ETXTBSY),
# although the mapping can only be read. All three end with munmap. One would expect close to close: `man flock` says
# that the lock goes with the last descriptor.
#
# Output: "close: locked, no event, cannot run; munmap: unlocked, event, runs".
#
# What this library does about it: a region of a path opens the file for itself. A region of a descriptor of yours
# holds what that descriptor has opened, until `unmap`.
set -eu
[ "$(uname -s)" = Linux ] && command -v python3 > /dev/null || { echo "skipped: wants Linux and python3"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > program.py <<'PROGRAM'
import ctypes, fcntl, os, subprocess

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
PAGE, PROT_READ, MAP_SHARED, IN_CLOSE_WRITE = 4096, 1, 1, 8

with open("program", "w") as file:
    file.write("#!/bin/sh\nexit 0\n")
os.chmod("program", 0o755)
if subprocess.call("./program") != 0:
    print("skipped: programs cannot be run in the temporary folder")
    raise SystemExit

events = libc.inotify_init1(os.O_NONBLOCK)
libc.inotify_add_watch(events, b"program", IN_CLOSE_WRITE)

def state():
    words = []
    with open("program") as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
            words.append("unlocked")
        except BlockingIOError:
            words.append("locked")
    try:
        os.read(events, 4096)
        words.append("event")
    except BlockingIOError:
        words.append("no event")
    try:
        subprocess.call("./program")
        words.append("runs")
    except OSError as error:
        words.append("cannot run" if error.errno == 26 else str(error))
    return ", ".join(words)

file = os.open("program", os.O_RDWR)
fcntl.flock(file, fcntl.LOCK_EX)
mapped = libc.mmap(None, PAGE, PROT_READ, MAP_SHARED, file, 0)
os.close(file)
closed = state()
libc.munmap(mapped, PAGE)
print(f"close: {closed}; munmap: {state()}")
PROGRAM
output=$(python3 program.py)
echo "$output"
case $output in skipped*) exit 0 ;; esac
[ "$output" = "close: locked, no event, cannot run; munmap: unlocked, event, runs" ]
