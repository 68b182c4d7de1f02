/* Poolings: sixteen neighbouring outputs at a time, whose borders are masks in registers that Swift could not
 * keep in an array. */
#ifndef CKERNELS_POOLING_H
#define CKERNELS_POOLING_H
#include <stdbool.h>
#include <stdint.h>

#include "lanes.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

/* One of the three spatial dimensions of a pooling. */
typedef struct kernels_pooling_axis {
  int64_t input, output, kernel, stride, dilation, pad_before;
  /* Up to where positions count in a mean: the input's end, or that of its padding. */
  int64_t counted_end;
} kernels_pooling_axis;

typedef struct kernels_pooling {
  kernels_pooling_axis z, y, x;
  bool is_maximum;
  /* Padded positions count in the mean. */
  bool counts_padding;
} kernels_pooling;

/* More columns of a window go value by value. */
#define KERNELS_POOLING_TAPS 16
/* Rows of a plane that are remembered: as many as a window of neighbouring rows has at most. */
#define KERNELS_POOLING_LINES 8

/* How many of an axis' positions count in the mean of its output `index`. */
LANES_INLINE int64_t kernels_pooling_count(const kernels_pooling_axis *axis, int64_t index, bool counts_padding) {
  int64_t count = 0;
  for (int64_t tap = 0, at = index * axis->stride - axis->pad_before; tap < axis->kernel; tap++, at += axis->dilation) {
    count += at < axis->counted_end && (counts_padding || at >= 0);
  }
  return count;
}

/* What a window's columns make of one row of the input, for sixteen neighbouring outputs. */
LANES_INLINE lanes_f32 kernels_pooling_line(
    const kernels_pooling_axis *wide, const float *row, const lanes_range *ranges, int stride, bool is_maximum) {
  const float filler = is_maximum ? -__builtin_inff() : 0;
  lanes_f32 value = filler;
#define KERNELS_POOLING_TAKE(here)                                              \
  {                                                                             \
    const lanes_f32 taken = here;                                               \
    value = is_maximum ? lanes_maximum(value, taken) : value + taken;           \
  }
  for (int64_t tap = 0; tap < wide->kernel; tap++) {
    const float *from = row + tap * wide->dilation;
    const lanes_f32 low = lanes_fill_range(from, ranges[2 * tap], filler);
    if (stride == 1) {
      KERNELS_POOLING_TAKE(low)
      continue;
    }
    const lanes_f32 high = lanes_fill_range(from + 16, ranges[2 * tap + 1], filler);
    KERNELS_POOLING_TAKE(lanes_even(low, high))
    if (wide->dilation == 1 && tap + 1 < wide->kernel) {
      /* The next column lies between. */
      KERNELS_POOLING_TAKE(lanes_odd(low, high))
      tap++;
    }
  }
#undef KERNELS_POOLING_TAKE
  return value;
}

/* One row of outputs of one plane: at most sixteen, whose first column is at `left` of the input.
 *
 * `lines` are what the rows of the plane made so far, row y in place y modulo their number, up to row `made` − 1: rows
 * that several outputs read are combined once. With NULL each is combined anew. */
LANES_INLINE lanes_f32 kernels_pooling_row(
    const kernels_pooling *pooling, const float *plane, int64_t z, int64_t y, const lanes_range *ranges,
    int64_t left, int stride, bool is_maximum, lanes_f32 *lines, int64_t *made) {
  const kernels_pooling_axis *deep = &pooling->z, *high = &pooling->y, *wide = &pooling->x;
  lanes_f32 value = is_maximum ? -__builtin_inff() : 0;
  int64_t at_z = z * deep->stride - deep->pad_before;
  for (int64_t tap_z = 0; tap_z < deep->kernel; tap_z++, at_z += deep->dilation) {
    if (at_z < 0 || at_z >= deep->input) continue;
    int64_t at_y = y * high->stride - high->pad_before;
    for (int64_t tap_y = 0; tap_y < high->kernel; tap_y++, at_y += high->dilation) {
      if (at_y < 0 || at_y >= high->input) continue;
      const float *row = plane + (at_z * high->input + at_y) * wide->input + left;
      lanes_f32 line;
      if (lines && at_y < *made) {
        line = lines[at_y % KERNELS_POOLING_LINES];
      } else {
        line = kernels_pooling_line(wide, row, ranges, stride, is_maximum);
        if (lines) {
          lines[at_y % KERNELS_POOLING_LINES] = line;
          *made = at_y + 1;
        }
      }
      value = is_maximum ? lanes_maximum(value, line) : value + line;
    }
  }
  return value;
}

/* Columns `column` … of every row of every plane. */
LANES_INLINE void kernels_pooling_columns(
    const kernels_pooling *pooling, const float *input, float *output, int64_t planes, int64_t column, int stride,
    bool is_maximum) {
  const kernels_pooling_axis *deep = &pooling->z, *high = &pooling->y, *wide = &pooling->x;
  const int64_t left = column * stride - wide->pad_before;
  const int64_t part = wide->output - column < 16 ? wide->output - column : 16;
  lanes_range ranges[2 * KERNELS_POOLING_TAPS];
  for (int64_t tap = 0; tap < wide->kernel; tap++) {
    const int64_t first = left + tap * wide->dilation;
    /* No further than what the last output reads. */
    const int64_t beyond = part * stride;
    const int64_t end = wide->input - first < beyond ? wide->input - first : beyond;
    ranges[2 * tap] = lanes_make_range(-first, end);
    ranges[2 * tap + 1] = lanes_make_range(-first - 16, end - 16);
  }
  lanes_f32 counts = 1;
  for (int64_t lane = 0; lane < part; lane++) {
    counts[lane] = (float)kernels_pooling_count(wide, column + lane, pooling->counts_padding);
  }
  const int64_t in_plane = deep->input * high->input * wide->input;
  const int64_t out_rows = deep->output * high->output;
  lanes_f32 lines[KERNELS_POOLING_LINES];
  /* Neighbouring rows, of one slice, that several outputs read. */
  const bool remembers = deep->input == 1 && high->dilation == 1 && high->kernel <= KERNELS_POOLING_LINES &&
      high->stride < high->kernel;
  for (int64_t plane = 0; plane < planes; plane++) {
    int64_t made = 0;
    for (int64_t row = 0, z = 0, y = 0; row < out_rows; row++) {
      lanes_f32 value = kernels_pooling_row(
          pooling, input + plane * in_plane, z, y, ranges, left, stride, is_maximum, remembers ? lines : NULL, &made);
      if (!is_maximum) {
        const float around = (float)(kernels_pooling_count(deep, z, pooling->counts_padding) *
                                     kernels_pooling_count(high, y, pooling->counts_padding));
        const lanes_f32 all = counts * around;
        value /= all > 1 ? all : 1;
      }
      float *target = output + (plane * out_rows + row) * wide->output + column;
      if (part == 16) {
        lanes_store(target, value);
      } else {
        lanes_store_part(target, value, part);
      }
      if (++y == high->output) {
        y = 0;
        z++;
      }
    }
  }
}

/* One output, value by value. */
LANES_INLINE float kernels_pooling_window(
    const kernels_pooling *pooling, const float *plane, int64_t z, int64_t y, int64_t x) {
  const kernels_pooling_axis *deep = &pooling->z, *high = &pooling->y, *wide = &pooling->x;
  float greatest = -__builtin_inff(), sum = 0;
  for (int64_t tap_z = 0; tap_z < deep->kernel; tap_z++) {
    const int64_t at_z = z * deep->stride - deep->pad_before + tap_z * deep->dilation;
    if (at_z < 0 || at_z >= deep->input) continue;
    for (int64_t tap_y = 0; tap_y < high->kernel; tap_y++) {
      const int64_t at_y = y * high->stride - high->pad_before + tap_y * high->dilation;
      if (at_y < 0 || at_y >= high->input) continue;
      const float *row = plane + (at_z * high->input + at_y) * wide->input;
      for (int64_t tap = 0; tap < wide->kernel; tap++) {
        const int64_t at = x * wide->stride - wide->pad_before + tap * wide->dilation;
        if (at < 0 || at >= wide->input) continue;
        sum += row[at];
        if (row[at] > greatest || row[at] != row[at]) greatest = row[at];
        if (greatest != greatest) return greatest;
      }
    }
  }
  if (pooling->is_maximum) return greatest;
  const int64_t count = kernels_pooling_count(deep, z, pooling->counts_padding) *
      kernels_pooling_count(high, y, pooling->counts_padding) *
      kernels_pooling_count(wide, x, pooling->counts_padding);
  return count == 0 ? 0 : sum / (float)count;
}

#pragma clang diagnostic pop
#endif
