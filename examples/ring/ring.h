/* Rings of @region/mmap/ring in C11. docs/ring.md says what the memory holds. This is for Linux. Other systems do not
 * have its futexes: there, ring_wait() would have to sleep for a moment instead.
 *
 *     struct ring ring;
 *     const char *trouble = ring_open(&ring, memory, length, RING_READER);
 *     uint32_t size;
 *     const void *message = ring_peek(&ring, &size); // NULL: nothing there
 *     ring_consume(&ring);
 *     ring_close(&ring);
 */
#pragma once
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { RING_START = 512, RING_UNIT = 8, RING_LEAST = 64, RING_VERSION = 1 };
#define RING_MOST ((1u << 30) - RING_UNIT)
#define RING_MAGIC 0x676e697270616d6dull /* "mmapring" */
#define RING_SKIP UINT32_MAX

enum ring_end { RING_WRITER, RING_READER };

struct ring_owner {
  _Atomic uint64_t thread; /* its number below, its birth above */
  _Atomic uint32_t space, ticket;
  uint64_t unused[2];
};

/* The memory: a head, and then the records. */
struct ring_head {
  _Atomic uint64_t magic;
  uint32_t version, capacity;
  uint8_t unused0[48];
  struct ring_owner owners[2];
  _Alignas(128) _Atomic uint32_t write;
  _Alignas(128) _Atomic uint32_t read;
  _Alignas(128) _Atomic uint32_t reader_asleep;
  _Alignas(64) _Atomic uint32_t writer_asleep;
  _Alignas(64) uint8_t records[];
};
_Static_assert(sizeof(struct ring_head) == RING_START, "the layout of docs/ring.md");

/* One end of a ring. */
struct ring {
  struct ring_head *head;
  enum ring_end end;
  uint32_t capacity;
  uint32_t position; /* where this end is */
  uint32_t other;    /* where the other end was when this one last looked */
  uint32_t record;   /* the size of the record that ring_peek() found */
  uint64_t thread;
};

/* ---------------------------------------------------------------- who is who */

static inline uint32_t ring_checksum(const char *text) {
  uint32_t sum = 0x811c9dc5;
  for (; *text; text++) sum = (sum ^ (uint8_t)*text) * 0x01000193;
  return sum;
}

static inline bool ring_read_file(const char *path, char *text, size_t size) {
  FILE *file = fopen(path, "r");
  if (!file) return false;
  size_t length = fread(text, 1, size - 1, file);
  fclose(file);
  text[length] = 0;
  return length > 0;
}

/* A number that tells a thread from all others with the same id. 0 if it does not run, or cannot be looked at. */
static inline uint32_t ring_birth(uint32_t thread) {
  char path[64], stat[1024], boot[64], text[128];
  snprintf(path, sizeof path, "/proc/%u/task/%u/stat", thread, thread);
  if (!ring_read_file(path, stat, sizeof stat)) return 0;
  if (!ring_read_file("/proc/sys/kernel/random/boot_id", boot, sizeof boot)) return 0;
  boot[strcspn(boot, "\n")] = 0;
  char *at = strrchr(stat, ')') + 2; /* the state, field 3 */
  if (*at == 'Z' || *at == 'X') return 0;
  for (int field = 3; field < 22; field++) at = strchr(at, ' ') + 1;
  snprintf(text, sizeof text, "%s.%llu", boot, strtoull(at, NULL, 10));
  return ring_checksum(text);
}

/* The number of the PID namespace, in which thread ids are valid. */
static inline uint32_t ring_space(void) {
  char text[64] = "";
  ssize_t length = readlink("/proc/self/ns/pid", text, sizeof text - 1);
  char *number = length > 0 ? strchr(text, '[') : NULL;
  return number ? (uint32_t)strtoul(number + 1, NULL, 10) : 0;
}

static inline bool ring_is_running(uint64_t owner, uint32_t space) {
  uint32_t thread = (uint32_t)owner, birth = owner >> 32;
  if (space && space != ring_space()) return true; /* it cannot be known from here */
  if (kill((pid_t)thread, 0) == -1 && errno == ESRCH) return false;
  return birth == 0 || ring_birth(thread) == birth;
}

/* Takes an end for this thread, if nobody has it. Give it back with ring_close() before the thread ends. */
static inline bool ring_claim(struct ring *ring) {
  struct ring_owner *owner = &ring->head->owners[ring->end];
  uint32_t number = (uint32_t)syscall(SYS_gettid);
  ring->thread = (uint64_t)ring_birth(number) << 32 | number;
  uint64_t seen = atomic_load(&owner->thread);
  if (seen && ring_is_running(seen, owner->space)) return false;
  if (!atomic_compare_exchange_strong(&owner->thread, &seen, ring->thread)) return false;
  owner->space = ring_space();
  owner->ticket = 0;
  return true;
}

static inline void ring_close(struct ring *ring) {
  uint64_t mine = ring->thread;
  atomic_compare_exchange_strong(&ring->head->owners[ring->end].thread, &mine, 0);
}

/* ---------------------------------------------------------------- opening */

/* How many bytes lie between two positions. UINT32_MAX if a ring cannot have these positions. */
static inline uint32_t ring_distance(uint32_t from, uint32_t to, uint32_t capacity) {
  if (from >= 2 * capacity || to >= 2 * capacity || (from | to) % RING_UNIT) return UINT32_MAX;
  uint32_t bytes = to >= from ? to - from : to + 2 * capacity - from;
  return bytes <= capacity ? bytes : UINT32_MAX;
}

/* Opens one end of the ring in some memory. Returns what is wrong, or NULL. */
static inline const char *ring_open(struct ring *ring, void *memory, size_t length, enum ring_end end) {
  struct ring_head *head = memory;
  if (length < RING_START + RING_LEAST) return "the memory is too short";
  if (atomic_load(&head->magic) != RING_MAGIC) return "there is no ring";
  if (head->version != RING_VERSION) return "the ring has another version";
  uint32_t capacity = head->capacity;
  if (capacity < RING_LEAST || capacity > RING_MOST || capacity % RING_UNIT) return "no ring is that long";
  if (RING_START + (size_t)capacity > length) return "the memory is shorter than its ring";
  *ring = (struct ring){.head = head, .end = end, .capacity = capacity};
  if (!ring_claim(ring)) return "somebody else has this end of the ring";
  uint32_t write = atomic_load(&head->write), read = atomic_load(&head->read);
  ring->position = end == RING_WRITER ? write : read;
  ring->other = end == RING_WRITER ? read : write;
  if (ring_distance(read, write, capacity) != UINT32_MAX) return NULL;
  ring_close(ring);
  return "the positions are none";
}

/* Makes a ring in memory that is all zeros, and opens it for writing. */
static inline const char *ring_create(struct ring *ring, void *memory, size_t length) {
  struct ring_head *head = memory;
  if (length < RING_START + RING_LEAST) return "the memory is too short";
  if (atomic_load(&head->magic) == RING_MAGIC) return ring_open(ring, memory, length, RING_WRITER);
  /* Take the end first, so that nobody else makes a ring here meanwhile. */
  *ring = (struct ring){.head = head, .end = RING_WRITER};
  if (!ring_claim(ring)) return "somebody else has this end of the ring";
  size_t capacity = (length - RING_START) / RING_UNIT * RING_UNIT;
  head->version = RING_VERSION;
  head->capacity = capacity < RING_MOST ? (uint32_t)capacity : RING_MOST;
  atomic_store(&head->magic, RING_MAGIC);
  ring_close(ring);
  return ring_open(ring, memory, length, RING_WRITER);
}

/* ---------------------------------------------------------------- moving on */

static inline uint32_t ring_place(const struct ring *ring) {
  return ring->position < ring->capacity ? ring->position : ring->position - ring->capacity;
}

static inline uint32_t *ring_word(const struct ring *ring, uint32_t place) {
  return (uint32_t *)(ring->head->records + place);
}

static inline uint32_t ring_record(uint32_t length) {
  return (RING_UNIT + length + RING_UNIT - 1) & -RING_UNIT;
}

/* Moves this end on, and wakes the other one if it sleeps. Whoever sees the new position also sees the record. */
static inline void ring_move(struct ring *ring, uint32_t size) {
  bool writes = ring->end == RING_WRITER;
  ring->position += size;
  if (ring->position >= 2 * ring->capacity) ring->position -= 2 * ring->capacity;
  atomic_store(writes ? &ring->head->write : &ring->head->read, ring->position);
  _Atomic uint32_t *asleep = writes ? &ring->head->reader_asleep : &ring->head->writer_asleep;
  uint32_t wanted = atomic_load(asleep);
  if (!wanted) return;
  /* A writer that sleeps has said how much room it waits for. */
  if (!writes && ring->capacity - ring_distance(ring->position, ring->other, ring->capacity) < wanted) return;
  if (atomic_exchange(asleep, 0)) syscall(SYS_futex, asleep, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* How many bytes of records are in the ring. Ends the program if somebody has stored nonsense. */
static inline uint32_t ring_used(struct ring *ring) {
  bool writes = ring->end == RING_WRITER;
  ring->other = atomic_load(writes ? &ring->head->read : &ring->head->write);
  uint32_t used = writes ? ring_distance(ring->other, ring->position, ring->capacity)
                         : ring_distance(ring->position, ring->other, ring->capacity);
  if (used != UINT32_MAX) return used;
  fprintf(stderr, "ring: wrong positions\n");
  abort();
}

/* Copies a message into the ring. Returns false if there is no room. Then `*wanted` is how much room to wait for. */
static inline bool ring_try_write(struct ring *ring, const void *message, uint32_t length, uint32_t *wanted) {
  uint32_t size = ring_record(length), place = ring_place(ring), rest = ring->capacity - place;
  uint32_t all = size <= rest ? size : rest + size;
  uint32_t used = ring_distance(ring->other, ring->position, ring->capacity);
  if (ring->capacity - used < all && ring->capacity - (used = ring_used(ring)) < all) {
    *wanted = all <= ring->capacity ? all : rest;
    if (all > ring->capacity && ring->capacity - used >= rest) {
      *ring_word(ring, place) = RING_SKIP;
      ring_move(ring, rest);
      *wanted = size;
    }
    return false;
  }
  if (size > rest) {
    *ring_word(ring, place) = RING_SKIP;
    place = 0;
  }
  *ring_word(ring, place) = length;
  memcpy(ring->head->records + place + RING_UNIT, message, length);
  ring_move(ring, all);
  return true;
}

/* Returns the next message in the ring itself, which is valid until ring_consume(), or NULL if there is none. */
static inline const void *ring_peek(struct ring *ring, uint32_t *length) {
  for (;;) {
    uint32_t used = ring_distance(ring->position, ring->other, ring->capacity);
    if (used == 0 && (used = ring_used(ring)) == 0) return NULL;
    uint32_t place = ring_place(ring), rest = ring->capacity - place, found = *ring_word(ring, place);
    if (found == RING_SKIP && place > 0 && rest <= used) {
      ring_move(ring, rest);
      continue;
    }
    if (found > used - RING_UNIT || found > rest - RING_UNIT) {
      fprintf(stderr, "ring: a message of %u bytes, which cannot be\n", found);
      abort();
    }
    *length = found;
    ring->record = ring_record(found);
    return ring->head->records + place + RING_UNIT;
  }
}

static inline void ring_consume(struct ring *ring) {
  ring_move(ring, ring->record);
}

/* Sleeps for a moment at most, unless there is a message (for a reader) or that much room (for a writer). */
static inline void ring_wait(struct ring *ring, uint32_t wanted) {
  bool writes = ring->end == RING_WRITER;
  for (int spins = 0; spins < 200; spins++) {
    uint32_t used = ring_used(ring);
    if (writes ? ring->capacity - used >= wanted : used > 0) return;
  }
  /* A writer is woken when at least half the ring is free, and not for every single record. */
  uint32_t value = !writes ? 1 : wanted > ring->capacity / 2 ? wanted : ring->capacity / 2;
  _Atomic uint32_t *asleep = writes ? &ring->head->writer_asleep : &ring->head->reader_asleep;
  /* Store this before the last look, so that whoever moves on after the look sees it. */
  atomic_store(asleep, value);
  uint32_t used = ring_used(ring);
  /* The other end may be killed before it can wake this one. So this one looks by itself now and then. */
  struct timespec longest = {0, 100000000};
  if (writes ? ring->capacity - used < wanted : used == 0) {
    syscall(SYS_futex, asleep, FUTEX_WAIT, value, &longest, NULL, 0);
  }
  atomic_store(asleep, 0);
}

/* Like ring_try_write(), but waits for room. The message must not be longer than ring->capacity - RING_UNIT. */
static inline void ring_write(struct ring *ring, const void *message, uint32_t length) {
  uint32_t wanted;
  while (!ring_try_write(ring, message, length, &wanted)) ring_wait(ring, wanted);
}

/* Like ring_peek(), but waits for a message. */
static inline const void *ring_read(struct ring *ring, uint32_t *length) {
  const void *message;
  while (!(message = ring_peek(ring, length))) ring_wait(ring, 0);
  return message;
}
