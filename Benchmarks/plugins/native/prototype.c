/* What a worker behind shared memory takes at least: a word to ring and wait on, some microseconds awake and then a
 * futex, a tensor that lies in the memory already. No messages, no checks, no batches. And the same work called directly.
 *
 * With a tensor that is written anew for each round, it tells what it takes that one processor reads what another wrote.
 *
 *   prototype ELEMENTS ROUNDS [new]: "nanoseconds of a round trip, nanoseconds of the call alone", medians */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

float reader_sum(const float *x, size_t count);

typedef struct {
  _Alignas(64) _Atomic uint32_t rings, sleeping;
} bell;
typedef struct {
  bell to_worker, to_server;
  _Alignas(64) float answer;
} lane;

static int64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void ring(bell *bell) {
  atomic_fetch_add(&bell->rings, 1);
  if (atomic_load(&bell->sleeping)) syscall(SYS_futex, &bell->rings, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void wait_for(bell *bell, uint32_t heard) {
  int64_t end = now() + 20000;
  do {
    for (int i = 0; i < 64; i++) {
      if (atomic_load_explicit(&bell->rings, memory_order_acquire) != heard) return;
#ifdef __x86_64__
      __builtin_ia32_pause();
#endif
    }
  } while (now() < end);
  atomic_store(&bell->sleeping, 1);
  while (atomic_load(&bell->rings) == heard) syscall(SYS_futex, &bell->rings, FUTEX_WAIT, heard, NULL, NULL, 0);
  atomic_store(&bell->sleeping, 0);
}

/* Copies the next of some tensors to x, as a server receives one after the other. */
static void renew(float *x, const float *sources, size_t elements, size_t round) {
  memcpy(x, sources + round % 8 * elements, elements * sizeof(float));
}

static int ascending(const void *a, const void *b) {
  int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  size_t elements = strtoul(arguments[1], NULL, 10), rounds = strtoul(arguments[2], NULL, 10);
  size_t size = 4096 + elements * sizeof(float);
  int descriptor = memfd_create("prototype", MFD_CLOEXEC);
  if (descriptor < 0 || ftruncate(descriptor, (off_t)size)) return 1;
  char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED) return 1;
  lane *shared = (lane *)memory;
  float *x = (float *)(memory + 4096);
  for (size_t i = 0; i < elements; i++) x[i] = (float)(i % 7);
  float *sources = count > 3 ? malloc(8 * elements * sizeof(float)) : NULL;
  for (size_t i = 0; sources && i < 8 * elements; i++) sources[i] = (float)(i % 7);
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (uint32_t heard = 0;; heard++) {
      wait_for(&shared->to_worker, heard);
      shared->answer = reader_sum(x, elements);
      ring(&shared->to_server);
    }
  }
  int64_t *trips = malloc(rounds * sizeof *trips), *calls = malloc(rounds * sizeof *calls);
  for (uint32_t round = 0; round < rounds; round++) {
    int64_t start = now();
    if (sources) renew(x, sources, elements, round);
    ring(&shared->to_worker);
    wait_for(&shared->to_server, round);
    trips[round] = now() - start;
  }
  volatile float sink;
  for (size_t round = 0; round < rounds; round++) {
    int64_t start = now();
    if (sources) renew(x, sources, elements, round);
    sink = reader_sum(x, elements);
    calls[round] = now() - start;
  }
  (void)sink;
  qsort(trips, rounds, sizeof *trips, ascending);
  qsort(calls, rounds, sizeof *calls, ascending);
  printf("%lld %lld\n", (long long)trips[rounds / 2], (long long)calls[rounds / 2]);
  return 0;
}
