"""One end of a ring, in Python. `lines.py write FILE` reads lines from stdin and sends them. `lines.py read FILE`
prints the lines that come, until an empty message ends them. `lines.py create FILE` first makes a ring in the file,
which has to be all zeros, and then sends lines. The file may also be memory with a name: /dev/shm/NAME.

docs/ring.md says what the memory holds. Python has no atomics. This program relies on two things instead: a 32-bit
element of a memoryview is stored in one piece, and x64 makes stores visible in their order. So it works on x64 only.
Python has no compare-and-exchange either: do not start two writers, or two readers, at the same moment.
"""

import ctypes
import mmap
import os
import platform
import sys
import threading
import time

START, UNIT, LEAST, MOST, VERSION = 512, 8, 64, 2**30 - 8, 1
MAGIC = int.from_bytes(b"mmapring", "little")
SKIP = 2**32 - 1

# Indices of 32-bit words, and in OWNERS of 64-bit words.
VERSION_WORD, CAPACITY_WORD, WRITE, READ, READER_ASLEEP, WRITER_ASLEEP = 2, 3, 32, 64, 96, 112
OWNERS = {"write": 8, "read": 12}

FUTEX = {"x86_64": 202, "aarch64": 98}.get(platform.machine()) if sys.platform == "linux" else None
FUTEX_WAIT, FUTEX_WAKE = 0, 1
libc = ctypes.CDLL(None)


class TimeSpec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


def birth_of(thread: int) -> int:
    """A number that tells a thread from all others with the same id. 0 if it does not run, or cannot be looked at."""
    try:
        with open(f"/proc/{thread}/task/{thread}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
        with open("/proc/sys/kernel/random/boot_id") as file:
            text = f"{file.read().strip()}.{fields[19]}"
    except OSError:
        return 0
    if fields[0] in "ZX":
        return 0
    checksum = 0x811C9DC5
    for byte in text.encode():
        checksum = (checksum ^ byte) * 0x01000193 % 2**32
    return checksum


def space() -> int:
    """The number of the PID namespace, in which thread ids are valid."""
    try:
        return int(os.readlink("/proc/self/ns/pid")[len("pid:["):-1])
    except OSError:
        return 0


def is_running(owner: int, owners_space: int) -> bool:
    thread, birth = owner % 2**32, owner >> 32
    if owners_space not in (0, space()):
        return True  # it cannot be known from here
    try:
        os.kill(thread, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return birth == 0 or birth_of(thread) == birth


class Ring:
    """One end of a ring in a file."""

    def __init__(self, path: str, end: str, create: bool = False):
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        view = memoryview(self.memory)
        if len(view) < START + LEAST:
            raise ValueError("the memory is too short")
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.words, self.longs = view[:START].cast("I"), view[:START].cast("Q")
        self.end = end
        if create and self.longs[0] != MAGIC:
            self.claim()  # first, so that nobody else makes a ring here meanwhile
            self.words[VERSION_WORD] = VERSION
            self.words[CAPACITY_WORD] = min((len(view) - START) // UNIT * UNIT, MOST)
            self.longs[0] = MAGIC
        if self.longs[0] != MAGIC:
            raise ValueError("there is no ring")
        if self.words[VERSION_WORD] != VERSION:
            raise ValueError("the ring has another version")
        self.capacity = self.words[CAPACITY_WORD]
        if not LEAST <= self.capacity <= min(MOST, len(view) - START) or self.capacity % UNIT:
            raise ValueError("the ring has a wrong length")
        self.records = view[START:START + self.capacity]
        self.lengths = self.records.cast("I")
        self.claim()
        self.mine, self.other = (WRITE, READ) if end == "write" else (READ, WRITE)
        self.asleep, self.others_asleep = WRITER_ASLEEP, READER_ASLEEP
        if end == "read":
            self.asleep, self.others_asleep = READER_ASLEEP, WRITER_ASLEEP
        self.position = self.words[self.mine]

    def claim(self) -> None:
        at, thread = OWNERS[self.end], threading.get_native_id()
        self.owner = birth_of(thread) << 32 | thread
        seen = self.longs[at]
        if seen not in (0, self.owner) and is_running(seen, self.words[2 * at + 2]):
            raise ValueError("somebody else has this end of the ring")
        self.longs[at] = self.owner
        self.words[2 * at + 2], self.words[2 * at + 3] = space(), 0

    def close(self) -> None:
        if self.longs[OWNERS[self.end]] == self.owner:
            self.longs[OWNERS[self.end]] = 0

    def used(self) -> int:
        """How many bytes of records are in the ring."""
        positions = [self.position, self.words[self.other]]
        read, write = positions if self.end == "read" else reversed(positions)
        used = (write - read) % (2 * self.capacity)
        if max(positions) >= 2 * self.capacity or used > self.capacity or positions[1] % UNIT:
            raise ValueError("the positions are none")
        return used

    def move(self, size: int) -> None:
        """Moves this end on, and wakes the other end if it sleeps. The new position is stored after everything else."""
        self.position = (self.position + size) % (2 * self.capacity)
        self.words[self.mine] = self.position
        wanted = self.words[self.others_asleep]
        if wanted and (self.end == "write" or self.capacity - self.used() >= wanted):
            self.words[self.others_asleep] = 0
            self.futex(self.others_asleep, FUTEX_WAKE, 2**31 - 1)

    def futex(self, word: int, operation: int, value: int) -> None:
        timeout = TimeSpec(0, 100_000_000)
        arguments = (ctypes.c_long(number) for number in (FUTEX, self.address + 4 * word, operation, value))
        libc.syscall(*arguments, ctypes.byref(timeout), None, 0)

    def wait(self, is_so, value: int) -> None:
        """Sleeps for a moment, unless `is_so()`. If the other end sees in time that this one sleeps, it wakes it."""
        self.words[self.asleep] = value
        if not is_so():
            if FUTEX:
                self.futex(self.asleep, FUTEX_WAIT, value)
            else:
                time.sleep(0.001)
        self.words[self.asleep] = 0

    def write(self, message: bytes) -> None:
        """Copies a message into the ring, and waits for room if there is none."""
        size = (UNIT + len(message) + UNIT - 1) // UNIT * UNIT
        if size > self.capacity:
            raise ValueError(f"{len(message)} bytes are too long for this ring")
        while True:
            place = self.position % self.capacity
            rest = self.capacity - place
            wanted = size if size <= rest else rest + size
            free = self.capacity - self.used()
            if free >= wanted:
                break
            if wanted > self.capacity and free >= rest:
                self.lengths[place // 4] = SKIP
                self.move(rest)
                continue
            least = min(wanted, rest) if wanted > self.capacity else wanted
            self.wait(lambda: self.capacity - self.used() >= least, max(least, self.capacity // 2))
        if size > rest:
            self.lengths[place // 4] = SKIP
            place = 0
        self.lengths[place // 4] = len(message)
        self.records[place + UNIT:place + UNIT + len(message)] = message
        self.move(wanted)

    def read(self) -> bytes:
        """Returns a copy of the next message, and waits for it if there is none."""
        while True:
            used = self.used()
            if used == 0:
                self.wait(lambda: self.used() > 0, 1)
                continue
            place = self.position % self.capacity
            length = self.lengths[place // 4]
            if length == SKIP and 0 < place and self.capacity - place <= used:
                self.move(self.capacity - place)
                continue
            if length > used - UNIT or length > self.capacity - place - UNIT:
                raise ValueError(f"a message of {length} bytes, which cannot be")
            message = bytes(self.records[place + UNIT:place + UNIT + length])
            self.move((UNIT + length + UNIT - 1) // UNIT * UNIT)
            return message


def main() -> None:
    if len(sys.argv) != 3 or sys.argv[1] not in ("create", "write", "read"):
        sys.exit("usage: lines.py create|write|read FILE")
    role, path = sys.argv[1:]
    ring = Ring(path, "read" if role == "read" else "write", role == "create")
    if role == "read":
        while message := ring.read():
            sys.stdout.buffer.write(message + b"\n")
    else:
        for line in sys.stdin.buffer:
            ring.write(line.rstrip(b"\n"))
        ring.write(b"")
    ring.close()


main()
