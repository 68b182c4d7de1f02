/* Weights that are kept shorter than float32: what the instruction sets' targets and the library share. */
#ifndef CKERNELS_COMPRESSED_H
#define CKERNELS_COMPRESSED_H
#include "integers.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

typedef uint32_t lanes_u32x16 __attribute__((ext_vector_type(16)));

/* How a weight is kept. */
typedef enum __attribute__((enum_extensibility(closed))) kernels_format : int32_t {
  KERNELS_FLOAT16 __attribute__((swift_name("float16"))) = 0,
  KERNELS_BFLOAT16 __attribute__((swift_name("bfloat16"))),
  KERNELS_UINT8 __attribute__((swift_name("uint8"))),
  KERNELS_UINT4 __attribute__((swift_name("uint4"))), /* two rows a byte, the even one in its low half */
} kernels_format;

/* A right-hand matrix [k,n] in panels of a level's panelWidth columns: stored · scale + shift, where scale
 * and shift are those of the weight's column and of its group of group_size rows. */
typedef struct kernels_compressed {
  int64_t k;
  const uint8_t *values;
  int64_t panel_bytes;
  /* [panel, group, panelWidth]; NULL stands for ones and zeros. */
  const float *scales, *shifts;
  int64_t group_size;
  kernels_format format;
} kernels_compressed;

/* The first `count` (0 … 16) 16-bit numbers as integers; touches no more memory. */
LANES_INLINE lanes_i32 lanes_load_words(const uint8_t *pointer, int64_t count) {
  lanes_u16x16 value = 0;
  if (count == 16) {
    memcpy(&value, pointer, 32);
  } else {
    memcpy(&value, pointer, 2 * (size_t)count);
  }
  return __builtin_convertvector(value, lanes_i32);
}
/* bfloat16 as floats. */
LANES_INLINE lanes_f32 lanes_load_bfloats(const uint8_t *pointer, int64_t count) {
  return (lanes_f32)(lanes_load_words(pointer, count) << 16);
}
/* float16 as floats. */
LANES_INLINE lanes_f32 lanes_load_halves(const uint8_t *pointer, int64_t count) {
#if defined(__AVX512F__)
  if (count == 16) return (lanes_f32)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)pointer));
#elif defined(__F16C__)
  if (count == 16) {
    lanes_f32 value;
    value.lo = (lanes_f32x8)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)pointer));
    value.hi = (lanes_f32x8)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(pointer + 16)));
    return value;
  }
#endif
  const lanes_i32 bits = lanes_load_words(pointer, count);
  /* The exponent's bias is 112 less: a multiplication makes up for it, for subnormal numbers too. */
  const lanes_f32 value = (lanes_f32)((bits & 0x7fff) << 13) * 0x1p112f;
  const lanes_i32 sign = (bits & 0x8000) << 16;
  const lanes_i32 special = (bits & 0x7c00) == 0x7c00;
  return (lanes_f32)((lanes_i32)value | sign | (special & 0x7f800000));
}
/* The upper halves of floats, rounded to nearest, ties to even; NaN stays NaN. */
LANES_INLINE lanes_i32 lanes_to_bfloats(lanes_f32 a) {
  const lanes_u32x16 bits = (lanes_u32x16)a;
  const lanes_u32x16 rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  return (lanes_i32)((lanes_i32)(a != a) != 0 ? (bits >> 16) | 0x40 : rounded);
}

#pragma clang diagnostic pop
#endif
