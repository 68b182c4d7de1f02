#include "ckernels.h"

#include <string.h>

/* Tiles of products of short numbers: target[rows, 32] = a[rows, words] · b, where a word of 32 bits holds
 * four bytes or two bfloat16. Their instructions stand in functions with that target of their own: more sets
 * of targets for two loops would be more code than it. */
#if defined(__x86_64__)
#include <immintrin.h>
#define INLINE static inline __attribute__((always_inline))
#define AVX512 "avx512f,avx512bw,avx512vl,avx512dq"
#define EACH _Pragma("clang loop unroll(full)") for

INLINE int32_t word(const uint8_t *a) {
  int32_t value;
  memcpy(&value, a, sizeof value);
  return value;
}

/* NAME: of the functions; TARGET: their attribute; SUMS, FACTORS: the vectors of sums and of factors;
 * MULTIPLY(sums, a, b) adds products; ADD(x, y) adds sums. */
#define DEFINE_TILES(NAME, TARGET, SUMS, FACTORS, MULTIPLY, ADD)                                             \
  /* `rows` is constant where this is inlined: the sums are registers and the loops over rows vanish. */     \
  TARGET INLINE void NAME##_rows(                                                                            \
      const int rows, int64_t words, const uint8_t *a, int64_t a_row, const int8_t *b, void *target) {       \
    SUMS left[14], right[14];                                                                                \
    EACH(int row = 0; row < rows; row++) left[row] = right[row] = (SUMS)_mm512_setzero_si512();              \
    for (int64_t i = 0; i < words; i++) {                                                                    \
      const FACTORS b_left = (FACTORS)_mm512_loadu_si512(b);                                                 \
      const FACTORS b_right = (FACTORS)_mm512_loadu_si512(b + 64);                                           \
      EACH(int row = 0; row < rows; row++) {                                                                 \
        const FACTORS factor = (FACTORS)_mm512_set1_epi32(word(a + row * a_row));                            \
        left[row] = MULTIPLY(left[row], factor, b_left);                                                     \
        right[row] = MULTIPLY(right[row], factor, b_right);                                                  \
      }                                                                                                      \
      a += 4;                                                                                                \
      b += 128;                                                                                              \
    }                                                                                                        \
    EACH(int row = 0; row < rows; row++) {                                                                   \
      _mm512_storeu_si512((char *)target + row * 128, (__m512i)left[row]);                                   \
      _mm512_storeu_si512((char *)target + row * 128 + 64, (__m512i)right[row]);                             \
    }                                                                                                        \
  }                                                                                                          \
  /* One row: four sums a column, for one alone would wait for the multiplier. */                            \
  TARGET static void NAME##_row(int64_t words, const uint8_t *a, const int8_t *b, void *target) {            \
    SUMS left[4], right[4];                                                                                  \
    EACH(int part = 0; part < 4; part++) left[part] = right[part] = (SUMS)_mm512_setzero_si512();            \
    int64_t i = 0;                                                                                           \
    for (; i + 4 <= words; i += 4) {                                                                         \
      EACH(int part = 0; part < 4; part++) {                                                                 \
        const FACTORS factor = (FACTORS)_mm512_set1_epi32(word(a + 4 * (i + part)));                         \
        const int8_t *row = b + 128 * (i + part);                                                            \
        left[part] = MULTIPLY(left[part], factor, (FACTORS)_mm512_loadu_si512(row));                         \
        right[part] = MULTIPLY(right[part], factor, (FACTORS)_mm512_loadu_si512(row + 64));                  \
      }                                                                                                      \
    }                                                                                                        \
    for (; i < words; i++) {                                                                                 \
      const FACTORS factor = (FACTORS)_mm512_set1_epi32(word(a + 4 * i));                                    \
      left[0] = MULTIPLY(left[0], factor, (FACTORS)_mm512_loadu_si512(b + 128 * i));                         \
      right[0] = MULTIPLY(right[0], factor, (FACTORS)_mm512_loadu_si512(b + 128 * i + 64));                  \
    }                                                                                                        \
    left[0] = ADD(ADD(left[0], left[1]), ADD(left[2], left[3]));                                             \
    right[0] = ADD(ADD(right[0], right[1]), ADD(right[2], right[3]));                                        \
    _mm512_storeu_si512(target, (__m512i)left[0]);                                                           \
    _mm512_storeu_si512((char *)target + 64, (__m512i)right[0]);                                             \
  }                                                                                                          \
  TARGET static void NAME##_tile(                                                                            \
      int64_t rows, int64_t words, const uint8_t *a, int64_t a_row, const int8_t *b, void *target) {         \
    switch (rows) {                                                                                          \
      case 1: NAME##_row(words, a, b, target); break;                                                        \
      case 2: NAME##_rows(2, words, a, a_row, b, target); break;                                             \
      case 3: NAME##_rows(3, words, a, a_row, b, target); break;                                             \
      case 4: NAME##_rows(4, words, a, a_row, b, target); break;                                             \
      case 5: NAME##_rows(5, words, a, a_row, b, target); break;                                             \
      case 6: NAME##_rows(6, words, a, a_row, b, target); break;                                             \
      case 7: NAME##_rows(7, words, a, a_row, b, target); break;                                             \
      case 8: NAME##_rows(8, words, a, a_row, b, target); break;                                             \
      case 9: NAME##_rows(9, words, a, a_row, b, target); break;                                             \
      case 10: NAME##_rows(10, words, a, a_row, b, target); break;                                           \
      case 11: NAME##_rows(11, words, a, a_row, b, target); break;                                           \
      case 12: NAME##_rows(12, words, a, a_row, b, target); break;                                           \
      case 13: NAME##_rows(13, words, a, a_row, b, target); break;                                           \
      case 14: NAME##_rows(14, words, a, a_row, b, target); break;                                           \
      default: break;                                                                                        \
    }                                                                                                        \
  }

DEFINE_TILES(
    vnni, __attribute__((target(AVX512 ",avx512vnni"))), __m512i, __m512i, _mm512_dpbusd_epi32,
    _mm512_add_epi32)
DEFINE_TILES(
    bf16, __attribute__((target(AVX512 ",avx512bf16"))), __m512, __m512bh, _mm512_dpbf16_ps, _mm512_add_ps)

void kernels_vnni_tile(
    int64_t rows, int64_t words, const uint8_t *a, int64_t a_row, const int8_t *b, int32_t *target) {
  vnni_tile(rows, words, a, a_row, b, target);
}

void kernels_bf16_tile(
    int64_t rows, int64_t words, const uint8_t *a, int64_t a_row, const int8_t *b, float *target) {
  bf16_tile(rows, words, a, a_row, b, target);
}

#else

void kernels_vnni_tile(
    int64_t rows, int64_t words, const uint8_t *a, int64_t a_row, const int8_t *b, int32_t *target) {
  for (int64_t i = 0; i < rows * 32; i++) {
    int32_t sum = 0;
    for (int64_t k = 0; k < 4 * words; k++) sum += a[i / 32 * a_row + k] * b[k / 4 * 128 + i % 32 * 4 + k % 4];
    target[i] = sum;
  }
}

static float widened(const void *bfloats, int64_t index) {
  uint16_t high;
  memcpy(&high, (const char *)bfloats + 2 * index, sizeof high);
  const uint32_t bits = (uint32_t)high << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

void kernels_bf16_tile(
    int64_t rows, int64_t words, const uint8_t *a, int64_t a_row, const int8_t *b, float *target) {
  for (int64_t i = 0; i < rows * 32; i++) {
    float sum = 0;
    for (int64_t k = 0; k < 2 * words; k++)
      sum += widened(a + i / 32 * a_row, k) * widened(b, k / 2 * 64 + i % 32 * 2 + k % 2);
    target[i] = sum;
  }
}

#endif
