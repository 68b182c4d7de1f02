/* features.h first: a debug build otherwise sees fd_set without __fds_bits. */
#include <features.h>
#include <sys/select.h>
#include <event2/event.h>
#include <event2/thread.h>
#include <event2/util.h>
#include <sys/types.h>
#include <sys/socket.h>

/* Linux calls that glibc declares only under _GNU_SOURCE, which the Glibc module is built without. */
extern int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
extern void *memmem(const void *haystack, size_t haystack_size, const void *needle, size_t needle_size);
