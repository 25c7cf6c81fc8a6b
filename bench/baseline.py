"""Python's own mmap, in the words of baseline.c: lines of "case milliseconds", answered with the median and the mean."""
import mmap
import os
import sys
import time

PAGE, MIB, GIB = 4096, 1 << 20, 1 << 30
DIRECTORY = sys.argv[1]


def file(name):
    return os.path.join(DIRECTORY, name)


def read_pages(memory):
    total = 0
    for at in range(0, len(memory), PAGE):
        total += memory[at]
    return total


def map_file(name):
    descriptor = os.open(file(name), os.O_RDONLY)
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as memory:
        read_pages(memory)
    os.close(descriptor)


def anonymous():
    with mmap.mmap(-1, MIB) as memory:
        for at in range(0, MIB, PAGE):
            memory[at] = 1


def double():
    path = "/dev/shm/mmap-bench-grow.%d" % os.getpid()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    os.ftruncate(descriptor, PAGE)
    memory, length = mmap.mmap(descriptor, PAGE), PAGE
    while length < GIB:
        memory.resize(length * 2)  # the file with it
        memory[length] = 1
        length *= 2
    memory.close()
    os.close(descriptor)
    os.unlink(path)


opened = {}


def text(access=mmap.ACCESS_READ):
    if access not in opened:
        descriptor = os.open(file("1g"), os.O_RDONLY if access == mmap.ACCESS_READ else os.O_RDWR)
        opened[access] = mmap.mmap(descriptor, 0, access=access)
        os.close(descriptor)
    return opened[access]


state = {"at": 0, "random": 88172645}


def flush():
    memory = text(mmap.ACCESS_WRITE)
    at = state["at"] = (state["at"] + 7919 * PAGE) % GIB
    memory[at] = memory[at]
    memory.flush()


def random_offset():
    state["random"] = state["random"] * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
    return (state["random"] >> 20) % (GIB - 64)


def random_reads():
    memory = text()
    for _ in range(1000):
        at = random_offset()
        sum(memory[at : at + 64])


def look(name):
    descriptor = os.open(file(name), os.O_RDONLY)
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as memory:
        memory[0]
    os.close(descriptor)


def find_all(needle):
    memory, at = text(), -1
    while (at := memory.find(needle, at + 1)) >= 0:
        pass


# What is done, and how many times a call does it.
CASES = {
    "map-1m": (lambda: map_file("1m"), 1),
    "map-4k": (lambda: map_file("4k"), 1),
    "anonymous": (anonymous, 1),
    "resize-memory": (double, 1),
    "flush": (flush, 1),
    "look-4k": (lambda: look("4k"), 1),
    "look-1m": (lambda: look("1m"), 1),
    "look-1g": (lambda: look("1g"), 1),
    "random": (random_reads, 1000),
    "find-byte": (lambda: text().find(b"\x01"), 1),
    "find-string": (lambda: text().find(b"needle in a haystack"), 1),
    "find-short": (lambda: text().find(b"qqqq"), 1),
    "find-rare": (lambda: text().find(b"eqq7"), 1),
    "visit-lines": (lambda: find_all(b"\n"), 1),
    "visit-word": (lambda: find_all(b"the"), 1),
}


def time_of(run, batch):
    start = time.perf_counter_ns()
    for _ in range(batch):
        run()
    return time.perf_counter_ns() - start


def measure(run, runs, milliseconds):
    batch = max(1, 20000 // max(1, time_of(run, 1)))
    times = []
    end = time.perf_counter_ns() + milliseconds * 1e6
    while not times or time.perf_counter_ns() < end:
        times.append(time_of(run, batch) / batch / runs)
    times.sort()
    return "%.3f %.3f" % (times[len(times) // 2], sum(times) / len(times))


for line in sys.stdin:
    name, milliseconds = line.split()
    print(measure(*CASES[name], float(milliseconds)) if name in CASES else "none", flush=True)
