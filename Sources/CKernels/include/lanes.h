/* Operations on sixteen floats that Swift's SIMD16<Float> lacks, or that it says by a loop over the
 * lanes. They inline into each kernel target and so take that target's instruction set. */
#ifndef CKERNELS_LANES_H
#define CKERNELS_LANES_H
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

/* The first `count` (0 … 16) lanes from memory, `filler` in the others; touches no more memory. */
LANES_INLINE lanes_f32 lanes_load_part(const float *pointer, int64_t count, float filler) {
#if defined(__AVX512F__)
  __mmask16 mask = (__mmask16)((1u << count) - 1);
  return (lanes_f32)_mm512_mask_loadu_ps(_mm512_set1_ps(filler), mask, pointer);
#else
  lanes_f32 value = filler;
  memcpy(&value, pointer, (size_t)count * sizeof(float));
  return value;
#endif
}
LANES_INLINE void lanes_store_part(float *pointer, lanes_f32 value, int64_t count) {
#if defined(__AVX512F__)
  __mmask16 mask = (__mmask16)((1u << count) - 1);
  _mm512_mask_storeu_ps(pointer, mask, (__m512)value);
#else
  memcpy(pointer, &value, (size_t)count * sizeof(float));
#endif
}

#pragma clang diagnostic pop
#endif
