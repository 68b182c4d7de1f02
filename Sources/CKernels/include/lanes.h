/* Operations on sixteen floats that Swift's SIMD16<Float> lacks, or that it says by a loop over the
 * lanes. They inline into each kernel target and so take that target's instruction set. */
#ifndef CKERNELS_LANES_H
#define CKERNELS_LANES_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wpsabi"

typedef float lanes_f32 __attribute__((ext_vector_type(16)));
typedef float lanes_f32x8 __attribute__((ext_vector_type(8)));
typedef float lanes_f32x4 __attribute__((ext_vector_type(4)));
typedef int32_t lanes_i32 __attribute__((ext_vector_type(16)));

/* Room for the largest tile of sums, 14 rows of 32, and a vector that a load of its end runs over. A
 * struct of C, since a Swift struct's metadata would bring weak copies of the runtime's helpers into
 * the objects of each instruction set. */
typedef struct lanes_room {
  float values[29 * 16];
} lanes_room;
#define LANES_INLINE static inline __attribute__((always_inline))

/* a · b + c: fused where the target can, else rounded twice. */
LANES_INLINE lanes_f32 lanes_multiply_add(lanes_f32 a, lanes_f32 b, lanes_f32 c) {
#if defined(__FMA__) || defined(__aarch64__)
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}
LANES_INLINE lanes_f32x8 lanes_multiply_add8(lanes_f32x8 a, lanes_f32x8 b, lanes_f32x8 c) {
#if defined(__FMA__) || defined(__aarch64__)
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}

/* The greater; `b` where either is NaN: one instruction on x86. */
LANES_INLINE lanes_f32 lanes_greater(lanes_f32 a, lanes_f32 b) { return a > b ? a : b; }
/* The less; `b` where either is NaN. */
LANES_INLINE lanes_f32 lanes_less(lanes_f32 a, lanes_f32 b) { return a < b ? a : b; }
/* min(max(a, low), high), NaN where `a` is. */
LANES_INLINE lanes_f32x8 lanes_clip8(lanes_f32x8 a, float low, float high) {
  const lanes_f32x8 l = low, h = high;
  const lanes_f32x8 b = l > a ? l : a;
  return h < b ? h : b;
}
/* The greater, NaN where either is. */
LANES_INLINE lanes_f32 lanes_maximum(lanes_f32 a, lanes_f32 b) {
  return a != a ? a : lanes_greater(a, b);
}
/* The less, NaN where either is. */
LANES_INLINE lanes_f32 lanes_minimum(lanes_f32 a, lanes_f32 b) {
  return a != a ? a : lanes_less(a, b);
}

LANES_INLINE lanes_f32 lanes_floor(lanes_f32 a) { return __builtin_elementwise_floor(a); }
LANES_INLINE lanes_f32 lanes_ceiling(lanes_f32 a) { return __builtin_elementwise_ceil(a); }
LANES_INLINE lanes_f32 lanes_square_root(lanes_f32 a) { return __builtin_elementwise_sqrt(a); }
LANES_INLINE lanes_f32 lanes_absolute(lanes_f32 a) { return __builtin_elementwise_abs(a); }
LANES_INLINE lanes_f32 lanes_copy_sign(lanes_f32 a, lanes_f32 sign) {
  return __builtin_elementwise_copysign(a, sign);
}
/* `yes` where a < b, else `no`. */
LANES_INLINE lanes_f32 lanes_select_less(lanes_f32 a, lanes_f32 b, lanes_f32 yes, lanes_f32 no) {
  return a < b ? yes : no;
}
LANES_INLINE lanes_f32 lanes_select_equal(lanes_f32 a, lanes_f32 b, lanes_f32 yes, lanes_f32 no) {
  return a == b ? yes : no;
}
LANES_INLINE lanes_i32 lanes_bits(lanes_f32 a) { return (lanes_i32)a; }
LANES_INLINE lanes_f32 lanes_from_bits(lanes_i32 a) { return (lanes_f32)a; }
LANES_INLINE lanes_f32 lanes_from_integers(lanes_i32 a) { return __builtin_convertvector(a, lanes_f32); }

LANES_INLINE float lanes_sum(lanes_f32 a) {
  lanes_f32x8 b = a.lo + a.hi;
  lanes_f32x4 c = b.lo + b.hi;
  return (c.x + c.z) + (c.y + c.w);
}
LANES_INLINE float lanes_product(lanes_f32 a) {
  lanes_f32x8 b = a.lo * a.hi;
  lanes_f32x4 c = b.lo * b.hi;
  return (c.x * c.z) * (c.y * c.w);
}
/* The greatest lane, NaN if any is. */
LANES_INLINE float lanes_greatest(lanes_f32 a) {
  lanes_f32 b = lanes_maximum(a, __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  lanes_f32 c = lanes_maximum(b, __builtin_shufflevector(b, b, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3));
  lanes_f32 d = lanes_maximum(c, __builtin_shufflevector(c, c, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1));
  return lanes_maximum(d, __builtin_shufflevector(d, d, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0)).x;
}

/* The greatest lane; NaN is passed over where another lane is a number. */
LANES_INLINE float lanes_peak(lanes_f32 a) {
  lanes_f32x8 b = a.lo > a.hi ? a.lo : a.hi;
  lanes_f32x4 c = b.lo > b.hi ? b.lo : b.hi;
  const float d = c.x > c.z ? c.x : c.z, e = c.y > c.w ? c.y : c.w;
  return d > e ? d : e;
}

LANES_INLINE lanes_f32 lanes_load(const float *pointer) {
  lanes_f32 value;
  memcpy(&value, pointer, sizeof value);
  return value;
}
LANES_INLINE void lanes_store(float *pointer, lanes_f32 value) {
  memcpy(pointer, &value, sizeof value);
}
LANES_INLINE lanes_f32x8 lanes_load8(const float *pointer) {
  lanes_f32x8 value;
  memcpy(&value, pointer, sizeof value);
  return value;
}
LANES_INLINE void lanes_store8(float *pointer, lanes_f32x8 value) {
  memcpy(pointer, &value, sizeof value);
}

/* Whether lanes_lookup and lanes_scale are an instruction each. */
LANES_INLINE bool lanes_have_lookup(void) {
#if defined(__AVX512F__)
  return true;
#else
  return false;
#endif
}
/* The lane of `table` that the low four bits of each index name. */
LANES_INLINE lanes_f32 lanes_lookup(lanes_f32 table, lanes_i32 index) {
#if defined(__AVX512F__)
  return (lanes_f32)_mm512_permutexvar_ps((__m512i)index, (__m512)table);
#else
  lanes_f32 value;
  for (int lane = 0; lane < 16; lane++) value[lane] = table[index[lane] & 15];
  return value;
#endif
}
/* a · 2^⌊b⌋, rounded once (without the instruction: where that is a normal number). */
LANES_INLINE lanes_f32 lanes_scale(lanes_f32 a, lanes_f32 b) {
#if defined(__AVX512F__)
  return (lanes_f32)_mm512_scalef_ps((__m512)a, (__m512)b);
#else
  return a * (lanes_f32)((__builtin_convertvector(__builtin_elementwise_floor(b), lanes_i32) + 127) << 23);
#endif
}
/* 1 / a within 1 ULP, for sizes between 2⁻¹⁰⁰ and 2¹⁰⁰. */
LANES_INLINE lanes_f32 lanes_reciprocal(lanes_f32 a) {
#if defined(__AVX512F__)
  const lanes_f32 guess = (lanes_f32)_mm512_rcp14_ps((__m512)a);
  return lanes_multiply_add(guess, lanes_multiply_add(-a, guess, (lanes_f32)1.0f), guess);
#else
  return 1.0f / a;
#endif
}

/* Whether every lane is between −bound and bound; NaN is not. */
LANES_INLINE bool lanes_all_within(lanes_f32 a, float bound) {
#if defined(__AVX512F__)
  return _mm512_cmp_ps_mask((__m512)lanes_absolute(a), _mm512_set1_ps(bound), _CMP_LE_OQ) == 0xffff;
#elif defined(__AVX2__)
  const lanes_f32 size = lanes_absolute(a);
  const __m256 limit = _mm256_set1_ps(bound);
  const __m256 beyond = _mm256_or_ps(_mm256_cmp_ps((__m256)size.lo, limit, _CMP_NLE_UQ),
                                     _mm256_cmp_ps((__m256)size.hi, limit, _CMP_NLE_UQ));
  return _mm256_testz_ps(beyond, beyond);
#else
  return __builtin_reduce_and(lanes_absolute(a) <= (lanes_f32)bound) != 0;
#endif
}

typedef double lanes_f64 __attribute__((ext_vector_type(16)));
typedef int64_t lanes_i64 __attribute__((ext_vector_type(16)));

LANES_INLINE lanes_f64 lanes_multiply_add64(lanes_f64 a, lanes_f64 b, lanes_f64 c) {
#if defined(__FMA__) || defined(__aarch64__)
  return __builtin_elementwise_fma(a, b, c);
#else
  return a * b + c;
#endif
}
/* Adding it rounds a double to an integer, which is left in the low bits. */
#define LANES_SHIFTER64 0x1.8p52
LANES_INLINE lanes_f64 lanes_quarter_turns(lanes_f32 x) {
  return lanes_multiply_add64(
      __builtin_convertvector(x, lanes_f64), (lanes_f64)0.63661977236758134308, (lanes_f64)LANES_SHIFTER64);
}
/* How many quarters of a turn an angle is from the nearest of its multiples, modulo 2³². */
LANES_INLINE lanes_i32 lanes_quadrant(lanes_f32 x) {
  return __builtin_convertvector((lanes_i64)lanes_quarter_turns(x), lanes_i32);
}
/* What the angle is beyond that: between ±π/4 for |x| < 2⁴⁰. */
LANES_INLINE lanes_f32 lanes_angle_rest(lanes_f32 x) {
  const lanes_f64 turns = lanes_quarter_turns(x) - (lanes_f64)LANES_SHIFTER64;
  lanes_f64 rest = lanes_multiply_add64(
      turns, (lanes_f64)-1.57079632679489655800, __builtin_convertvector(x, lanes_f64));
  rest = lanes_multiply_add64(turns, (lanes_f64)-6.12323399573676603587e-17, rest);
  return __builtin_convertvector(rest, lanes_f32);
}

#if defined(__AVX512F__)
#define LANES_HAVE_MASKS 1
typedef __mmask16 lanes_mask;
LANES_INLINE lanes_mask lanes_mask_below(int64_t count) { return (lanes_mask)((1u << count) - 1); }
LANES_INLINE lanes_f32 lanes_load_mask(const float *pointer, lanes_mask mask, float filler) {
  return (lanes_f32)_mm512_mask_loadu_ps(_mm512_set1_ps(filler), mask, pointer);
}
LANES_INLINE void lanes_store_mask(float *pointer, lanes_f32 value, lanes_mask mask) {
  _mm512_mask_storeu_ps(pointer, mask, (__m512)value);
}
#elif defined(__AVX2__)
#define LANES_HAVE_MASKS 1
typedef lanes_i32 lanes_mask;
LANES_INLINE lanes_mask lanes_mask_below(int64_t count) {
  const lanes_i32 index = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return index < (int32_t)count;
}
LANES_INLINE lanes_f32 lanes_load_mask(const float *pointer, lanes_mask mask, float filler) {
  lanes_f32 value;
  value.lo = (lanes_f32x8)_mm256_maskload_ps(pointer, (__m256i)mask.lo);
  value.hi = (lanes_f32x8)_mm256_maskload_ps(pointer + 8, (__m256i)mask.hi);
  return mask ? value : (lanes_f32)filler;
}
#endif

/* The first `count` (0 … 16) lanes from memory, `filler` in the others; touches no more memory. */
LANES_INLINE lanes_f32 lanes_load_part(const float *pointer, int64_t count, float filler) {
#if defined(LANES_HAVE_MASKS)
  return lanes_load_mask(pointer, lanes_mask_below(count), filler);
#else
  lanes_f32 value = filler;
  memcpy(&value, pointer, (size_t)count * sizeof(float));
  return value;
#endif
}
LANES_INLINE void lanes_store_part8(float *pointer, lanes_f32x8 value, int64_t count) {
  /* In pieces of 4, 2 and 1: masked stores of AVX2 take AMD's CPUs a dozen cycles and more. */
  lanes_f32x4 four = value.lo;
  if (count & 8) {
    memcpy(pointer, &value, sizeof value);
    return;
  }
  if (count & 4) {
    memcpy(pointer, &four, sizeof four);
    pointer += 4;
    four = value.hi;
  }
  if (count & 2) {
    pointer[0] = four.x;
    pointer[1] = four.y;
    pointer += 2;
    four = four.zwzw;
  }
  if (count & 1) pointer[0] = four.x;
}
LANES_INLINE void lanes_store_part(float *pointer, lanes_f32 value, int64_t count) {
#if defined(__AVX512F__)
  lanes_store_mask(pointer, value, lanes_mask_below(count));
#else
  if (count < 8) {
    lanes_store_part8(pointer, value.lo, count);
  } else {
    lanes_store8(pointer, value.lo);
    lanes_store_part8(pointer + 8, value.hi, count - 8);
  }
#endif
}

/* Lanes `first` … `end − 1`, as far as they are of the sixteen. */
#if defined(LANES_HAVE_MASKS)
typedef lanes_mask lanes_range;
#else
typedef struct lanes_range {
  int64_t first, end;
} lanes_range;
#endif
LANES_INLINE lanes_range lanes_make_range(int64_t first, int64_t end) {
  const int64_t from = first < 0 ? 0 : first > 16 ? 16 : first;
  const int64_t to = end < from ? from : end > 16 ? 16 : end;
#if defined(LANES_HAVE_MASKS)
  return lanes_mask_below(to) & ~lanes_mask_below(from);
#else
  return (lanes_range){from, to};
#endif
}
/* `filler` in the lanes beyond the range; touches no more memory than it. */
LANES_INLINE lanes_f32 lanes_fill_range(const float *pointer, lanes_range range, float filler) {
#if defined(LANES_HAVE_MASKS)
  return lanes_load_mask(pointer, range, filler);
#else
  lanes_f32 value = filler;
  memcpy((float *)&value + range.first, pointer + range.first, (size_t)(range.end - range.first) * sizeof(float));
  return value;
#endif
}
/* Zeros in the lanes beyond the range; touches no more memory than it. */
LANES_INLINE lanes_f32 lanes_load_range(const float *pointer, lanes_range range) {
#if defined(__AVX2__) && !defined(__AVX512F__)
  /* The instruction leaves zeros there itself. */
  lanes_f32 value;
  value.lo = (lanes_f32x8)_mm256_maskload_ps(pointer, (__m256i)range.lo);
  value.hi = (lanes_f32x8)_mm256_maskload_ps(pointer + 8, (__m256i)range.hi);
  return value;
#else
  return lanes_fill_range(pointer, range, 0);
#endif
}

/* Every second of the lanes of `a` and `b`, from the first or the second on. */
LANES_INLINE lanes_f32 lanes_even(lanes_f32 a, lanes_f32 b) {
  return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}
LANES_INLINE lanes_f32 lanes_odd(lanes_f32 a, lanes_f32 b) {
  return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}

/* Lanes of `a` and `b` in turn, one, two, four or eight at a time: the steps of a transposition. */
#define LANES_INTERLEAVE(name, ...) \
  LANES_INLINE lanes_f32 name(lanes_f32 a, lanes_f32 b) { return __builtin_shufflevector(a, b, __VA_ARGS__); }
LANES_INTERLEAVE(lanes_low1, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29)
LANES_INTERLEAVE(lanes_high1, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31)
LANES_INTERLEAVE(lanes_low2, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29)
LANES_INTERLEAVE(lanes_high2, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31)
LANES_INTERLEAVE(lanes_low4, 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27)
LANES_INTERLEAVE(lanes_high4, 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31)
LANES_INTERLEAVE(lanes_low8, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
LANES_INTERLEAVE(lanes_high8, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31)
#undef LANES_INTERLEAVE

/* target[column][row] = source[row][column] for a block of at most 16 × 16. The vectors are those of one
 * array, which the compiler keeps in registers where there are as many. */
LANES_INLINE void lanes_transpose(
    const float *source, int64_t source_row, int64_t rows, float *target, int64_t target_row, int64_t columns) {
  lanes_f32 a[16], b[16];
#define LANES_EACH(count, ...) \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < count; i++) { __VA_ARGS__ }
  if (rows == 16 && columns == 16) {
    LANES_EACH(16, a[i] = lanes_load(source + i * source_row);)
  } else {
    LANES_EACH(16, a[i] = i < rows ? lanes_load_part(source + i * source_row, columns, 0) : (lanes_f32)0;)
  }
  LANES_EACH(8, b[2 * i] = lanes_low1(a[2 * i], a[2 * i + 1]); b[2 * i + 1] = lanes_high1(a[2 * i], a[2 * i + 1]);)
  LANES_EACH(4, a[4 * i] = lanes_low2(b[4 * i], b[4 * i + 2]); a[4 * i + 1] = lanes_high2(b[4 * i], b[4 * i + 2]);
             a[4 * i + 2] = lanes_low2(b[4 * i + 1], b[4 * i + 3]);
             a[4 * i + 3] = lanes_high2(b[4 * i + 1], b[4 * i + 3]);)
  /* a[4 i + j] holds, of rows 4 i … 4 i + 3, columns j, 4 + j, 8 + j and 12 + j. */
  LANES_EACH(4, b[i] = lanes_low4(a[i], a[4 + i]); b[4 + i] = lanes_high4(a[i], a[4 + i]);
             b[8 + i] = lanes_low4(a[8 + i], a[12 + i]); b[12 + i] = lanes_high4(a[8 + i], a[12 + i]);)
  LANES_EACH(8, a[i] = lanes_low8(b[i], b[8 + i]); a[8 + i] = lanes_high8(b[i], b[8 + i]);)
  if (rows == 16 && columns == 16) {
    LANES_EACH(16, lanes_store(target + i * target_row, a[i]);)
  } else {
    LANES_EACH(16, if (i < columns) lanes_store_part(target + i * target_row, a[i], rows);)
  }
#undef LANES_EACH
}

typedef uint8_t lanes_bytes __attribute__((ext_vector_type(16)));

/* target[column][row] = source[row][column] for 16 × 16 bytes. Each step turns the eight bits of a byte's
 * place, four of its row and four of its column, by one. */
LANES_INLINE void lanes_transpose_bytes(
    const uint8_t *source, int64_t source_row, uint8_t *target, int64_t target_row) {
  lanes_bytes a[16], b[16];
#define LANES_EACH(count, ...) \
  _Pragma("clang loop unroll(full)") for (int i = 0; i < count; i++) { __VA_ARGS__ }
#define LANES_TURN(from, to)                                                                                   \
  LANES_EACH(8, to[2 * i] = __builtin_shufflevector(from[i], from[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20,    \
                                                    5, 21, 6, 22, 7, 23);                                      \
             to[2 * i + 1] = __builtin_shufflevector(from[i], from[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12,   \
                                                     28, 13, 29, 14, 30, 15, 31);)
  LANES_EACH(16, memcpy(&a[i], source + i * source_row, 16);)
  LANES_TURN(a, b)
  LANES_TURN(b, a)
  LANES_TURN(a, b)
  LANES_TURN(b, a)
  LANES_EACH(16, memcpy(target + i * target_row, &a[i], 16);)
#undef LANES_TURN
#undef LANES_EACH
}

#pragma clang diagnostic pop
#endif
