import Bytes

/// The output buffers of one loop that no connection fills at the moment. Confined to the loop's thread.
final class OutputPool {
  private static let keptBuffers = 256
  private var free: [ByteBuffer] = []
  private var keptBytes = 0
  private var spare = SpareCount()
  private let keepLimit: Int

  /// - Parameter keepLimit: the most memory to keep that is not in use, in bytes.
  init(keepLimit: Int) { self.keepLimit = keepLimit }

  func take() -> ByteBuffer {
    guard let buffer = free.popLast() else { return ByteBuffer(capacity: 4_096) }
    keptBytes -= buffer.capacity
    spare.took(leaving: free.count)
    return buffer
  }

  func give(_ buffer: ByteBuffer) {
    buffer.removeAll()
    guard free.count < Self.keptBuffers, keptBytes + buffer.capacity <= keepLimit else { return }
    keptBytes += buffer.capacity
    free.append(buffer)
  }

  var isEmpty: Bool { free.isEmpty }

  /// Frees what was not used since the last time.
  func trim() {
    let unused = spare.take(of: free.count)
    for buffer in free[..<unused] { keptBytes -= buffer.capacity }
    free.removeFirst(unused)
  }
}
