// What the same system calls cost in C. Reads lines of "case milliseconds", measures for that long, and answers each
// with the median and the mean of the samples, in nanoseconds per run. For a case that it does not have, the answer is
// "none". A sample is one run, or as many as take 20 µs.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KIB 1024L
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define PAGE 4096L

static const char *directory;
static volatile unsigned long sink;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000L + time.tv_nsec;
}

static long must(long result, const char *what) {
  if (result != -1) return result;
  perror(what);
  exit(1);
}

/* A file among those that the benchmark has made. */
static char *path_of(const char *name) {
  static char path[8192];
  snprintf(path, sizeof path, "%s/%s", directory, name);
  return path;
}

static void read_pages(const unsigned char *bytes, long length) {
  unsigned long sum = 0;
  for (long at = 0; at < length; at += PAGE) sum += bytes[at];
  sink = sum;
}

static void write_pages(unsigned char *bytes, long length) {
  for (long at = 0; at < length; at += PAGE) bytes[at] = 1;
}

static void *map_or_die(long length, int protection, int flags, int fd) {
  void *bytes = mmap(NULL, length, protection, flags, fd, 0);
  if (bytes != MAP_FAILED) return bytes;
  perror("mmap");
  exit(1);
}

/* Opens, maps all of it, touches every page, unmaps, closes. */
static void map_file(const char *name) {
  int fd = must(open(path_of(name), O_RDONLY | O_CLOEXEC), "open");
  struct stat status;
  must(fstat(fd, &status), "fstat");
  unsigned char *bytes = map_or_die(status.st_size, PROT_READ, MAP_PRIVATE, fd);
  read_pages(bytes, status.st_size);
  must(munmap(bytes, status.st_size), "munmap");
  close(fd);
}

static void map_1m(void) { map_file("1m"); }
static void map_4k(void) { map_file("4k"); }

static void anonymous(void) {
  unsigned char *bytes = map_or_die(MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  write_pages(bytes, MIB);
  must(munmap(bytes, MIB), "munmap");
}

/* Doubles a file of 4 KiB on tmpfs and its mapping until they have 1 GiB; one byte of what is new is stored to each time. */
static void resize_memory(void) {
  char path[64];
  snprintf(path, sizeof path, "/dev/shm/mmap-bench-grow.%d", getpid());
  int fd = must(open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), "open");
  must(ftruncate(fd, PAGE), "ftruncate");
  unsigned char *bytes = map_or_die(PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
  long length = PAGE;
  for (; length < GIB; length *= 2) {
    must(ftruncate(fd, length * 2), "ftruncate");
    bytes = mremap(bytes, length, length * 2, MREMAP_MAYMOVE);
    if (bytes == MAP_FAILED) must(-1, "mremap");
    bytes[length] = 1;
  }
  must(munmap(bytes, length), "munmap");
  close(fd);
  unlink(path);
}

/* The file of 1 GiB, mapped once for all cases that need it, and warm. */
static unsigned char *text(void) {
  static unsigned char *bytes;
  if (bytes) return bytes;
  int fd = must(open(path_of("1g"), O_RDONLY | O_CLOEXEC), "open");
  bytes = map_or_die(GIB, PROT_READ, MAP_PRIVATE, fd);
  close(fd);
  read_pages(bytes, GIB);
  return bytes;
}

static void flush_page(void) {
  static volatile unsigned char *bytes;
  static long at;
  if (!bytes) {
    int fd = must(open(path_of("1g"), O_RDWR | O_CLOEXEC), "open");
    bytes = map_or_die(GIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
    close(fd);
  }
  at = (at + 7919 * PAGE) % GIB;
  bytes[at] = bytes[at];
  must(msync((void *)bytes, GIB, MS_SYNC), "msync");
}

/* Maps one page while so many other mappings are there, of one descriptor. */
static void map_among(long others) {
  static void *open_ones[10000];
  static long count;
  static int fd = -1;
  struct stat status;
  if (fd == -1) fd = must(open(path_of("4k"), O_RDONLY | O_CLOEXEC), "open");
  while (count < others) open_ones[count++] = map_or_die(PAGE, PROT_READ, MAP_PRIVATE, fd);
  while (count > others) must(munmap(open_ones[--count], PAGE), "munmap");
  must(fstat(fd, &status), "fstat");
  void *bytes = map_or_die(status.st_size, PROT_READ, MAP_PRIVATE, fd);
  read_pages(bytes, status.st_size);
  must(munmap(bytes, status.st_size), "munmap");
}

static void many_0(void) { map_among(0); }
static void many_10000(void) { map_among(10000); }

/* Opens a file, locks it alone, unlocks it, closes it. */
static void lock(void) {
  int fd = must(open(path_of("4k"), O_WRONLY | O_CLOEXEC), "open");
  struct flock part = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  must(fcntl(fd, F_OFD_SETLK, &part), "fcntl");
  part.l_type = F_UNLCK;
  must(fcntl(fd, F_OFD_SETLK, &part), "fcntl");
  close(fd);
}

/* Opens, maps all of it, reads its first byte, unmaps, closes. */
static void look(const char *name) {
  int fd = must(open(path_of(name), O_RDONLY | O_CLOEXEC), "open");
  struct stat status;
  must(fstat(fd, &status), "fstat");
  unsigned char *bytes = map_or_die(status.st_size, PROT_READ, MAP_PRIVATE, fd);
  sink = bytes[0];
  must(munmap(bytes, status.st_size), "munmap");
  close(fd);
}

static void look_4k(void) { look("4k"); }
static void look_1m(void) { look("1m"); }
static void look_1g(void) { look("1g"); }

static void find(const char *needle) { sink = (unsigned long)memmem(text(), GIB, needle, strlen(needle)); }

static void find_byte(void) { sink = (unsigned long)memchr(text(), 1, GIB); }
static void find_string(void) { find("needle in a haystack"); }
static void find_short(void) { find("qqqq"); }
static void find_rare(void) { find("eqq7"); }

static uint64_t random_state = 88172645463325252ULL;
static long random_offset(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state % (GIB - 64);
}

#define READS 1000

static void add_64(const unsigned char *bytes) {
  unsigned long sum = 0;
  for (int at = 0; at < 64; at++) sum += bytes[at];
  sink += sum;
}

/* So many reads of 64 bytes each. */
static void random_mapped(void) {
  for (int count = 0; count < READS; count++) add_64(text() + random_offset());
}

/* What is done, and how many times a call does it. */
static const struct {
  const char *name;
  void (*run)(void);
  long runs;
} cases[] = {
    {"map-1m", map_1m, 1},
    {"map-4k", map_4k, 1},
    {"anonymous", anonymous, 1},
    {"resize-memory", resize_memory, 1},
    {"flush", flush_page, 1},
    {"many-0", many_0, 1},
    {"many-10000", many_10000, 1},
    {"lock", lock, 1},
    {"look-4k", look_4k, 1},
    {"look-1m", look_1m, 1},
    {"look-1g", look_1g, 1},
    {"find-byte", find_byte, 1},
    {"find-string", find_string, 1},
    {"find-short", find_short, 1},
    {"find-rare", find_rare, 1},
    {"random", random_mapped, READS},
};

static int ascending(const void *one, const void *other) {
  int64_t a = *(const int64_t *)one, b = *(const int64_t *)other;
  return (a > b) - (a < b);
}

#define MOST_SAMPLES 100000
#define SAMPLE 20000

static int64_t time_of(void (*run)(void), long batch) {
  int64_t start = now();
  for (long done = 0; done < batch; done++) run();
  return now() - start;
}

static void measure(void (*run)(void), long runs, double milliseconds) {
  static int64_t times[MOST_SAMPLES];
  int64_t total = 0, once = time_of(run, 1), end = now() + milliseconds * 1e6;
  long batch = once > 0 && once < SAMPLE ? (SAMPLE + once - 1) / once : 1, samples = 0;
  do total += times[samples++] = time_of(run, batch);
  while (now() < end && samples < MOST_SAMPLES);
  qsort(times, samples, sizeof *times, ascending);
  printf("%.3f %.3f\n", (double)times[samples / 2] / batch / runs, (double)total / samples / batch / runs);
}

int main(int count, char **arguments) {
  (void)count;
  char line[256], name[128];
  double milliseconds;
  directory = arguments[1];
  while (fgets(line, sizeof line, stdin)) {
    size_t at = 0, known = sizeof cases / sizeof *cases;
    if (sscanf(line, "%127s %lf", name, &milliseconds) != 2) return 1;
    while (at < known && strcmp(cases[at].name, name) != 0) at++;
    if (at < known) measure(cases[at].run, cases[at].runs, milliseconds);
    else printf("none\n");
    fflush(stdout);
  }
}
