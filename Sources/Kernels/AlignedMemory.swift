internal import Glibc

/// 64-byte aligned memory that lives as long as this object. Written while its owner is being made,
/// only read afterwards, and therefore Sendable.
///
/// Where it is large it begins at a huge page and asks for as many of those as it fills: weights are read from
/// one end to the other, and with small pages each of them is looked up first.
final class AlignedMemory: @unchecked Sendable {
  let byteCount: Int
  let bytes: UnsafeMutableRawPointer

  var floats: UnsafeMutablePointer<Float> { bytes.assumingMemoryBound(to: Float.self) }

  /// Zeroed room.
  init(byteCount: Int) {
    self.byteCount = byteCount
    let isLarge = byteCount >= hugePage
    bytes = UnsafeMutableRawPointer.allocate(
      byteCount: max(byteCount, 64), alignment: isLarge ? hugePage : 64)
    // What is refused here costs time only.
    if isLarge { _ = madvise(bytes, byteCount / hugePage * hugePage, MADV_HUGEPAGE) }
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

private let hugePage = 2 << 20
