/* What the isolation of plugins asks of the kernel: futexes and memory that two processes share, how a
 * worker is started, what it may still do, and what it says when it crashes. Linux only. */
#ifndef CISOLATION_H
#define CISOLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No <sys/types.h>: Swift would count its struct timespec as this module's, and then as missing where only
 * the C library is imported. A process or thread id is an int, which is what pid_t is on Linux. */

/* ---- Waiting across processes ---- */

/* Sleeps while the word is `expected`; false when `nanoseconds` are over. Wakes for no reason, too. */
bool isolation_wait(const void *word, uint32_t expected, int64_t nanoseconds);
void isolation_wake(const void *word);
/* A hint to the processor that its thread waits for another's write. */
void isolation_pause(void);

/* ---- Shared memory ---- */

/* A descriptor of zeroed memory whose size nobody can change; -1 and errno. */
int isolation_memory(const char *name, size_t size);
/* Opens the memory of `descriptor` once more, to read only; -1 and errno. */
int isolation_read_only(int descriptor);
/* Gives whole pages of the memory back to the kernel; they read as zeros. */
void isolation_give_back(int descriptor, size_t offset, size_t size);

/* ---- Workers, seen from the server ---- */

/* Starts `path`; descriptors[i] is its descriptor 3 + i, its standard output is the server's standard error.
 * No other descriptor is passed that is not closed on exec. Returns its process id, or -errno. */
int isolation_spawn(const char *path, char *const arguments[], char *const environment[],
                      const int *descriptors, int count);
/* A descriptor that is readable once the process has ended; -1 and errno. */
int isolation_process_descriptor(int process);
/* Waits until the process has ended, and leaves its exit status to be fetched. */
void isolation_await_end(int process);
/* Has thread `thread` of `process` report where it is, as it would a crash. */
void isolation_ask_for_stack(int process, int thread);

/* ---- Workers, seen from inside ---- */

/* The kernel's number of this thread. */
int isolation_thread(void);
/* Ends this process with its parent, which has to be `parent`, and not when a service manager or a terminal asks it to, and
 * takes no new privileges; false if the parent has gone. Closes every descriptor from `first_to_close` on. */
bool isolation_begin(int parent, int first_to_close);
/* Limits the process to `bytes` of address space beyond what it has, leaves no core files and offers itself first when the
 * machine runs out of memory. 0: no limit. */
void isolation_limit_memory(uint64_t bytes);
/* Leaves the files below `readable` to be read and those below `writable` to be written, and no others; both end
 * with NULL. Returns the version of landlock; 0 where the kernel has none, and nothing is changed. */
int isolation_limit_files(const char *const *readable, const char *const *writable);
/* Takes the system calls away that reach other processes or the machine; false where the kernel cannot. */
bool isolation_limit_calls(bool allows_network, bool allows_processes);

/* Writes what happened to `descriptor`, a packet for each frame of the stack, when this process crashes. */
void isolation_report_crashes(int descriptor);
/* Gives the calling thread a stack for the report of a crash that used up its own. */
void isolation_use_signal_stack(void);

/* What the first byte of a packet of a crash report says. */
enum {
  ISOLATION_PACKET_SIGNAL = 'S', /* "number code address" */
  ISOLATION_PACKET_FRAME = 'F'   /* "object\noffset\nsymbol\noffset in it" */
};

#endif
