/* Runs the model alone, without a server: offline ROWS SECONDS prints rows a second. */
#include <stdio.h>
#include <stdlib.h>

#include "paced.h"

int main(int count, char **arguments) {
  if (count != 3) return 2;
  long rows = atol(arguments[1]), batches = 0;
  double seconds = atof(arguments[2]), taken = 0;
  struct timespec begin, now;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  for (; taken < seconds; batches++) {
    pace(rows);
    clock_gettime(CLOCK_MONOTONIC, &now);
    taken = (double)(now.tv_sec - begin.tv_sec) + (double)(now.tv_nsec - begin.tv_nsec) * 1e-9;
  }
  printf("%f\n", (double)(batches * rows) / taken);
  return 0;
}
