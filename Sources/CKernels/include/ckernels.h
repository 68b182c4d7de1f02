/* What the kernels need and Swift cannot say: the words shared by every instruction set's target, the
 * CPU's features, futexes and the spin hint. */
#ifndef CKERNELS_H
#define CKERNELS_H
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The instruction-set extensions of this CPU that its operating system has enabled. */
typedef struct kernels_cpu {
  bool avx2; /* with FMA and F16C */
  bool avx512; /* F, VL, BW and DQ */
  bool avx512_vnni;
  bool avx512_bf16;
} kernels_cpu;

kernels_cpu kernels_cpu_read(void);

/* Function applied to each value as it leaves a kernel; `first` and `second` are its parameters. */
typedef enum kernels_activation {
  KERNELS_IDENTITY = 0,
  KERNELS_CLIP, /* first = low, second = high */
  KERNELS_LEAKY_RELU, /* first = slope */
  KERNELS_SIGMOID,
  KERNELS_TANH,
  KERNELS_GELU, /* with erf */
  KERNELS_GELU_TANH,
  KERNELS_SILU,
  KERNELS_HARD_SIGMOID, /* first = slope, second = offset */
  KERNELS_HARD_SWISH,
  KERNELS_EXP,
  KERNELS_LOG,
  KERNELS_ERF,
  KERNELS_SQRT,
  KERNELS_NEGATE,
  KERNELS_ABSOLUTE,
  KERNELS_RECIPROCAL,
  KERNELS_FLOOR,
  KERNELS_CEILING,
} kernels_activation;

/* What happens to a tile of C after the product: c = activation(alpha * c + bias + residual). */
typedef struct kernels_epilogue {
  const float *column_bias; /* one a column, or NULL */
  const float *row_bias; /* one a row, or NULL */
  const float *residual; /* laid out as C with its own row stride, or NULL */
  int64_t residual_stride;
  float alpha;
  kernels_activation activation;
  float first, second;
} kernels_epilogue;

/* Sleeps while *word == expected; may return early. */
void kernels_futex_wait(void *word, uint32_t expected);
/* Wakes up to `count` of the threads that sleep on `word`. */
void kernels_futex_wake(void *word, int count);
/* Names a thread for debuggers and profilers; at most 15 bytes are kept. */
void kernels_name_thread(pthread_t thread, const char *name);
/* Tells the core that this is a spin loop. */
static inline void kernels_spin_hint(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

#endif
