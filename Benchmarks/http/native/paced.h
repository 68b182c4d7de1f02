/* A model that takes a fixed time and some more for each row, as one on an accelerator does: it sleeps. */
#include <errno.h>
#include <stdint.h>
#include <time.h>

#ifndef PACED_FIXED_MICROSECONDS
#define PACED_FIXED_MICROSECONDS 0
#define PACED_ROW_MICROSECONDS 0
#endif

static void pace(int64_t rows) {
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_nsec += PACED_FIXED_MICROSECONDS * 1000L + rows * PACED_ROW_MICROSECONDS * 1000L;
  end.tv_sec += end.tv_nsec / 1000000000L;
  end.tv_nsec %= 1000000000L;
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR) continue;
}
