/// Aligned float32 memory with small random numbers in it.
final class Floats {
  let base: UnsafeMutablePointer<Float>

  init(_ count: Int) {
    base = UnsafeMutableRawPointer.allocate(byteCount: max(count, 16) * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: count)
    var state: UInt32 = 1
    for index in 0..<count {
      state = state &* 1_664_525 &+ 1_013_904_223
      base[index] = Float(state >> 8) / Float(1 << 24) - 0.5
    }
  }

  deinit { UnsafeMutableRawPointer(base).deallocate() }
}
