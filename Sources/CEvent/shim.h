/* features.h first: a debug build otherwise sees fd_set without __fds_bits. */
#include <features.h>
#include <sys/select.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <event2/util.h>
#include <linux/filter.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

/* Linux calls that glibc declares only under _GNU_SOURCE, which the Glibc module is built without. */
extern int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
extern void *memmem(const void *haystack, size_t haystack_size, const void *needle, size_t needle_size);
extern int pthread_setname_np(unsigned long thread, const char *name);

/* <poll.h> has it only under _GNU_SOURCE: the peer has closed its sending side, or more. */
enum { swerve_POLLRDHUP = 0x2000 };

/* Has the kernel drop requests for new TCP connections to a listening socket, while handshakes that have begun
   go on: a filter that keeps every segment but a SYN without ACK. 0, or -1 with errno. */
static inline int swerve_refuse_handshakes(int listener) {
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13), /* the flags of the TCP header */
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, 0),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffffu),
  };
  struct sock_fprog filter = {sizeof program / sizeof program[0], program};
  return setsockopt(listener, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}
