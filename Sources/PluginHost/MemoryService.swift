internal import CSwervePlugin
internal import Glibc
internal import Synchronization

/// What all plugins together may take.
final class MemoryBudget: Sendable {
  private let limit: Int
  private let used = Atomic<Int>(0)

  init(limit: Int) { self.limit = limit }

  var inUse: Int { used.load(ordering: .relaxed) }

  /// False, with nothing taken, if the limit would be passed.
  func take(_ byteCount: Int) -> Bool {
    var old = used.load(ordering: .relaxed)
    while byteCount <= limit - old {
      let (done, seen) = used.weakCompareExchange(
        expected: old, desired: old + byteCount, ordering: .relaxed)
      if done { return true }
      old = seen
    }
    return false
  }

  func giveBack(_ byteCount: Int) { used.subtract(byteCount, ordering: .relaxed) }
}

/// Lies before every block of memory/1, in a space that keeps the block aligned.
private struct BlockHeader {
  static let space = 64
  static let mark: UInt64 = 0x5357_4552_5645_4D45

  var mark: UInt64
  var byteCount: Int
  /// Immortal, like every binding.
  var binding: Unmanaged<HostBinding>
}

func makeMemoryTable() -> swerve_memory {
  var table = swerve_memory()
  table.struct_size = MemoryLayout<swerve_memory>.size
  table.allocate = { host, byteCount in
    HostBinding.behind(host).flatMap { allocateBlock(byteCount, for: $0) }
  }
  table.release = { host, memory in
    if let memory, let binding = HostBinding.behind(host) { releaseBlock(memory, through: binding) }
  }
  return table
}

private func allocateBlock(_ byteCount: Int, for binding: HostBinding) -> UnsafeMutableRawPointer? {
  // A size_t above Int.max arrives as a negative number.
  guard byteCount >= 0, byteCount < Int.max - BlockHeader.space, binding.services.memory.take(byteCount)
  else { return nil }
  var block: UnsafeMutableRawPointer?
  guard posix_memalign(&block, BlockHeader.space, byteCount + BlockHeader.space) == 0, let block else {
    binding.services.memory.giveBack(byteCount)
    return nil
  }
  binding.memoryInUse.add(byteCount, ordering: .relaxed)
  block.storeBytes(
    of: BlockHeader(mark: BlockHeader.mark, byteCount: byteCount, binding: .passUnretained(binding)),
    as: BlockHeader.self)
  return block + BlockHeader.space
}

private func releaseBlock(_ memory: UnsafeMutableRawPointer, through binding: HostBinding) {
  let block = memory - BlockHeader.space
  let header = block.load(as: BlockHeader.self)
  guard header.mark == BlockHeader.mark else {
    binding.report(.foreignMemory, "memory/1 release was called with memory that allocate did not give")
    return
  }
  block.storeBytes(of: 0, as: UInt64.self)
  header.binding.takeUnretainedValue().memoryInUse.subtract(header.byteCount, ordering: .relaxed)
  binding.services.memory.giveBack(header.byteCount)
  free(block)
}
