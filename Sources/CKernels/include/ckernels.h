/* What the kernels need and Swift cannot say: the words shared by every instruction set's target, the
 * CPU's features, futexes and the spin hint. */
#ifndef CKERNELS_H
#define CKERNELS_H
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "depthwise.h"
#include "lanes.h"
#include "pooling.h"

/* The instruction-set extensions of this CPU that its operating system has enabled. */
typedef struct kernels_cpu {
  bool avx2; /* with FMA and F16C */
  bool avx512; /* F, VL, BW and DQ */
  bool avx512_vnni;
  bool avx512_bf16;
} kernels_cpu;

kernels_cpu kernels_cpu_read(void);

/* Function applied to each value as it leaves a kernel; `first` and `second` are its parameters. */
typedef enum __attribute__((enum_extensibility(closed))) kernels_activation : int32_t {
  KERNELS_IDENTITY __attribute__((swift_name("identity"))) = 0,
  KERNELS_CLIP __attribute__((swift_name("clip"))), /* first = low, second = high */
  KERNELS_LEAKY_RELU __attribute__((swift_name("leakyRelu"))), /* first = slope */
  KERNELS_SIGMOID __attribute__((swift_name("sigmoid"))),
  KERNELS_TANH __attribute__((swift_name("tanh"))),
  KERNELS_GELU __attribute__((swift_name("gelu"))), /* with erf */
  KERNELS_GELU_TANH __attribute__((swift_name("geluTanh"))),
  KERNELS_SILU __attribute__((swift_name("silu"))),
  KERNELS_HARD_SIGMOID __attribute__((swift_name("hardSigmoid"))), /* first = slope, second = offset */
  KERNELS_HARD_SWISH __attribute__((swift_name("hardSwish"))),
  KERNELS_EXP __attribute__((swift_name("exp"))),
  KERNELS_LOG __attribute__((swift_name("log"))),
  KERNELS_ERF __attribute__((swift_name("erf"))),
  KERNELS_SQRT __attribute__((swift_name("sqrt"))),
  KERNELS_NEGATE __attribute__((swift_name("negate"))),
  KERNELS_ABSOLUTE __attribute__((swift_name("absolute"))),
  KERNELS_RECIPROCAL __attribute__((swift_name("reciprocal"))),
  KERNELS_FLOOR __attribute__((swift_name("floor"))),
  KERNELS_CEILING __attribute__((swift_name("ceiling"))),
  KERNELS_SINE __attribute__((swift_name("sine"))),
  KERNELS_COSINE __attribute__((swift_name("cosine"))),
} kernels_activation;

/* What happens to values before they are stored:
 * c = activation(alpha * column_scale * row_scale * value + beta * c + column_bias + row_bias + residual). */
typedef struct kernels_epilogue {
  const float *column_scale; /* one a column, or NULL */
  const float *row_scale; /* one a row, or NULL */
  const float *column_bias; /* one a column, or NULL */
  const float *row_bias; /* one a row, or NULL */
  const float *residual; /* laid out as C with its own row stride, or NULL */
  int64_t residual_stride;
  float alpha, beta; /* with beta 0, c is not read */
  kernels_activation activation;
  float first, second;
} kernels_epilogue;

/* The epilogue of the part of C that begins at this row and column. */
static inline kernels_epilogue kernels_epilogue_from(kernels_epilogue epilogue, int64_t row, int64_t column)
    __attribute__((swift_name("kernels_epilogue.from(self:row:column:)")));
static inline kernels_epilogue kernels_epilogue_from(kernels_epilogue epilogue, int64_t row, int64_t column) {
  if (epilogue.column_scale) epilogue.column_scale += column;
  if (epilogue.column_bias) epilogue.column_bias += column;
  if (epilogue.row_scale) epilogue.row_scale += row;
  if (epilogue.row_bias) epilogue.row_bias += row;
  if (epilogue.residual) epilogue.residual += row * epilogue.residual_stride + column;
  return epilogue;
}

/* A function of two values. */
typedef enum __attribute__((enum_extensibility(closed))) kernels_binary : int32_t {
  KERNELS_ADD __attribute__((swift_name("add"))) = 0,
  KERNELS_SUBTRACT __attribute__((swift_name("subtract"))),
  KERNELS_MULTIPLY __attribute__((swift_name("multiply"))),
  KERNELS_DIVIDE __attribute__((swift_name("divide"))),
  KERNELS_MAXIMUM __attribute__((swift_name("maximum"))),
  KERNELS_MINIMUM __attribute__((swift_name("minimum"))),
} kernels_binary;

/* What a reduction computes. */
typedef enum __attribute__((enum_extensibility(closed))) kernels_reduction : int32_t {
  KERNELS_REDUCE_SUM __attribute__((swift_name("sum"))) = 0,
  KERNELS_REDUCE_MAXIMUM __attribute__((swift_name("maximum"))),
  KERNELS_REDUCE_MINIMUM __attribute__((swift_name("minimum"))),
  KERNELS_REDUCE_PRODUCT __attribute__((swift_name("product"))),
  KERNELS_REDUCE_SQUARES __attribute__((swift_name("squares"))),
} kernels_reduction;

/* C[m,n] = A[m,k] · B[k,n] in tiles of C: at most a level's tileRows rows by its panelWidth columns. */
typedef struct kernels_product {
  int64_t m, n, k;
  /* Tile t of A begins at a + t * a_tile, and covers tile_rows rows, the last tile what is left.
   * Within it row i, column j lies at i * a_row + j * a_step. */
  const float *a;
  int64_t tile_rows, a_tile, a_row, a_step;
  /* A's rows may go on elsewhere: a_more_runs times more k columns, each run a_jump elements behind the end
   * of the last. B then has as many more rows. */
  int64_t a_more_runs, a_jump;
  /* Panel p of B begins at b + p * b_panel; its rows are b_row apart. */
  const float *b;
  int64_t b_panel, b_row;
  /* The last panel, where its rows lie elsewhere than in b: padded to full width. NULL if in b. */
  const float *b_last;
  int64_t b_last_row;
  /* Panels are taken from the last to the first: those that the last product left in a cache come first. */
  bool backward;
  float *c;
  int64_t c_row;
  kernels_epilogue epilogue;
} kernels_product;

#include "integers.h"
#include "compressed.h"

/* The geometry of a convolution or pooling over one image. */
typedef struct kernels_window {
  int64_t height, width; /* of the input */
  int64_t out_height, out_width;
  int64_t kernel_height, kernel_width;
  int64_t stride_y, stride_x, dilation_y, dilation_x;
  int64_t pad_top, pad_left;
} kernels_window;

/* Some tiles of a Winograd convolution over channels-last images: a rectangle of them, row after row. */
typedef struct kernels_tiles {
  int64_t rows, columns;
  /* The image before or after the convolution: pixel (0, 0), and elements from one row and one pixel to the
   * next. Pixels beyond its size are zeros where they are read, and are not written. */
  const float *source;
  float *target;
  int64_t row_stride, pixel_stride, height, width, channels;
  /* The first tile's first pixel; may lie outside. */
  int64_t top, left;
  /* Values in the transformed domain, [points, tiles, channels]: elements from one point and one tile to
   * the next, both multiples of sixteen that hold all channels rounded up. */
  float *points;
  int64_t point_stride, tile_stride;
  /* Room for a tile of 36 vectors. */
  float *room;
  /* What follows the transform back: one value a channel or NULL; a tensor laid out as the target or NULL;
   * the bounds of a Clip. */
  const float *bias, *residual;
  float low, high;
} kernels_tiles;

/* A Swift closure (Int) -> Void that is being held, for as long as the call that it was passed to. */
typedef __attribute__((swiftcall)) void (*kernels_closure_code)(
    intptr_t index, __attribute__((swift_context)) void *context);
typedef struct kernels_closure {
  kernels_closure_code code;
  void *context;
} kernels_closure;

/* Called from Swift as a Swift function; see ThreadTeam. */
__attribute__((swiftcall)) void kernels_hold_closure(
    kernels_closure_code code, void *context, kernels_closure *target);
/* Calls the kernels_closure that `closure` points at. */
void kernels_call_closure(void *closure, intptr_t index);

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
