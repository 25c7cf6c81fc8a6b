#!/bin/sh
# Linux 6.18: sendfile to a pipe or a socket of the same machine passes on the pages of the file, not their bytes. It
# returns that 16 bytes are sent; who changes the file after that, by a store or a write, changes what the other end
# receives. One would expect that what has been sent is sent.
#
# Output: "pipe b'old' -> b'new'" and the same for a Unix socket and for TCP.
#
# What this library does about it: nothing, it never sends. A copy (`region.read`) can be sent safely.
set -eu
[ "$(uname -s)" = Linux ] && command -v python3 > /dev/null || { echo "skipped: wants Linux and python3"; exit 0; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat > program.py <<'PROGRAM'
import mmap, os, socket

file = os.open("file", os.O_RDWR | os.O_CREAT)
os.ftruncate(file, 3)
mapped = mmap.mmap(file, 3)

def tcp():
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        return server.accept()[0].detach(), client.detach()

for name, ends in (
    ("pipe", os.pipe()),
    ("unix", tuple(end.detach() for end in socket.socketpair())),
    ("tcp", tcp()),
):
    mapped[:] = b"old"
    if os.sendfile(ends[1], file, 0, 3) != 3:
        raise SystemExit("not all was sent")
    mapped[:] = b"new"
    print(name, b"old", "->", os.read(ends[0], 3))
PROGRAM
output=$(python3 program.py)
echo "$output"
[ "$output" = "pipe b'old' -> b'new'
unix b'old' -> b'new'
tcp b'old' -> b'new'" ]
