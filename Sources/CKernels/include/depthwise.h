/* Register tiles of depthwise convolutions. The sums of a tile are an array, which the compiler keeps in
 * registers since every loop over it is unrolled; Swift would have to name each one. Kernel, stride and size of
 * the tile are constants where these functions are inlined. */
#ifndef CKERNELS_DEPTHWISE_H
#define CKERNELS_DEPTHWISE_H
#include <stdbool.h>
#include <stdint.h>

#include "lanes.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

/* Where a tile's inputs and outputs lie. Rows and columns count from the tile's first input. */
typedef struct kernels_tile {
  const float *source;
  int64_t row_stride, pixel_stride;
  /* Inputs that lie within the image; the others are zeros. */
  int64_t first_row, end_row, first_column, end_column;
  const float *weights; /* one a tap: vectors of channels, or single numbers for planes */
  int64_t weight_stride;
  float *target;
  const float *residual; /* laid out as the target, or NULL */
  int64_t target_row, target_pixel;
  int64_t rows, columns; /* outputs to store */
  float low, high; /* the bounds of a Clip */
} kernels_tile;

#define UNROLLED(index, count) _Pragma("clang loop unroll(full)") for (int index = 0; index < (count); index++)

LANES_INLINE void kernels_store_tile(
    const kernels_tile *tile, lanes_f32 sum, int64_t offset, int64_t part, bool is_whole) {
  if (tile->residual) {
    sum += is_whole ? lanes_load(tile->residual + offset) : lanes_load_part(tile->residual + offset, part, 0);
  }
  sum = lanes_less(tile->high, lanes_greater(tile->low, sum));
  if (is_whole) {
    lanes_store(tile->target + offset, sum);
  } else {
    lanes_store_part(tile->target + offset, sum, part);
  }
}

/* Channels that a tile of pixels has at a time: a register, so that the sums and the inputs of a row fit the
 * registers that there are. */
#if defined(__AVX512F__)
#define TILE_LANES 16
#elif defined(__AVX2__) || defined(__aarch64__)
#define TILE_LANES 8
#else
#define TILE_LANES 4
#endif
typedef float tile_lanes __attribute__((ext_vector_type(TILE_LANES)));

LANES_INLINE tile_lanes tile_load(const float *pointer) {
  tile_lanes value;
  memcpy(&value, pointer, sizeof value);
  return value;
}
LANES_INLINE void tile_store(float *pointer, tile_lanes value) { memcpy(pointer, &value, sizeof value); }
/* The first `part` (1 … TILE_LANES) lanes, zeros in the others; touches no more memory. */
LANES_INLINE tile_lanes tile_load_part(const float *pointer, int64_t part) {
#if TILE_LANES == 16
  return lanes_load_part(pointer, part, 0);
#elif defined(__AVX2__)
  return (tile_lanes)_mm256_maskload_ps(pointer, (__m256i)lanes_mask_below(part).lo);
#else
  tile_lanes value = 0;
  memcpy(&value, pointer, (size_t)part * sizeof(float));
  return value;
#endif
}
LANES_INLINE void tile_store_part(float *pointer, tile_lanes value, int64_t part) {
#if TILE_LANES == 16
  lanes_store_part(pointer, value, part);
#elif TILE_LANES == 8
  lanes_store_part8(pointer, value, part);
#else
  memcpy(pointer, &value, (size_t)part * sizeof(float));
#endif
}
LANES_INLINE tile_lanes tile_multiply_add(tile_lanes a, tile_lanes b, tile_lanes c) {
#if defined(__FMA__) || defined(__aarch64__)
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

/* `part` channels from `channel` on, a whole register of them if `is_whole`. */
LANES_INLINE void kernels_depthwise_register(
    const kernels_tile *tile, int kernel, int stride, int rows, int columns, bool has_border, bool is_whole,
    int64_t channel, int64_t part, tile_lanes bias) {
#define TILE_LOAD(place) (is_whole ? tile_load(place) : tile_load_part(place, part))
  tile_lanes weights[25];
  UNROLLED(i, kernel * kernel) weights[i] = TILE_LOAD(tile->weights + channel + i * tile->weight_stride);
  tile_lanes sums[8];
  UNROLLED(i, rows * columns) sums[i] = bias;
  UNROLLED(y, (rows - 1) * stride + kernel) {
    if (y < tile->first_row || y >= tile->end_row) continue;
    const float *row = tile->source + channel + y * tile->row_stride;
    tile_lanes inputs[9];
    UNROLLED(x, (columns - 1) * stride + kernel) {
      if (has_border && (x < tile->first_column || x >= tile->end_column)) {
        inputs[x] = (tile_lanes)0;
      } else {
        inputs[x] = TILE_LOAD(row + x * tile->pixel_stride);
      }
    }
    UNROLLED(r, rows) {
      const int tap_y = y - r * stride;
      if (tap_y < 0 || tap_y >= kernel) continue;
      UNROLLED(tap_x, kernel) {
        const tile_lanes weight = weights[tap_y * kernel + tap_x];
        UNROLLED(c, columns) {
          sums[r * columns + c] = tile_multiply_add(inputs[c * stride + tap_x], weight, sums[r * columns + c]);
        }
      }
    }
  }
  UNROLLED(r, rows) {
    UNROLLED(c, columns) {
      if (r >= tile->rows || c >= tile->columns) continue;
      const int64_t offset = channel + r * tile->target_row + c * tile->target_pixel;
      tile_lanes sum = sums[r * columns + c];
      if (tile->residual) sum += TILE_LOAD(tile->residual + offset);
      const tile_lanes low = tile->low, high = tile->high;
      sum = low > sum ? low : sum;
      sum = high < sum ? high : sum;
      if (is_whole) {
        tile_store(tile->target + offset, sum);
      } else {
        tile_store_part(tile->target + offset, sum, part);
      }
    }
  }
#undef TILE_LOAD
}

/* rows × columns pixels of `part` (1 … 16) channels, all inputs of which lie within the image's columns
 * unless `has_border`. `is_whole` says that part is 16. */
LANES_INLINE void kernels_depthwise_pixels(
    const kernels_tile *tile, int kernel, int stride, int rows, int columns, bool has_border, bool is_whole,
    int64_t part, lanes_f32 bias) {
  float biases[16];
  lanes_store(biases, bias);
  /* A loop that is not unrolled: each turn is long. */
  _Pragma("clang loop unroll(disable)") for (int64_t channel = 0; channel < part; channel += TILE_LANES) {
    const int64_t here = part - channel < TILE_LANES ? part - channel : TILE_LANES;
    kernels_depthwise_register(
        tile, kernel, stride, rows, columns, has_border, is_whole, channel, here, tile_load(biases + channel));
  }
}

/* rows × 16 neighbouring pixels of one plane; stride 1 or 2. */
LANES_INLINE void kernels_depthwise_strip(
    const kernels_tile *tile, int kernel, int stride, int rows, bool has_border, lanes_f32 bias) {
  /* Out of the loop over rows, in which each row is a condition. */
  lanes_f32 weights[25];
  UNROLLED(i, kernel * kernel) weights[i] = tile->weights[i];
  lanes_range ranges[6];
  if (has_border) {
    UNROLLED(i, stride == 1 ? kernel : (kernel + 1) / 2 * 2) {
      const int64_t x = stride == 1 ? i : i / 2 * 2 + i % 2 * 16;
      ranges[i] = lanes_make_range(tile->first_column - x, tile->end_column - x);
    }
  }
  lanes_f32 sums[4];
  UNROLLED(i, rows) sums[i] = bias;
  UNROLLED(y, (rows - 1) * stride + kernel) {
    if (y < tile->first_row || y >= tile->end_row) continue;
    const float *row = tile->source + y * tile->row_stride;
    lanes_f32 inputs[6];
    UNROLLED(i, stride == 1 ? kernel : (kernel + 1) / 2 * 2) {
      const float *place = row + (stride == 1 ? i : i / 2 * 2 + i % 2 * 16);
      inputs[i] = has_border ? lanes_load_range(place, ranges[i]) : lanes_load(place);
    }
    if (stride == 2) {
      UNROLLED(pair, (kernel + 1) / 2) {
        const lanes_f32 left = inputs[2 * pair], right = inputs[2 * pair + 1];
        inputs[2 * pair] = lanes_even(left, right);
        inputs[2 * pair + 1] = lanes_odd(left, right);
      }
    }
    UNROLLED(r, rows) {
      const int tap_y = y - r * stride;
      if (tap_y < 0 || tap_y >= kernel) continue;
      UNROLLED(x, kernel) {
        sums[r] = lanes_multiply_add(inputs[x], weights[tap_y * kernel + x], sums[r]);
      }
    }
  }
  UNROLLED(r, rows) {
    if (r < tile->rows) kernels_store_tile(tile, sums[r], r * tile->target_row, tile->columns, tile->columns == 16);
  }
}
#undef UNROLLED

#pragma clang diagnostic pop
#endif
