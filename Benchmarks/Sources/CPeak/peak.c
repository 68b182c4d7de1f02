#include "peak.h"

#define SUMS 12

/* Twelve sums: more than a multiplier's latency times its throughput, few enough for every register file. */
#define LOOP(name, attributes, lanes)                                                                       \
  typedef float name##_vector __attribute__((vector_size(lanes * sizeof(float))));                         \
  attributes static double name(long millions) {                                                           \
    const long rounds = millions * 1000000 / (SUMS * lanes * 2);                                           \
    name##_vector sums[SUMS] = {{0}}, factor = {0}, term = {0};                                            \
    KEEP(factor);                                                                                          \
    KEEP(term);                                                                                            \
    for (long round = 0; round < rounds; round++) {                                                        \
      _Pragma("clang loop unroll(full)") for (int i = 0; i < SUMS; i++) {                                  \
        sums[i] = sums[i] * factor + term;                                                                 \
        KEEP(sums[i]);                                                                                     \
      }                                                                                                    \
    }                                                                                                      \
    return (double)rounds * SUMS * lanes * 2;                                                              \
  }

#if defined(__x86_64__)
#define KEEP(value) __asm__ volatile("" : "+v"(value))
#pragma clang fp contract(fast)
LOOP(run512, __attribute__((target("avx512f,fma"))), 16)
LOOP(run256, __attribute__((target("avx2,fma"))), 8)
LOOP(run128, , 4)

double peak_run_float32(long millions) {
  if (__builtin_cpu_supports("avx512f")) return run512(millions);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return run256(millions);
  return run128(millions);
}
#else
#define KEEP(value) __asm__ volatile("" : "+w"(value))
#pragma clang fp contract(fast)
LOOP(run128, , 4)

double peak_run_float32(long millions) { return run128(millions); }
#endif
