/* The mean of numbers that may lie at any address: the same work in our plugin and in Triton's backend. */
#ifndef MEAN_H
#define MEAN_H

#include <stddef.h>

typedef float any_address_float __attribute__((aligned(1)));

enum { LANES = 32 };

static inline float mean_of(const void *data, size_t count) {
  const any_address_float *numbers = data;
  float lanes[LANES] = {0};
  double total = 0;
  size_t at = 0;
  for (; at + LANES <= count; at += LANES)
    for (size_t lane = 0; lane < LANES; lane++) lanes[lane] += numbers[at + lane];
  for (; at < count; at++) total += numbers[at];
  for (size_t lane = 0; lane < LANES; lane++) total += lanes[lane];
  return count ? (float)(total / (double)count) : 0;
}

#endif
