/* Poolings: sixteen neighbouring outputs at a time. */
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

/* Outputs of a row that are computed together, and what fits the row of inputs under them. Windows of more rows
 * or of a longer reach go value by value. */
#define KERNELS_POOLING_OUTPUTS 128
#define KERNELS_POOLING_ROWS 64
#define KERNELS_POOLING_REACH 128
#define KERNELS_POOLING_LINE (2 * KERNELS_POOLING_OUTPUTS + KERNELS_POOLING_REACH + 48)

/* How many of an axis' positions count in the mean of its output `index`. */
LANES_INLINE int64_t kernels_pooling_count(const kernels_pooling_axis *axis, int64_t index, bool counts_padding) {
  int64_t count = 0;
  for (int64_t tap = 0, at = index * axis->stride - axis->pad_before; tap < axis->kernel; tap++, at += axis->dilation) {
    count += at < axis->counted_end && (counts_padding || at >= 0);
  }
  return count;
}

LANES_INLINE lanes_f32 kernels_pooling_take(lanes_f32 value, lanes_f32 taken, bool is_maximum) {
  return is_maximum ? lanes_maximum(value, taken) : value + taken;
}

/* Columns `column` … of all rows: where the inputs under them lie. */
typedef struct kernels_pooling_strip {
  int64_t column, outputs;
  /* The first input, of which those before `first` and from `end` on are padding. */
  int64_t left, first, end;
} kernels_pooling_strip;

LANES_INLINE kernels_pooling_strip kernels_pooling_strip_at(const kernels_pooling_axis *wide, int64_t column) {
  kernels_pooling_strip strip = {.column = column, .left = column * wide->stride - wide->pad_before};
  const int64_t rest = wide->output - column;
  strip.outputs = rest < KERNELS_POOLING_OUTPUTS ? rest : KERNELS_POOLING_OUTPUTS;
  const int64_t count = (strip.outputs - 1) * wide->stride + (wide->kernel - 1) * wide->dilation + 1;
  const int64_t inside = wide->input - strip.left;
  strip.first = strip.left >= 0 ? 0 : -strip.left < count ? -strip.left : count;
  strip.end = inside >= count ? count : inside > strip.first ? inside : strip.first;
  return strip;
}

/* line[x] = what the `count` rows make of each column of the strip that lies within the image. */
LANES_INLINE void kernels_pooling_combine(
    const kernels_pooling_strip *strip, const float *const *rows, int64_t count, float *line, bool is_maximum) {
  const float filler = is_maximum ? -__builtin_inff() : 0;
  for (int64_t x = strip->first; x < strip->end; x += 16) {
    lanes_f32 value = filler;
    const int64_t part = strip->end - x;
    if (part >= 16) {
      if (count > 0) value = lanes_load(rows[0] + x);
      for (int64_t row = 1; row < count; row++) {
        value = kernels_pooling_take(value, lanes_load(rows[row] + x), is_maximum);
      }
    } else {
      for (int64_t row = 0; row < count; row++) {
        value = kernels_pooling_take(value, lanes_load_part(rows[row] + x, part, filler), is_maximum);
      }
    }
    lanes_store(line + x, value);
  }
}

/* Sixteen neighbouring outputs of a line; `kernel` is a constant where this is inlined, or 0. */
LANES_INLINE lanes_f32 kernels_pooling_line(
    const kernels_pooling_axis *wide, const float *line, int kernel, int stride, bool is_maximum) {
  const int64_t taps = kernel ? kernel : wide->kernel;
  const int64_t dilation = kernel ? 1 : wide->dilation;
  if (stride == 1) {
    lanes_f32 value = lanes_load(line);
    for (int64_t tap = 1; tap < taps; tap++) {
      value = kernels_pooling_take(value, lanes_load(line + tap * dilation), is_maximum);
    }
    return value;
  }
  lanes_f32 low = lanes_load(line), high = lanes_load(line + 16);
  lanes_f32 value = lanes_even(low, high);
  for (int64_t tap = 1; tap < taps; tap++) {
    if (dilation == 1 && tap % 2 == 1) {
      /* Between those of the tap before. */
      value = kernels_pooling_take(value, lanes_odd(low, high), is_maximum);
      continue;
    }
    low = lanes_load(line + tap * dilation);
    high = lanes_load(line + tap * dilation + 16);
    value = kernels_pooling_take(value, lanes_even(low, high), is_maximum);
  }
  return value;
}

/* The outputs of one row of a strip, from the line under it; means are multiplied with `factors`. */
LANES_INLINE void kernels_pooling_finish(
    const kernels_pooling *pooling, const kernels_pooling_strip *strip, const float *line, const float *factors,
    float *target, int stride, bool is_maximum) {
  const kernels_pooling_axis *wide = &pooling->x;
  const int kernel = wide->dilation != 1 ? 0 : wide->kernel == 2 ? 2 : wide->kernel == 3 ? 3 : 0;
  for (int64_t x = 0; x < strip->outputs; x += 16) {
    const float *from = line + x * stride;
    lanes_f32 value = kernel == 3 ? kernels_pooling_line(wide, from, 3, stride, is_maximum)
        : kernel == 2             ? kernels_pooling_line(wide, from, 2, stride, is_maximum)
                                  : kernels_pooling_line(wide, from, 0, stride, is_maximum);
    if (!is_maximum) value *= lanes_load(factors + x);
    if (strip->outputs - x >= 16) {
      lanes_store(target + x, value);
    } else {
      lanes_store_part(target + x, value, strip->outputs - x);
    }
  }
}

/* The rows under the outputs (z, y), at the strip's first input; returns their number. */
LANES_INLINE int64_t kernels_pooling_rows(
    const kernels_pooling *pooling, const float *plane, int64_t z, int64_t y, int64_t left, const float **rows) {
  const kernels_pooling_axis *deep = &pooling->z, *high = &pooling->y;
  int64_t count = 0;
  int64_t at_z = z * deep->stride - deep->pad_before;
  for (int64_t tap_z = 0; tap_z < deep->kernel; tap_z++, at_z += deep->dilation) {
    if (at_z < 0 || at_z >= deep->input) continue;
    int64_t at_y = y * high->stride - high->pad_before;
    for (int64_t tap_y = 0; tap_y < high->kernel; tap_y++, at_y += high->dilation) {
      if (at_y < 0 || at_y >= high->input) continue;
      rows[count++] = plane + (at_z * high->input + at_y) * pooling->x.input + left;
    }
  }
  return count;
}

/* Columns `column` … of every row of every plane. Of each output's window first the rows are combined, whole
 * vectors without borders, then the columns of what they make. */
LANES_INLINE void kernels_pooling_columns(
    const kernels_pooling *pooling, const float *input, float *output, int64_t planes, int64_t column, int stride,
    bool is_maximum) {
  const kernels_pooling_axis *deep = &pooling->z, *high = &pooling->y, *wide = &pooling->x;
  const kernels_pooling_strip strip = kernels_pooling_strip_at(wide, column);
  const int64_t in_plane = deep->input * high->input * wide->input;
  const float *rows[KERNELS_POOLING_ROWS];
  float line[KERNELS_POOLING_LINE], factors[KERNELS_POOLING_OUTPUTS], counts[KERNELS_POOLING_OUTPUTS];
  for (int64_t index = 0; index < KERNELS_POOLING_LINE; index++) line[index] = is_maximum ? -__builtin_inff() : 0;
  for (int64_t x = 0; x < KERNELS_POOLING_OUTPUTS; x++) {
    const bool is_mean = !is_maximum && x < strip.outputs;
    counts[x] = is_mean ? (float)kernels_pooling_count(wide, column + x, pooling->counts_padding) : 0;
  }
  int64_t around = -1;
  float *target = output + column;
  for (int64_t plane = 0; plane < planes; plane++) {
    for (int64_t z = 0; z < deep->output; z++) {
      for (int64_t y = 0; y < high->output; y++, target += wide->output) {
        const int64_t count = kernels_pooling_rows(pooling, input + plane * in_plane, z, y, strip.left, rows);
        kernels_pooling_combine(&strip, rows, count, line, is_maximum);
        if (!is_maximum) {
          const int64_t here = kernels_pooling_count(deep, z, pooling->counts_padding) *
              kernels_pooling_count(high, y, pooling->counts_padding);
          for (int64_t x = 0; here != around && x < strip.outputs; x++) {
            const float all = counts[x] * (float)here;
            factors[x] = 1 / (all > 1 ? all : 1);
          }
          around = here;
        }
        kernels_pooling_finish(pooling, &strip, line, factors, target, stride, is_maximum);
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
