internal import Glibc

/// 64-byte aligned memory that lives as long as this object. Written while its owner is being made,
/// only read afterwards, and therefore Sendable.
final class AlignedMemory: @unchecked Sendable {
  let byteCount: Int
  let bytes: UnsafeMutableRawPointer

  var floats: UnsafeMutablePointer<Float> { bytes.assumingMemoryBound(to: Float.self) }

  /// Zeroed room.
  init(byteCount: Int) {
    self.byteCount = byteCount
    bytes = UnsafeMutableRawPointer.allocate(byteCount: max(byteCount, 64), alignment: 64)
    memset(bytes, 0, byteCount)
  }

  /// Zeroed room for as many floats.
  convenience init(floatCount: Int) { self.init(byteCount: floatCount * MemoryLayout<Float>.stride) }

  /// A copy of as many floats.
  convenience init(copying source: UnsafePointer<Float>, _ floatCount: Int) {
    self.init(floatCount: floatCount)
    floats.update(from: source, count: floatCount)
  }

  deinit { bytes.deallocate() }
}
