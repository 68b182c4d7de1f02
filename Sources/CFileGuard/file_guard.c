#include "file_guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

enum { place_count = 1024 };

// A handler can take no lock: each word is an atomic of its own. `end` is set last and cleared first, so that a place
// is whole while its `end` is not 0.
static struct {
  _Atomic uintptr_t begin;
  _Atomic uintptr_t end;
  _Atomic bool is_taken;
  _Atomic bool is_torn;
} places[place_count];

static struct sigaction previous;
static uintptr_t page_size;
static bool is_ready;

static void pass_on(int number, siginfo_t *information, void *context) {
  if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction(number, information, context);
  } else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) {
    previous.sa_handler(number);
  } else {
    // Ends the process once this handler returns.
    signal(number, SIG_DFL);
    raise(number);
  }
}

static void handle(int number, siginfo_t *information, void *context) {
  const uintptr_t address = (uintptr_t)information->si_addr;
  const int saved = errno;
  // Codes above 0 are the kernel's; a signal that was sent has no address.
  for (int place = 0; place < place_count && information->si_code > 0; place++) {
    const uintptr_t end = atomic_load(&places[place].end);
    if (address < atomic_load(&places[place].begin) || address >= end) continue;
    const uintptr_t page = address & ~(page_size - 1);
    // All from here on is behind the file's end too.
    if (mmap((void *)page, end - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) break;
    atomic_store(&places[place].is_torn, true);
    errno = saved;
    return;
  }
  pass_on(number, information, context);
  errno = saved;
}

static void set_handler(void) {
  page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
  struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
  sigemptyset(&action.sa_mask);
  is_ready = sigaction(SIGBUS, &action, &previous) == 0;
}

int file_guard_begin(const void *base, size_t byte_count) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, set_handler);
  for (int place = 0; place < place_count && is_ready; place++) {
    bool expected = false;
    if (!atomic_compare_exchange_strong(&places[place].is_taken, &expected, true)) continue;
    atomic_store(&places[place].is_torn, false);
    atomic_store(&places[place].begin, (uintptr_t)base);
    atomic_store(&places[place].end, (uintptr_t)base + byte_count);
    return place;
  }
  return -1;
}

bool file_guard_is_torn(int place) { return atomic_load(&places[place].is_torn); }

void file_guard_end(int place) {
  atomic_store(&places[place].end, 0);
  atomic_store(&places[place].begin, 0);
  atomic_store(&places[place].is_taken, false);
}
