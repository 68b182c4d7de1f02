import Glibc

/// A run of 64-byte aligned memory that holds one tensor or several.
///
/// Unchecked: whoever holds a tensor's memory while it is written is its only owner (one owner at a
/// time, see docs/ARCHITECTURE.md); after that it is only read.
public final class TensorMemory: @unchecked Sendable {
  public static let alignment = 64

  public let base: UnsafeMutableRawPointer
  public let byteCount: Int
  private let owner: AnyObject?

  /// Memory of its own, not zeroed. Nil when there is none to be had.
  public init?(byteCount: Int) {
    var memory: UnsafeMutableRawPointer?
    guard byteCount >= 0, byteCount < Int.max - TensorMemory.alignment,
      posix_memalign(&memory, TensorMemory.alignment, max(byteCount, 1)) == 0, let memory
    else { return nil }
    base = memory
    self.byteCount = byteCount
    owner = nil
  }

  /// A view of memory that `owner` keeps alive and unmoved.
  public init(viewing base: UnsafeMutableRawPointer, byteCount: Int, owner: AnyObject) {
    self.base = base
    self.byteCount = byteCount
    self.owner = owner
  }

  deinit { if owner == nil { free(base) } }
}
