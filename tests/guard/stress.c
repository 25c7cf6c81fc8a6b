// A stress test of the guard's handler for Linux, without a runtime: stress HANDLER SECONDS [alone]. HANDLER is a file
// with the handler's bytes. "alone" refuses it the kernel's help with copying, as some containers do. Eight threads
// fault in every possible way, on signal stacks as small as Deno's. Meanwhile another thread cuts files, and protects,
// resizes and blanks what they touch, and yet another sends signals. Nothing may die, what was not lost has to keep its
// bytes, and every lost store has to be counted.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { CODE = 64, HEADER = 0x10000, TABLE = 0x20000, CAPACITY = 64 }; // layout.S
enum { MAKE_WRITABLE = 1, UNCOUNTED = 2, STORED = 4 };
enum { THREADS = 8, PAGES = 64, PLACES = 4096 };

struct entry {
  _Atomic uint64_t start, end;
  _Atomic int32_t sequence, faults;
  _Atomic uint32_t unit;
  int32_t next;
};

static size_t page;
static struct entry *table;
static _Atomic int32_t *count;
static atomic_int ended;
/** How many signals the threads' stacks have room for: as many as in Deno. */
enum { DEPTH = 2 };
static atomic_ulong absorbed, shared_faults, private_faults, lost, chained, blanked, protections, resizes, signals;

#define CHECK(condition) ((condition) ? (void)0 : failed(#condition, __LINE__))

/** The stack may be the one for signals, which is too small for printf. */
static void failed(const char *condition, int line) {
  char number[] = {'0' + line / 100 % 10, '0' + line / 10 % 10, '0' + line % 10, ':', ' '};
  if (write(2, number, sizeof number) < 0 || write(2, condition, strlen(condition)) < 0 || write(2, "\n", 1) < 0) _exit(2);
  _exit(1);
}

// ------------------------------------------------------------------ the table, as table.ts has it

static struct entry *claim(void) {
  int32_t index = atomic_fetch_add(count, 1);
  CHECK(index < CAPACITY);
  return &table[index];
}

static void uncover(struct entry *entry) {
  if (entry->sequence & 1) atomic_fetch_add(&entry->sequence, 1);
}

static void cover(struct entry *entry, char *base, size_t length, uint32_t stores) {
  int stays = (entry->sequence & 1) && entry->start == (uint64_t)base;
  if (!stays) {
    uncover(entry);
    entry->start = (uint64_t)base;
  }
  entry->end = (uint64_t)base + length;
  entry->unit = page | stores;
  if (!stays) atomic_fetch_add(&entry->sequence, 1);
}

// ------------------------------------------------------------------ what is mapped

/** A byte of a file. Only the first bytes of each page are different: each thread stores to one of them. */
static char pattern(size_t at) {
  return (char)(at * 7 + at / page + 1);
}

static int file_of(size_t pages) {
  int descriptor = memfd_create("stress", MFD_CLOEXEC);
  CHECK(descriptor >= 0 && ftruncate(descriptor, pages * page) == 0);
  char *bytes = mmap(NULL, pages * page, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  CHECK(bytes != MAP_FAILED);
  for (size_t at = 0; at < pages * page; at++) bytes[at] = pattern(at);
  munmap(bytes, pages * page);
  return descriptor;
}

struct region {
  char *base;
  int file;
  struct entry *entry;
};

static struct region map(int protection, int flags, uint32_t stores) {
  // Twice the pages, so that nothing else gets the place where the region will grow.
  char *base = mmap(NULL, 2 * PAGES * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  struct region region = {base, file_of(2 * PAGES), claim()};
  CHECK(base != MAP_FAILED);
  CHECK(mmap(base, PAGES * page, protection, flags | MAP_FIXED, region.file, 0) == base);
  cover(region.entry, base, PAGES * page, stores);
  return region;
}

/** Private and read-only; shared; private and protected; cut short; cut short and read-only. */
static struct region only_read, shared, own, cut, cut_read;
/** Shared, cut, and blanked while it is touched. */
static _Atomic(char *) vanishing;
/** Of nobody that the guard knows. */
static char *foreign;

// ------------------------------------------------------------------ what the threads do

struct thread {
  pthread_t id;
  int number;
  unsigned random;
  char stores;
};

static _Thread_local sigjmp_buf escape;

/** The handler that was there before. */
static void on_foreign_fault(int signal, siginfo_t *info, void *context) {
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, NULL, &blocked);
  CHECK(sigismember(&blocked, signal) && sigismember(&blocked, SIGUSR1) && !sigismember(&blocked, SIGUSR2));
  CHECK((char *)info->si_addr == foreign);
  (void)context;
  siglongjmp(escape, 1);
}

static void on_signal(int signal) {
  volatile char used[512];
  used[0] = (char)signal;
  (void)used[0];
  atomic_fetch_add(&signals, 1);
}

static void check_pattern(struct region *region, size_t at) {
  char seen = *(volatile char *)(region->base + at);
  CHECK(seen == pattern(at));
}

static size_t pattern_at(struct thread *thread) {
  size_t of_page = THREADS + rand_r(&thread->random) % (page - THREADS);
  return rand_r(&thread->random) % PAGES * page + of_page;
}

/** Stores the next value to the thread's own byte of a page, and finds it there. */
static void store_and_look(struct thread *thread, struct region *region) {
  volatile char *at = region->base + rand_r(&thread->random) % PAGES * page + thread->number;
  *at = ++thread->stores;
  CHECK(*at == thread->stores);
}

static void touch(struct thread *thread, char *base) {
  volatile char *at = base + rand_r(&thread->random) % PAGES * page;
  if (rand_r(&thread->random) % 2) *at = 1;
  else (void)*at;
}

/** Faults with these signals blocked, as the previous handler expects it. */
static void fault_elsewhere(void) {
  sigset_t listened;
  sigemptyset(&listened);
  sigaddset(&listened, SIGUSR1);
  sigaddset(&listened, SIGWINCH);
  pthread_sigmask(SIG_BLOCK, &listened, NULL);
  if (sigsetjmp(escape, 1) == 0) {
    *(volatile char *)foreign = 1;
    CHECK(!"a foreign fault came back");
  }
  pthread_sigmask(SIG_UNBLOCK, &listened, NULL);
  atomic_fetch_add(&chained, 1);
}

static void *work(void *argument) {
  struct thread *thread = argument;
  // 8 KiB, of which each signal takes 3.3 with AVX-512. Beneath it is nothing.
  size_t frame = getauxval(AT_MINSIGSTKSZ);
  if (frame == 0) frame = 5120; // qemu does not say; as the kernel has it for arm64
  size_t size = DEPTH * frame + 1440, whole = (size + page - 1) / page * page;
  char *room = mmap(NULL, whole + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(room != MAP_FAILED && mprotect(room + page, whole, PROT_READ | PROT_WRITE) == 0);
  stack_t stack = {.ss_sp = room + page, .ss_size = size};
  CHECK(sigaltstack(&stack, NULL) == 0);
  while (!ended) {
    switch (rand_r(&thread->random) % 8) {
      case 0:
        store_and_look(thread, &only_read);
        check_pattern(&only_read, pattern_at(thread));
        break;
      case 1:
        shared.base[rand_r(&thread->random) % PAGES * page + thread->number] = 1;
        break;
      case 2:
        check_pattern(&shared, pattern_at(thread));
        break;
      case 3:
        store_and_look(thread, &own);
        check_pattern(&own, pattern_at(thread));
        break;
      case 4:
        touch(thread, cut.base);
        break;
      case 5:
        touch(thread, cut_read.base);
        break;
      case 6:
        touch(thread, vanishing);
        break;
      case 7:
        fault_elsewhere();
        break;
    }
  }
  return NULL;
}

// ------------------------------------------------------------------ what changes meanwhile

static void map_again(struct region *region, int protection, int flags) {
  CHECK(mmap(region->base, PAGES * page, protection, flags | MAP_FIXED, region->file, 0) == region->base);
}

static void protect(struct region *region) {
  static const int protections_of_all[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
  for (int round = 0; round < 20; round++) {
    size_t first = rand() % PAGES, pages = 1 + rand() % (PAGES - first);
    mprotect(region->base + first * page, pages * page, protections_of_all[rand() % 3]);
    atomic_fetch_add(&protections, 1);
  }
}

/** As a resize does it: one mapping again, longer and shorter again. */
static void resize(void) {
  char *end = only_read.base + PAGES * page;
  CHECK(mprotect(only_read.base, PAGES * page, PROT_READ) == 0);
  CHECK(munmap(end, page) == 0);
  if (mremap(only_read.base, PAGES * page, (PAGES + 1) * page, 0) == MAP_FAILED) {
    // A store came between, so it is several mappings now, or a copy has got the place after it.
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;
    while (mmap(end, page, PROT_NONE, flags, -1, 0) != end) CHECK(errno == EEXIST);
    return;
  }
  cover(only_read.entry, only_read.base, (PAGES + 1) * page, MAKE_WRITABLE | UNCOUNTED);
  check_pattern(&only_read, PAGES * page + 100);
  *(volatile char *)end = 5;
  CHECK(*(volatile char *)end == 5);
  cover(only_read.entry, only_read.base, PAGES * page, MAKE_WRITABLE | UNCOUNTED);
  CHECK(mmap(end, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == end);
  atomic_fetch_add(&resizes, 1);
}

static void cut_short(struct region *region, int protection) {
  atomic_fetch_add(&lost, atomic_exchange(&region->entry->faults, 0));
  map_again(region, protection, MAP_SHARED);
  CHECK(ftruncate(region->file, 0) == 0);
  if (rand() % 2) CHECK(ftruncate(region->file, PAGES * page) == 0);
}

static int64_t milliseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * (int64_t)1000 + now.tv_nsec / 1000000;
}

/**
 * Moves on to another place. What is left behind is blank, and is used again when there is no other, but not before a
 * second is over: quarantine.ts keeps everything for so long. A thread that faulted there may have waited meanwhile, on
 * a busy machine for a quarter of it, and its fault would be nobody's.
 */
static void vanish(struct region *places, struct entry *entries) {
  static int place;
  static char *before;
  static int64_t left[PLACES];
  if (left[place] != 0 && milliseconds() - left[place] < 1000) return;
  char *base = places->base + (size_t)place * PAGES * page;
  struct entry *entry = &entries[place % 2];
  CHECK(ftruncate(places->file, PAGES * page) == 0);
  cover(entry, base, PAGES * page, 0);
  CHECK(mmap(base, PAGES * page, PROT_READ, MAP_SHARED | MAP_FIXED, places->file, 0) == base);
  vanishing = base;
  CHECK(ftruncate(places->file, 0) == 0);
  if (before) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
    CHECK(mmap(before, PAGES * page, PROT_READ | PROT_WRITE, flags, -1, 0) == before);
    uncover(&entries[(place + 1) % 2]);
  }
  before = base;
  left[place] = milliseconds();
  place = (place + 1) % PLACES;
  atomic_fetch_add(&blanked, 1);
}

static void *signal_all(void *argument) {
  struct thread *threads = argument;
  // Two of them fit on the stack, but not with a fault.
  static const int all[] = {SIGUSR1, SIGWINCH};
  for (unsigned round = 0; !ended; round++) {
    pthread_kill(threads[round % THREADS].id, all[round / THREADS % 2]);
    if (round % 64 == 0) usleep(100);
  }
  return NULL;
}

// ------------------------------------------------------------------ in place

static void install(const char *path) {
  size_t length = TABLE + CAPACITY * sizeof(struct entry);
  char *area = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  FILE *code = fopen(path, "rb");
  CHECK(area != MAP_FAILED && code);
  CHECK(fread(area + CODE, 1, HEADER - CODE, code) > 0 && feof(code));
  fclose(code);
  CHECK(mprotect(area, HEADER, PROT_READ | PROT_EXEC) == 0);
  count = (void *)(area + HEADER);
  table = (void *)(area + TABLE);

  struct sigaction old = {.sa_sigaction = on_foreign_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  *(uint64_t *)(area + HEADER + 16) = *(uint64_t *)(area + HEADER + 24) = (uint64_t)old.sa_sigaction;
  struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER};
  action.sa_sigaction = (void (*)(int, siginfo_t *, void *))(area + CODE);
  sigfillset(&action.sa_mask);
  sigdelset(&action.sa_mask, SIGBUS);
  sigdelset(&action.sa_mask, SIGSEGV);
  CHECK(sigaction(SIGBUS, &action, NULL) == 0 && sigaction(SIGSEGV, &action, NULL) == 0);

  struct sigaction listener = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_RESTART};
  CHECK(sigaction(SIGUSR1, &listener, NULL) == 0 && sigaction(SIGWINCH, &listener, NULL) == 0);
}

/** From now on, neither process_vm_readv nor opening /proc/self/mem is permitted. */
static void refuse_copying(void) {
  struct sock_filter filter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_process_vm_readv, 1, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

int main(int argc, char **argv) {
  CHECK(argc == 3 || (argc == 4 && strcmp(argv[3], "alone") == 0));
  page = sysconf(_SC_PAGESIZE);
  install(argv[1]);
  if (argc == 4) refuse_copying();
  only_read = map(PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, MAKE_WRITABLE | UNCOUNTED);
  // The kernel joins its parts again only if they were one when the first page was copied.
  only_read.base[0] = 0;
  shared = map(PROT_READ, MAP_SHARED, 0);
  own = map(PROT_READ, MAP_PRIVATE, MAKE_WRITABLE);
  cut = map(PROT_READ | PROT_WRITE, MAP_SHARED, 0);
  cut_read = map(PROT_READ, MAP_SHARED, 0);
  struct region places = {.file = file_of(PAGES)};
  places.base = mmap(NULL, (size_t)PLACES * PAGES * page, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  foreign = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(places.base != MAP_FAILED && foreign != MAP_FAILED);
  struct entry *entries = claim();
  claim();
  vanish(&places, entries);

  struct thread threads[THREADS];
  pthread_t signaller;
  for (int number = 0; number < THREADS; number++) {
    threads[number] = (struct thread){.number = number, .random = number + 1};
    CHECK(pthread_create(&threads[number].id, NULL, work, &threads[number]) == 0);
  }
  CHECK(pthread_create(&signaller, NULL, signal_all, threads) == 0);

  struct timespec start, now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  do {
    protect(&shared);
    protect(&own);
    resize();
    cut_short(&cut, PROT_READ | PROT_WRITE);
    cut_short(&cut_read, PROT_READ);
    for (int round = 0; round < 10; round++) vanish(&places, entries);
    if (only_read.entry->unit & STORED) atomic_fetch_add(&absorbed, 1);
    // Pages that were replaced never fault again, so they are mapped anew; the threads' bytes are in the others.
    map_again(&shared, PROT_READ, MAP_SHARED);
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while (now.tv_sec - start.tv_sec < atoi(argv[2]));
  ended = 1;
  pthread_join(signaller, NULL);
  for (int number = 0; number < THREADS; number++) pthread_join(threads[number].id, NULL);

  shared_faults = shared.entry->faults;
  private_faults = own.entry->faults;
  CHECK(only_read.entry->faults == 0);
  CHECK(absorbed && shared_faults && private_faults && lost && chained && blanked && protections && resizes && signals);
  printf("{\"shared\":%lu,\"private\":%lu,\"lost\":%lu,\"foreign\":%lu,\"blanked\":%lu,\"protected\":%lu,"
         "\"resized\":%lu,\"signals\":%lu}\n",
         shared_faults, private_faults, lost, chained, blanked, protections, resizes, signals);
  return 0;
}
