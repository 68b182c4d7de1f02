/* ext/kernels.h: the server's matrix kernels, on its threads.
 * const swerve_kernels *kernels = host->extension(host, SWERVE_KERNELS); */
#ifndef SWERVE_PLUGIN_KERNELS_H
#define SWERVE_PLUGIN_KERNELS_H

#include "../swerve_plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SWERVE_KERNELS "kernels/1"

/* A two-dimensional convolution. x is NCHW, w is OIHW with I = in_channels / groups, y is NCHW.
 * The output's height is (height + pad_top + pad_bottom - dilation_y * (kernel_height - 1) - 1)
 * / stride_y + 1, rounded down; the width likewise. */
typedef struct swerve_conv2d {
  size_t struct_size;
  int64_t batch, in_channels, height, width;
  int64_t out_channels, kernel_height, kernel_width;
  int64_t stride_y, stride_x;     /* at least 1 */
  int64_t dilation_y, dilation_x; /* at least 1 */
  int64_t pad_top, pad_left, pad_bottom, pad_right;
  int64_t groups; /* divides in_channels and out_channels */
} swerve_conv2d;

typedef struct swerve_kernels {
  size_t struct_size;

  /* C[m,n] = alpha * op(A)[m,k] * op(B)[k,n] + beta * C; row-major, lda/ldb/ldc floats from row to row.
   * With beta 0, C is not read. C overlaps neither A nor B. SWERVE_INVALID_ARGUMENT: a negative size, a
   * row stride below its row, or a NULL matrix that is not empty. [any-thread] */
  swerve_status (*sgemm)(const swerve_host *host, bool trans_a, bool trans_b, int64_t m, int64_t n,
                         int64_t k, float alpha, const float *a, int64_t lda, const float *b,
                         int64_t ldb, float beta, float *c, int64_t ldc);

  /* y = x convolved with w, plus bias[out_channels] unless NULL. SWERVE_INVALID_ARGUMENT: sizes that do
   * not fit each other; SWERVE_OUT_OF_MEMORY: none for the packed weights. [any-thread] */
  swerve_status (*conv2d)(const swerve_host *host, const swerve_conv2d *shape, const float *x,
                          const float *w, const float *bias, float *y);

  /* The instruction set that the server's kernels use: "portable", "avx2" or "avx512". A plugin with kernels
   * of its own keeps to it, so that the operator's choice (--cpu) holds for the whole process. */
  const char *instruction_set;
} swerve_kernels;

#ifdef __cplusplus
}
#endif
#endif
