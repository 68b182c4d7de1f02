import Glibc

/// Memory that comes from the kernel by itself where it is large, and from the allocator where it is small.
///
/// Large pieces of changing sizes would leave holes in the allocator's heap that none of the next fits into, and a
/// server's memory would grow with every coincidence of large bodies. What the kernel gave goes back to it whole.
/// It costs a fault for every page, so whoever uses such memory often keeps it.
public enum LargeMemory {
  /// From so many bytes on it comes from the kernel.
  public static let threshold = 1 << 18

  /// `byteCount` bytes, aligned to 16, and to a page if large; nil: there is no memory.
  public static func allocateIfPossible(_ byteCount: Int) -> UnsafeMutablePointer<UInt8>? {
    guard byteCount >= threshold else {
      return malloc(max(byteCount, 1))?.assumingMemoryBound(to: UInt8.self)
    }
    let mapped = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    return mapped == MAP_FAILED ? nil : mapped?.assumingMemoryBound(to: UInt8.self)
  }

  /// The same, for those who cannot go on without.
  static func allocate(_ byteCount: Int) -> UnsafeMutablePointer<UInt8> {
    guard let memory = allocateIfPossible(byteCount) else { fatalError("no memory for \(byteCount) bytes") }
    return memory
  }

  /// - Parameter byteCount: what was asked for.
  public static func deallocate(_ memory: UnsafeMutablePointer<UInt8>, _ byteCount: Int) {
    if byteCount >= threshold { munmap(memory, byteCount) } else { free(memory) }
  }

  /// Larger memory that begins with the first `kept` bytes of `memory`, which is gone.
  static func grow(
    _ memory: UnsafeMutablePointer<UInt8>, from byteCount: Int, to wanted: Int, keeping kept: Int
  ) -> UnsafeMutablePointer<UInt8> {
    let larger = allocate(wanted)
    memcpy(larger, memory, kept)
    deallocate(memory, byteCount)
    return larger
  }
}
