internal import CKernels

/// `count` lanes (1 … 16) from memory, zeros in the others.
@inline(__always)
func loadIntegers(_ pointer: UnsafePointer<Int32>, _ count: Int) -> lanes_i32 {
  if count == 16 { return lanes_load_integers(pointer) }
  let floats = UnsafeRawPointer(pointer).assumingMemoryBound(to: Float.self)
  return lanes_bits(lanes_load_part(floats, Int64(count), 0))
}

@inline(__always)
func storeIntegers(_ pointer: UnsafeMutablePointer<Int32>, _ value: lanes_i32, _ count: Int) {
  if count == 16 {
    lanes_store_integers(pointer, value)
  } else {
    let floats = UnsafeMutableRawPointer(pointer).assumingMemoryBound(to: Float.self)
    lanes_store_part(floats, lanes_from_bits(value), Int64(count))
  }
}

/// The nearest integer, ties to even, of values between ±2²²: adding 1.5 · 2²³ rounds, and leaves the
/// integer in the low bits.
@inline(__always)
func roundedToEven(_ x: lanes_f32) -> lanes_i32 {
  let shifter = splat(12_582_912)
  return lanes_bits(x + shifter) &- lanes_bits(shifter)
}
