import Glibc

/// A run of 64-byte aligned memory that holds one tensor or several.
///
/// Unchecked: whoever holds a tensor's memory while it is written is its only owner (one owner at a
/// time, see docs/ARCHITECTURE.md); after that it is only read.
public final class TensorMemory: @unchecked Sendable {
  public static let alignment = 64

  public let base: UnsafeMutableRawPointer
  public let byteCount: Int
  /// What `free` takes; nil if the memory is another's.
  private let allocation: UnsafeMutableRawPointer?
  private let owner: AnyObject?

  /// Memory of its own, not zeroed. Nil when there is none to be had.
  public init?(byteCount: Int) {
    // Aligned here: posix_memalign splits a larger piece and gives the rest back, each time anew, where malloc
    // finds one of the same size that was freed before.
    guard byteCount >= 0, byteCount < Int.max - TensorMemory.alignment,
      let memory = malloc(byteCount + TensorMemory.alignment - 1)
    else { return nil }
    allocation = memory
    base = memory.alignedUp(toMultipleOf: TensorMemory.alignment)
    self.byteCount = byteCount
    owner = nil
  }

  /// A view of memory that `owner` keeps alive and unmoved.
  public init(viewing base: UnsafeMutableRawPointer, byteCount: Int, owner: AnyObject) {
    self.base = base
    self.byteCount = byteCount
    self.owner = owner
    allocation = nil
  }

  /// Whether it is no view of another's.
  public var isOwn: Bool { owner == nil }

  deinit { free(allocation) }
}
