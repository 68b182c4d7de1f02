/* features.h first: a debug build otherwise sees fd_set without __fds_bits. */
#include <features.h>
#include <sys/select.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <event2/util.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* Linux calls that glibc declares only under _GNU_SOURCE, which the Glibc module is built without. */
extern int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
extern void *memmem(const void *haystack, size_t haystack_size, const void *needle, size_t needle_size);
extern int pthread_setname_np(unsigned long thread, const char *name);
extern long syscall(long number, ...);

/* The kernel's affinity mask of this process; bytes written, or -1. The C library's own function has
   a type that Swift does not see. */
static inline long swerve_affinity_mask(void *mask, size_t size) {
  return syscall(SYS_sched_getaffinity, 0, size, mask);
}

/* <poll.h> has it only under _GNU_SOURCE: the peer has closed its sending side, or more. */
enum { swerve_POLLRDHUP = 0x2000 };
