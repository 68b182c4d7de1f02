/* Counts the calling thread's allocations: linked into a test executable, its malloc stands before
 * the C library's. */
#ifndef ALLOCATION_COUNT_H
#define ALLOCATION_COUNT_H
#include <stdint.h>

/* Blocks that this thread has asked for so far; always 0 under a sanitizer, which has its own malloc. */
uint64_t allocation_count(void);
/* Whether allocations are counted in this build. */
int allocation_count_works(void);

#endif
