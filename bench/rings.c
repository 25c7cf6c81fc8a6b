// A ring between two processes in C: `rings LENGTH COUNT` streams so many messages, and prints nanoseconds per message.
#include "../examples/ring/ring.h"

#include <sys/mman.h>
#include <sys/wait.h>

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void check(const char *trouble) {
  if (!trouble) return;
  fprintf(stderr, "%s\n", trouble);
  exit(1);
}

int main(int count, char **arguments) {
  if (count != 3) return fprintf(stderr, "usage: rings LENGTH COUNT\n"), 2;
  uint32_t length = (uint32_t)atol(arguments[1]);
  long messages = atol(arguments[2]);
  size_t size = 1 << 20;
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return perror("mmap"), 1;
  struct ring ring;
  check(ring_create(&ring, memory, size));
  pid_t reader = fork();
  if (reader == 0) {
    check(ring_open(&ring, memory, size, RING_READER));
    unsigned long sum = 0;
    for (long read = 0; read < messages; read++) {
      uint32_t found;
      const unsigned char *message = ring_read(&ring, &found);
      sum += message[0] + found;
      ring_consume(&ring);
    }
    return sum == 0;
  }
  unsigned char *message = calloc(1, length);
  int64_t start = now();
  for (long written = 0; written < messages; written++) ring_write(&ring, message, length);
  while (ring_used(&ring) > 0) usleep(10);
  printf("%f\n", (double)(now() - start) / (double)messages);
  int status;
  waitpid(reader, &status, 0);
  return status != 0;
}
