"""A partner of named_partners_test.ts in Python: named.py create|open|attach NAME plain|numpy

Word 0 is the flag: 1 when the numbers from byte 64 are there, 2 when each has been doubled.
"""
import sys
import time
from multiprocessing import resource_tracker, shared_memory

COUNT = 1000
role, name, way = sys.argv[1:]


def attach():
    """Attaches without becoming the owner: the owner is who made it."""
    if sys.version_info >= (3, 13):
        return shared_memory.SharedMemory(name, track=False)
    memory = shared_memory.SharedMemory(name)
    resource_tracker.unregister(memory._name, "shared_memory")
    return memory


if role == "attach":
    # What happens without that: the name is gone when this process ends.
    shared_memory.SharedMemory(name).close()
    sys.exit(0)

memory = attach() if role == "open" else shared_memory.SharedMemory(name, create=True, size=64 + 8 * COUNT)
flag = memory.buf[:4].cast("i")
if way == "numpy":
    import numpy

    numbers = numpy.ndarray((COUNT,), dtype=numpy.float64, buffer=memory.buf, offset=64)
else:
    numbers = memory.buf[64 : 64 + 8 * COUNT].cast("d")


def wait_for(value):
    end = time.monotonic() + 30
    while flag[0] != value:
        if time.monotonic() > end:
            sys.exit("nobody came")
        time.sleep(0.001)


if role == "create":
    for index in range(COUNT):
        numbers[index] = index
    flag[0] = 1
    wait_for(2)
    good = all(numbers[index] == 2 * index for index in range(COUNT))
else:
    wait_for(1)
    if way == "numpy":
        numbers *= 2
    else:
        for index in range(COUNT):
            numbers[index] *= 2
    flag[0] = 2
    good = True

# The memory closes only when nothing is laid over it.
if way == "numpy":
    del numbers
else:
    numbers.release()
flag.release()
memory.close()
if role == "create":
    memory.unlink()
sys.exit(None if good else "wrong numbers")
