/* How a worker is started, and what it gives up before it loads a plugin. */
#define _GNU_SOURCE
#include "cisolation.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FIRST = 3, SPARE = 100 };

static int lay_out(posix_spawn_file_actions_t *actions, const int *descriptors, int count) {
  int failure = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  if (!failure) failure = posix_spawn_file_actions_adddup2(actions, STDERR_FILENO, STDOUT_FILENO);
  /* By way of high numbers, since a descriptor may lie where another is to go. */
  for (int i = 0; i < count && !failure; i++) {
    failure = posix_spawn_file_actions_adddup2(actions, descriptors[i], SPARE + i);
  }
  for (int i = 0; i < count && !failure; i++) {
    failure = posix_spawn_file_actions_adddup2(actions, SPARE + i, FIRST + i);
  }
  for (int i = 0; i < count && !failure; i++) {
    failure = posix_spawn_file_actions_addclose(actions, SPARE + i);
  }
  return failure;
}

static int set_up(posix_spawnattr_t *attributes) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  int failure = posix_spawnattr_setsigmask(attributes, &none);
  if (!failure) failure = posix_spawnattr_setsigdefault(attributes, &all);
  /* A group of its own: what a terminal sends to the server ends the workers when the server is done. */
  if (!failure) failure = posix_spawnattr_setpgroup(attributes, 0);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP;
  return failure ? failure : posix_spawnattr_setflags(attributes, flags);
}

pid_t isolation_spawn(const char *path, char *const arguments[], char *const environment[],
                      const int *descriptors, int count) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int failure = posix_spawn_file_actions_init(&actions);
  if (failure) return -failure;
  failure = posix_spawnattr_init(&attributes);
  if (failure) {
    posix_spawn_file_actions_destroy(&actions);
    return -failure;
  }
  pid_t process = 0;
  failure = lay_out(&actions, descriptors, count);
  if (!failure) failure = set_up(&attributes);
  if (!failure) failure = posix_spawn(&process, path, &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return failure ? -failure : process;
}

int isolation_process_descriptor(pid_t process) {
  return (int)syscall(SYS_pidfd_open, process, 0);
}

void isolation_await_end(pid_t process) {
  siginfo_t ignored;
  while (waitid(P_PID, (id_t)process, &ignored, WEXITED | WNOWAIT) < 0 && errno == EINTR) {}
}

void isolation_ask_for_stack(pid_t process, pid_t thread) { syscall(SYS_tgkill, process, thread, SIGQUIT); }

pid_t isolation_thread(void) { return (pid_t)syscall(SYS_gettid); }

bool isolation_begin(pid_t parent, int first_to_close) {
  prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (getppid() != parent) return false;
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  /* Service managers send these to all processes of a service; the server still needs its workers then, and ends them. */
  signal(SIGTERM, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  signal(SIGHUP, SIG_IGN);
  syscall(SYS_close_range, (unsigned)first_to_close, ~0u, 0);
  return true;
}

static uint64_t address_space(void) {
  unsigned long long pages = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (file) {
    if (fscanf(file, "%llu", &pages) != 1) pages = 0;
    fclose(file);
  }
  return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

void isolation_limit_memory(uint64_t bytes) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  FILE *file = fopen("/proc/self/oom_score_adj", "we");
  if (file) {
    fputs("1000", file);
    fclose(file);
  }
  if (bytes == 0) return;
  struct rlimit limit = {address_space() + bytes, address_space() + bytes};
  setrlimit(RLIMIT_AS, &limit);
}
