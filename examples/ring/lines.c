/* One end of a ring, in C. `lines write FILE` reads lines from stdin and sends them. `lines read FILE` prints the lines
 * that come, until an empty message ends them. `lines create FILE` first makes a ring in the file, which has to be all
 * zeros, and then sends lines. The file may also be memory with a name: /dev/shm/NAME.
 *
 *     cc -O2 lines.c -o lines && ./lines read ring.bin
 */
#include "ring.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

static void *map(const char *path, size_t *length) {
  int file = open(path, O_RDWR);
  struct stat status;
  if (file == -1 || fstat(file, &status) == -1) return MAP_FAILED;
  *length = (size_t)status.st_size;
  return mmap(NULL, *length, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
}

static void send_lines(struct ring *ring) {
  char *line = NULL;
  size_t size = 0;
  for (ssize_t length; (length = getline(&line, &size, stdin)) > 0;) {
    length -= line[length - 1] == '\n';
    ring_write(ring, line, (uint32_t)length);
  }
  ring_write(ring, "", 0);
}

static void print_lines(struct ring *ring) {
  for (uint32_t length;;) {
    const void *message = ring_read(ring, &length);
    if (length > 0) {
      fwrite(message, 1, length, stdout);
      putchar('\n');
    }
    ring_consume(ring);
    if (length == 0) return;
  }
}

int main(int count, char **arguments) {
  if (count != 3) return fprintf(stderr, "usage: lines create|write|read FILE\n"), 2;
  const char *role = arguments[1];
  size_t length;
  void *memory = map(arguments[2], &length);
  if (memory == MAP_FAILED) return perror(arguments[2]), 1;
  struct ring ring;
  const char *trouble = strcmp(role, "create") == 0 ? ring_create(&ring, memory, length)
                        : ring_open(&ring, memory, length, strcmp(role, "read") == 0 ? RING_READER : RING_WRITER);
  if (trouble) return fprintf(stderr, "%s: %s\n", arguments[2], trouble), 1;
  if (ring.end == RING_READER) print_lines(&ring);
  else send_lines(&ring);
  ring_close(&ring);
  return 0;
}
