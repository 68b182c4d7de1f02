/* Files and system calls that are taken from a worker: landlock(7) and seccomp(2). */
#define _GNU_SOURCE
#include "cisolation.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <asm/sockios.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Files ---- */

enum {
  FILE_RIGHTS = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE,
  READ_RIGHTS = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
  /* All rights of landlock's first version: a later one's are not taken, so that they need no look at the version. */
  ALL_RIGHTS = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1
};

static void allow(int rules, const char *path, uint64_t rights) {
  int folder = open(path, O_PATH | O_CLOEXEC);
  if (folder < 0) return;
  struct stat status;
  if (fstat(folder, &status) == 0 && !S_ISDIR(status.st_mode)) rights &= FILE_RIGHTS;
  struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = folder};
  syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  close(folder);
}

int isolation_limit_files(const char *const *readable, const char *const *writable) {
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return 0;
  struct landlock_ruleset_attr handled = {.handled_access_fs = ALL_RIGHTS};
  int rules = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
  if (rules < 0) return 0;
  for (; *readable; readable++) allow(rules, *readable, READ_RIGHTS);
  for (; *writable; writable++) allow(rules, *writable, ALL_RIGHTS);
  long outcome = syscall(SYS_landlock_restrict_self, rules, 0);
  close(rules);
  return outcome == 0 ? (int)version : 0;
}

/* ---- System calls ---- */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define REFUSE(code) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (code))
#define UNLESS_CALL(number, skipped) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, (skipped))
#define NEVER(number) UNLESS_CALL(number, 1), REFUSE(EPERM)
/* Allowed where its first argument is this process, refused otherwise. The number is loaded again by whoever comes next. */
#define ONLY_ITSELF(number)                                                                        \
  UNLESS_CALL(number, 4), LOAD(args[0]), UNLESS_CALL((unsigned)getpid(), 1), ALLOW, REFUSE(EPERM)

/* Refused where argument `index` is one of two values. */
#define NOT_WITH(number, index, first, second)                                                     \
  UNLESS_CALL(number, 5), LOAD(args[index]), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (first), 1, 0),   \
      UNLESS_CALL(second, 1), REFUSE(EPERM), ALLOW

static bool install(const struct sock_filter *filter, size_t count) {
  struct sock_fprog program = {.len = (unsigned short)count, .filter = (struct sock_filter *)filter};
  /* All threads: a library may have started one before main. */
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}
#define INSTALL(filter) install(filter, sizeof filter / sizeof *filter)

/* What no worker needs. */
static bool take_machine(void) {
  const struct sock_filter filter[] = {
      LOAD(arch),
      UNLESS_CALL(ARCHITECTURE, 1),
      BPF_STMT(BPF_JMP | BPF_JA, 1),
      REFUSE(EPERM),
      LOAD(nr),
#if defined(__x86_64__)
      /* The calls of x32 have other numbers. */
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
      REFUSE(EPERM),
#endif
      NEVER(SYS_ptrace),
      NEVER(SYS_process_vm_readv),
      NEVER(SYS_process_vm_writev),
      NEVER(SYS_pidfd_getfd),
      NEVER(SYS_pidfd_send_signal),
      NEVER(SYS_kcmp),
      NEVER(SYS_mount),
      NEVER(SYS_umount2),
      NEVER(SYS_pivot_root),
      NEVER(SYS_chroot),
      NEVER(SYS_setns),
      NEVER(SYS_unshare),
      NEVER(SYS_reboot),
      NEVER(SYS_swapon),
      NEVER(SYS_swapoff),
      NEVER(SYS_init_module),
      NEVER(SYS_finit_module),
      NEVER(SYS_delete_module),
      NEVER(SYS_kexec_load),
      NEVER(SYS_bpf),
      NEVER(SYS_perf_event_open),
      NEVER(SYS_userfaultfd),
      NEVER(SYS_add_key),
      NEVER(SYS_request_key),
      NEVER(SYS_keyctl),
      NEVER(SYS_io_uring_setup),
      NEVER(SYS_settimeofday),
      NEVER(SYS_clock_settime),
      NEVER(SYS_process_madvise),
      NEVER(SYS_process_mrelease),
      NEVER(SYS_migrate_pages),
      NEVER(SYS_move_pages),
      NEVER(SYS_setpriority),
      NEVER(SYS_ioprio_set),
      NEVER(SYS_sched_setscheduler),
      NEVER(SYS_sched_setparam),
      NEVER(SYS_sched_setattr),
      NEVER(SYS_tkill),
      NEVER(SYS_setpgid),
      NEVER(SYS_setsid),
      /* 0 is this process. */
      UNLESS_CALL(SYS_prlimit64, 5),
      LOAD(args[0]),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
      UNLESS_CALL((unsigned)getpid(), 1),
      ALLOW,
      REFUSE(EPERM),
      /* Whom a descriptor signals, and by what: that may be the server, and SIGKILL. */
      UNLESS_CALL(SYS_fcntl, 6),
      LOAD(args[1]),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, F_SETOWN, 2, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, F_SETSIG, 1, 0),
      UNLESS_CALL(F_SETOWN_EX, 1),
      REFUSE(EPERM),
      ALLOW,
      NOT_WITH(SYS_ioctl, 1, FIOSETOWN, SIOCSPGRP),
      /* The worker ends with the server. */
      NOT_WITH(SYS_prctl, 0, PR_SET_PDEATHSIG, PR_SET_PDEATHSIG),
      ONLY_ITSELF(SYS_kill),
      LOAD(nr),
      ONLY_ITSELF(SYS_tgkill),
      LOAD(nr),
      ONLY_ITSELF(SYS_rt_sigqueueinfo),
      LOAD(nr),
      ONLY_ITSELF(SYS_rt_tgsigqueueinfo),
      ALLOW,
  };
  return INSTALL(filter);
}

static bool take_network(void) {
  const struct sock_filter filter[] = {LOAD(nr), NEVER(SYS_socket), NEVER(SYS_socketpair), ALLOW};
  return INSTALL(filter);
}

static bool take_processes(void) {
  const struct sock_filter filter[] = {
      LOAD(nr),
      NEVER(SYS_execve),
      NEVER(SYS_execveat),
#if defined(__x86_64__)
      NEVER(SYS_fork),
      NEVER(SYS_vfork),
#endif
      /* The C library starts threads by clone where this is missing, whose flags can be looked at. */
      UNLESS_CALL(SYS_clone3, 1),
      REFUSE(ENOSYS),
      UNLESS_CALL(SYS_clone, 3),
      LOAD(args[0]),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
      REFUSE(EPERM),
      ALLOW,
  };
  return INSTALL(filter);
}

bool isolation_limit_calls(bool allows_network, bool allows_processes) {
  return take_machine() && (allows_network || take_network()) && (allows_processes || take_processes());
}
