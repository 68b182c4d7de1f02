internal import CKernels

/// `Swift.min` would leave a weak copy of itself in the objects of each instruction set.
@inline(__always)
func lesser(_ a: Int, _ b: Int) -> Int { a < b ? a : b }

@inline(__always)
func greater(_ a: Int, _ b: Int) -> Int { a > b ? a : b }

/// Calls `body` for each vector of `count` floats: sixteen lanes, and the last with what is left.
@inline(__always)
func forEachPart(_ count: Int, _ body: (_ index: Int, _ part: Int) -> Void) {
  var index = 0
  while index + 16 <= count {
    body(index, 16)
    index += 16
  }
  if index < count { body(index, count - index) }
}

/// `count` lanes (1 … 16) from memory, `filler` in the others.
@inline(__always)
func loadPart(_ pointer: UnsafePointer<Float>, _ count: Int, filler: Float = 0) -> lanes_f32 {
  count == 16 ? lanes_load(pointer) : lanes_load_part(pointer, Int64(count), filler)
}

@inline(__always)
func storePart(_ pointer: UnsafeMutablePointer<Float>, _ value: lanes_f32, _ count: Int) {
  if count == 16 {
    lanes_store(pointer, value)
  } else {
    lanes_store_part(pointer, value, Int64(count))
  }
}

/// The sum of x[i], in 64 partial sums.
@inline(__always)
func sum(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
  var s0 = lanes_f32.zero
  var s1 = lanes_f32.zero
  var s2 = lanes_f32.zero
  var s3 = lanes_f32.zero
  var index = 0
  while index + 64 <= count {
    s0 += lanes_load(x + index)
    s1 += lanes_load(x + index + 16)
    s2 += lanes_load(x + index + 32)
    s3 += lanes_load(x + index + 48)
    index += 64
  }
  while index < count {
    s0 += loadPart(x + index, lesser(16, count - index))
    index += 16
  }
  return lanes_sum((s0 + s1) + (s2 + s3))
}

/// The sum of (x[i] − center)², in 64 partial sums.
@inline(__always)
func sumOfSquares(_ x: UnsafePointer<Float>, _ count: Int, center: Float = 0) -> Float {
  let middle = splat(center)
  var s0 = lanes_f32.zero
  var s1 = lanes_f32.zero
  var s2 = lanes_f32.zero
  var s3 = lanes_f32.zero
  var index = 0
  while index + 64 <= count {
    let d0 = lanes_load(x + index) - middle
    let d1 = lanes_load(x + index + 16) - middle
    let d2 = lanes_load(x + index + 32) - middle
    let d3 = lanes_load(x + index + 48) - middle
    s0 = lanes_multiply_add(d0, d0, s0)
    s1 = lanes_multiply_add(d1, d1, s1)
    s2 = lanes_multiply_add(d2, d2, s2)
    s3 = lanes_multiply_add(d3, d3, s3)
    index += 64
  }
  while index < count {
    // The lanes beyond hold the center, and add nothing.
    let difference = loadPart(x + index, lesser(16, count - index), filler: center) - middle
    s0 = lanes_multiply_add(difference, difference, s0)
    index += 16
  }
  return lanes_sum((s0 + s1) + (s2 + s3))
}
