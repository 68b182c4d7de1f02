/* Products of 8-bit integers and of bfloat16: what the instruction sets' targets and the library share. */
#ifndef CKERNELS_INTEGERS_H
#define CKERNELS_INTEGERS_H
#include <stdbool.h>
#include <stdint.h>

#include "lanes.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

typedef int32_t lanes_i32x8 __attribute__((ext_vector_type(8)));
typedef int32_t lanes_i32x4 __attribute__((ext_vector_type(4)));
typedef int16_t lanes_i16x32 __attribute__((ext_vector_type(32)));
typedef int16_t lanes_i16x16 __attribute__((ext_vector_type(16)));
typedef uint16_t lanes_u16x16 __attribute__((ext_vector_type(16)));
typedef int8_t lanes_i8x32 __attribute__((ext_vector_type(32)));
typedef int8_t lanes_i8x16 __attribute__((ext_vector_type(16)));
typedef uint8_t lanes_u8x16 __attribute__((ext_vector_type(16)));

/* What becomes of the sums of a product of integers. */
typedef enum __attribute__((enum_extensibility(closed))) kernels_sums : int32_t {
  KERNELS_SUMS_RAW __attribute__((swift_name("raw"))) = 0, /* stored as they are */
  KERNELS_SUMS_FLOAT __attribute__((swift_name("float"))), /* through the float epilogue */
  KERNELS_SUMS_BYTES __attribute__((swift_name("bytes"))), /* scaled, rounded and saturated to 8 bits */
} kernels_sums;

/* What the words of 32 bits hold that a product of short numbers multiplies. */
typedef enum __attribute__((enum_extensibility(closed))) kernels_words : int32_t {
  KERNELS_PAIRS __attribute__((swift_name("pairs"))) = 0, /* two 16-bit integers; signed bytes in B */
  KERNELS_BYTES __attribute__((swift_name("bytes"))), /* four unsigned bytes, signed ones in B: VNNI */
  KERNELS_NARROW_BYTES __attribute__((swift_name("narrowBytes"))), /* the same without VNNI: B is narrow */
  KERNELS_BFLOATS __attribute__((swift_name("bfloats"))), /* two bfloat16: BF16 */
} kernels_words;

/* C[m,n] = (A - a's zero points)[m,k] · (B - b's zero points)[k,n], in tiles of C.
 *
 * A row of A is `words` words, each of as many neighbouring values as its kind holds. A panel of B is
 * `words` rows of a level's panelWidth columns, each of as many values. */
typedef struct kernels_short_product {
  int64_t m, n, words;
  kernels_words kind;
  /* Rows of A begin a_row bytes apart; a tile is tile_rows of them. */
  const uint8_t *a;
  int64_t a_row, tile_rows;
  const int8_t *b;
  int64_t b_panel;
  /* The zero point of A, one a row or one for all, and the sums of B's columns; NULL where A has none. */
  const int32_t *row_zero_points;
  int32_t zero_point;
  const int32_t *column_sums;
  /* B's zero points and the sums of A's rows less k times A's zero point; NULL if B has none. */
  const int32_t *column_zero_points, *row_sums;

  kernels_sums sums;
  void *c;
  int64_t c_row; /* in elements */
  /* For floats: its alpha and column_scale are the scales. */
  kernels_epilogue epilogue;
  /* For bytes: saturate(round((sum + bias) * scale * column_scale) + offset). */
  const int32_t *column_bias;
  const float *column_scale;
  float scale;
  int32_t offset, low, high; /* low and high bound the byte; they include its type's own bounds */
} kernels_short_product;

/* A tile: target[rows, 32] = a[rows, words] · b, where rows is 1 to 14. Only for a CPU that has AVX-512
 * VNNI, or BF16. */
void kernels_vnni_tile(
    int64_t rows, int64_t words, const uint8_t *a, int64_t a_row, const int8_t *b, int32_t *target);
void kernels_bf16_tile(
    int64_t rows, int64_t words, const uint8_t *a, int64_t a_row, const int8_t *b, float *target);

/* Sums of products of neighbouring pairs: result[i] = a[2i] · b[2i] + a[2i+1] · b[2i+1]. They never
 * saturate, unlike those of bytes. */
LANES_INLINE lanes_i32 lanes_pair_products(lanes_i16x32 a, lanes_i16x32 b) {
#if defined(__AVX512BW__)
  return (lanes_i32)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  lanes_i32 result;
  result.lo = (lanes_i32x8)_mm256_madd_epi16((__m256i)a.lo, (__m256i)b.lo);
  result.hi = (lanes_i32x8)_mm256_madd_epi16((__m256i)a.hi, (__m256i)b.hi);
  return result;
#else
  return __builtin_convertvector(a.even, lanes_i32) * __builtin_convertvector(b.even, lanes_i32) +
         __builtin_convertvector(a.odd, lanes_i32) * __builtin_convertvector(b.odd, lanes_i32);
#endif
}
/* As lanes_narrow_products, which see. */
LANES_INLINE lanes_i32x8 lanes_narrow_products8(lanes_i32x8 a, lanes_i16x16 b) {
  const lanes_i32x8 words = (lanes_i32x8)b;
  lanes_i32x8 result = 0;
  for (int byte = 0; byte < 4; byte++) result += (a >> (8 * byte) & 255) * (words << (24 - 8 * byte) >> 24);
  return result;
}
LANES_INLINE lanes_i32x8 lanes_pair_products8(lanes_i16x16 a, lanes_i16x16 b) {
#if defined(__SSE2__)
  lanes_i32x8 result;
  result.lo = (lanes_i32x4)_mm_madd_epi16((__m128i)a.lo, (__m128i)b.lo);
  result.hi = (lanes_i32x4)_mm_madd_epi16((__m128i)a.hi, (__m128i)b.hi);
  return result;
#else
  return __builtin_convertvector(a.even, lanes_i32x8) * __builtin_convertvector(b.even, lanes_i32x8) +
         __builtin_convertvector(a.odd, lanes_i32x8) * __builtin_convertvector(b.odd, lanes_i32x8);
#endif
}

/* Sums of products of four neighbouring bytes, unsigned ones in `a` and signed ones in `b`, which is narrow: of each
 * pair of neighbours the sizes' sum is at most 128. Then 255 times it is a 16-bit integer, and nothing saturates. */
LANES_INLINE lanes_i32 lanes_narrow_products(lanes_i32 a, lanes_i16x32 b) {
#if defined(__AVX2__)
  const __m256i ones = _mm256_set1_epi16(1);
  const lanes_i32 words = (lanes_i32)b;
  lanes_i32 result;
  result.lo = (lanes_i32x8)_mm256_madd_epi16(_mm256_maddubs_epi16((__m256i)a.lo, (__m256i)words.lo), ones);
  result.hi = (lanes_i32x8)_mm256_madd_epi16(_mm256_maddubs_epi16((__m256i)a.hi, (__m256i)words.hi), ones);
  return result;
#else
  const lanes_i32 words = (lanes_i32)b;
  lanes_i32 result = 0;
  for (int byte = 0; byte < 4; byte++) result += (a >> (8 * byte) & 255) * (words << (24 - 8 * byte) >> 24);
  return result;
#endif
}

/* Signed bytes as 16-bit integers. */
LANES_INLINE lanes_i16x32 lanes_widen_bytes(const int8_t *pointer) {
  lanes_i8x32 value;
  memcpy(&value, pointer, sizeof value);
  return __builtin_convertvector(value, lanes_i16x32);
}
LANES_INLINE lanes_i16x16 lanes_widen_bytes8(const int8_t *pointer) {
  lanes_i8x16 value;
  memcpy(&value, pointer, sizeof value);
  return __builtin_convertvector(value, lanes_i16x16);
}
/* Four bytes a column, as they are. */
LANES_INLINE lanes_i16x32 lanes_load_quads(const int8_t *pointer) {
  lanes_i16x32 value;
  memcpy(&value, pointer, sizeof value);
  return value;
}
LANES_INLINE lanes_i16x16 lanes_load_quads8(const int8_t *pointer) {
  lanes_i16x16 value;
  memcpy(&value, pointer, sizeof value);
  return value;
}
/* A word of two 16-bit integers in every pair of lanes. */
LANES_INLINE lanes_i16x32 lanes_repeat_pair(int32_t pair) { return (lanes_i16x32)(lanes_i32)pair; }
LANES_INLINE lanes_i16x16 lanes_repeat_pair8(int32_t pair) { return (lanes_i16x16)(lanes_i32x8)pair; }

LANES_INLINE lanes_i32 lanes_load_integers(const int32_t *pointer) {
  lanes_i32 value;
  memcpy(&value, pointer, sizeof value);
  return value;
}
LANES_INLINE void lanes_store_integers(int32_t *pointer, lanes_i32 value) {
  memcpy(pointer, &value, sizeof value);
}
LANES_INLINE void lanes_store_integers8(int32_t *pointer, lanes_i32x8 value) {
  memcpy(pointer, &value, sizeof value);
}

/* The first `count` (0 … 16) bytes as integers, zeros in the other lanes; touches no more memory. */
LANES_INLINE lanes_i32 lanes_load_bytes(const uint8_t *pointer, int64_t count, bool is_signed) {
  lanes_u8x16 value = 0;
  if (count == 16) {
    memcpy(&value, pointer, 16);
  } else {
    memcpy(&value, pointer, (size_t)count);
  }
  return is_signed ? __builtin_convertvector((lanes_i8x16)value, lanes_i32)
                   : __builtin_convertvector(value, lanes_i32);
}
/* The low bytes of the first `count` (0 … 16) lanes. */
LANES_INLINE void lanes_store_bytes(uint8_t *pointer, lanes_i32 value, int64_t count) {
  lanes_u8x16 bytes = __builtin_convertvector(value, lanes_u8x16);
  if (count == 16) {
    memcpy(pointer, &bytes, 16);
  } else {
    memcpy(pointer, &bytes, (size_t)count);
  }
}
/* The low halves of the first `count` (0 … 16) lanes. */
LANES_INLINE void lanes_store_words(uint16_t *pointer, lanes_i32 value, int64_t count) {
  lanes_u16x16 words = __builtin_convertvector(value, lanes_u16x16);
  if (count == 16) {
    memcpy(pointer, &words, 32);
  } else {
    memcpy(pointer, &words, 2 * (size_t)count);
  }
}
/* Copies bytes, each changed by `flip`. */
LANES_INLINE void lanes_copy_bytes(uint8_t *target, const uint8_t *source, int64_t count, uint8_t flip) {
#if defined(__AVX512BW__)
  const __m512i change = _mm512_set1_epi8((char)flip);
  for (int64_t index = 0; index < count; index += 64) {
    const __mmask64 mask = count - index >= 64 ? ~0ull : (1ull << (count - index)) - 1;
    const __m512i value = _mm512_maskz_loadu_epi8(mask, source + index);
    _mm512_mask_storeu_epi8(target + index, mask, _mm512_xor_si512(value, change));
  }
#else
  for (int64_t index = 0; index < count; index++) target[index] = source[index] ^ flip;
#endif
}
/* Whole numbers as integers. */
LANES_INLINE lanes_i32 lanes_to_integers(lanes_f32 a) { return __builtin_convertvector(a, lanes_i32); }
/* Whether any lane of a is greater than b's. */
LANES_INLINE bool lanes_any_greater(lanes_f32 a, lanes_f32 b) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_GT_OQ) != 0;
#else
  return __builtin_reduce_or((lanes_i32)(a > b)) != 0;
#endif
}

#pragma clang diagnostic pop
#endif
