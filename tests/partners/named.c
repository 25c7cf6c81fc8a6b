// A partner of named_partners_test.ts in C: named create|open NAME. See named.py for what it does.
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COUNT = 1000, SIZE = 64 + 8 * COUNT };

static int fail(const char *what) {
  perror(what);
  return 1;
}

static int wait_for(_Atomic int *flag, int value) {
  for (int milliseconds = 0; atomic_load(flag) != value; milliseconds++) {
    if (milliseconds > 30000) return 0;
    usleep(1000);
  }
  return 1;
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  const int creates = strcmp(arguments[1], "create") == 0;
  char name[300];
  snprintf(name, sizeof name, "/%s", arguments[2]);

  const int descriptor = shm_open(name, creates ? O_RDWR | O_CREAT | O_EXCL : O_RDWR, 0600);
  if (descriptor == -1) return fail("shm_open");
  if (creates && ftruncate(descriptor, SIZE) == -1) return fail("ftruncate");
  void *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED) return fail("mmap");
  _Atomic int *flag = memory;
  double *numbers = (double *)((char *)memory + 64);

  if (!creates) {
    if (!wait_for(flag, 1)) return 3;
    for (int index = 0; index < COUNT; index++) numbers[index] *= 2;
    atomic_store(flag, 2);
    return 0;
  }
  for (int index = 0; index < COUNT; index++) numbers[index] = index;
  atomic_store(flag, 1);
  if (!wait_for(flag, 2)) return 3;
  for (int index = 0; index < COUNT; index++) {
    if (numbers[index] != 2.0 * index) return 4;
  }
  return shm_unlink(name) == -1 ? fail("shm_unlink") : 0;
}
