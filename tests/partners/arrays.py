# numpy's arrays. `write DIRECTORY` saves some of each kind, and prints as JSON what is in them. `look PATH...` prints
# what numpy finds in files, and adds 1 to all of it. `create JSON` makes some with open_memmap.
import json
import sys

import numpy
from numpy.lib import format

TYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]
OTHERS = {
    "big-endian": numpy.zeros((2, 2), ">f4"),
    "structured": numpy.zeros(3, [("a", "<f4"), ("b", "<i8", (2,))]),
    "date": numpy.zeros(3, "M8[ns]"),
    "text": numpy.array(["text"]),
    "bytes": numpy.array([b"text"]),
    "void": numpy.zeros(2, "V2"),
    "object": numpy.array([None, {}], object),
    "long double": numpy.zeros(2, numpy.longdouble),
}


def plain(array):
    """The numbers as JSON has them: integers of 64 bits as texts, and complex numbers as pairs."""
    flat = array.ravel().tolist()
    if array.dtype.kind == "c":
        return [part for number in flat for part in (number.real, number.imag)]
    return [str(number) if array.dtype.itemsize == 8 and array.dtype.kind in "iu" else number for number in flat]


def described(array):
    return {
        "descr": array.dtype.str,
        "shape": array.shape,
        "fortran": bool(array.flags.f_contiguous and not array.flags.c_contiguous),
        "values": plain(array),
    }


def numbers(name, shape):
    array = (numpy.arange(numpy.prod(shape, dtype=int)) % 120).reshape(shape).astype(name)
    if array.dtype.kind == "c":
        array = array * (1 - 2j)
    if array.dtype.kind in "if":
        array = -array
    return array.astype(name)


def write(directory):
    files = []
    for index, name in enumerate(TYPES):
        for shape in [(), (3,), (2, 3, 4), (2, 0, 3)]:
            for order in "CF":
                version = (1 + (index + len(shape)) % 3, 0)
                array = numpy.array(numbers(name, shape), order=order)
                path = f"{directory}/{len(files)}.npy"
                with open(path, "wb") as file:
                    format.write_array(file, array, version=version)
                files.append({"path": path, "order": order, "version": version[0], **described(array)})
    others = []
    for name, array in OTHERS.items():
        path = f"{directory}/{name}.npy"
        numpy.save(path, array, allow_pickle=True)
        others.append({"path": path, "descr": str(format.dtype_to_descr(array.dtype))})
    return {"files": files, "others": others}


def look(*paths):
    found = []
    for path in paths:
        array = numpy.load(path, mmap_mode="r+")
        found.append(described(array))
        array[...] = array + array.dtype.type(1)
        array.flush()
    return found


def create(wanted):
    for one in json.loads(wanted):
        format.open_memmap(one["path"], "w+", one["descr"], tuple(one["shape"]), one["fortran"]).flush()


COMMANDS = {"write": write, "look": look, "create": create}
print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
