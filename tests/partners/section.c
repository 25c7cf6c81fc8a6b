// A partner of named_partners_test.ts in C for Windows: section create|open|bigger NAME. See named.py for what it does;
// "bigger" makes the section of somebody else with another length.
#include <stdio.h>
#include <string.h>
#include <windows.h>

enum { COUNT = 1000, LENGTH = 64 + 8 * COUNT };

static int wait_for(volatile LONG *flag, LONG value) {
  for (int milliseconds = 0; InterlockedCompareExchange(flag, 0, 0) != value; milliseconds++) {
    if (milliseconds > 30000) return 0;
    Sleep(1);
  }
  return 1;
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  const char *name = arguments[2];
  const int opens = strcmp(arguments[1], "open") == 0;
  const int bigger = strcmp(arguments[1], "bigger") == 0;
  SetLastError(0);
  const HANDLE section = opens ? OpenFileMappingA(FILE_MAP_READ | FILE_MAP_WRITE, FALSE, name)
                               : CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, 0, bigger ? 1 << 20 : LENGTH, name);
  const DWORD error = GetLastError();
  if (section == NULL) return 10;
  char *memory = MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, 0);
  if (memory == NULL) return 11;
  if (bigger) {
    MEMORY_BASIC_INFORMATION information;
    VirtualQuery(memory, &information, sizeof information);
    return error == ERROR_ALREADY_EXISTS && information.RegionSize == 8192 ? 0 : 12;
  }
  volatile LONG *flag = (volatile LONG *)memory;
  double *numbers = (double *)(memory + 64);
  if (opens) {
    if (!wait_for(flag, 1)) return 3;
    for (int index = 0; index < COUNT; index++) numbers[index] *= 2;
    InterlockedExchange(flag, 2);
    return 0;
  }
  for (int index = 0; index < COUNT; index++) numbers[index] = index;
  InterlockedExchange(flag, 1);
  if (!wait_for(flag, 2)) return 3;
  for (int index = 0; index < COUNT; index++) {
    if (numbers[index] != 2.0 * index) return 4;
  }
  return 0;
}
