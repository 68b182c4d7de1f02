/* What a worker says when it crashes: the signal, and the stack with the names of its functions. */
#define _GNU_SOURCE
#include "cisolation.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

enum { FRAMES = 48, PACKET = 1024, STACK = 64 * 1024 };

static int report_descriptor = -1;

static void *place(const void *context) {
  const ucontext_t *interrupted = context;
#if defined(__x86_64__)
  return (void *)interrupted->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
  return (void *)interrupted->uc_mcontext.pc;
#else
  return NULL;
#endif
}

static void say(const char *packet, int size) {
  if (size > 0) (void)!write(report_descriptor, packet, (size_t)(size < PACKET ? size : PACKET));
}

static void say_frame(void *address) {
  char packet[PACKET], object[256];
  Dl_info info;
  if (!dladdr(address, &info) || !info.dli_fname) {
    say(packet, snprintf(packet, sizeof packet, "%c?\n%p\n\n0", ISOLATION_PACKET_FRAME, address));
    return;
  }
  /* A plugin is loaded from a descriptor, whose link has its file's name. */
  ssize_t length = -1;
  if (!strncmp(info.dli_fname, "/proc/self/fd/", 14)) {
    length = readlink(info.dli_fname, object, sizeof object - 1);
  }
  if (length >= 0) object[length] = 0;
  say(packet, snprintf(packet, sizeof packet, "%c%.255s\n%#tx\n%.500s\n%#tx", ISOLATION_PACKET_FRAME,
                       length >= 0 ? object : info.dli_fname, (char *)address - (char *)info.dli_fbase,
                       info.dli_sname ? info.dli_sname : "",
                       info.dli_sname ? (char *)address - (char *)info.dli_saddr : 0));
}

/* Not all of this is safe in a signal handler; the process is lost anyway, and the alarm ends it if it hangs here. */
static void on_crash(int number, siginfo_t *information, void *context) {
  alarm(2);
  char packet[PACKET];
  say(packet, snprintf(packet, sizeof packet, "%c%d %d %p", ISOLATION_PACKET_SIGNAL, number,
                       information->si_code, information->si_addr));
  void *frames[FRAMES];
  int count = backtrace(frames, FRAMES), first = 0;
  /* The frames above the interrupted one are this handler's. */
  for (int i = 0; i < count; i++) {
    if (frames[i] == place(context)) first = i;
  }
  if (first == 0) say_frame(place(context));
  for (int i = first; i < count; i++) say_frame(frames[i]);
  signal(number, SIG_DFL);
  raise(number);
}

void isolation_report_crashes(int descriptor) {
  report_descriptor = descriptor;
  /* The first call loads what it needs. */
  void *frames[1];
  (void)backtrace(frames, 1);
  isolation_use_signal_stack();
  struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND};
  const int numbers[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGTRAP, SIGSYS, SIGQUIT};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) sigaction(numbers[i], &action, NULL);
}

void isolation_use_signal_stack(void) {
  stack_t stack = {.ss_sp = malloc(STACK), .ss_size = STACK};
  if (stack.ss_sp) sigaltstack(&stack, NULL);
}
