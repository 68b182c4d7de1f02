import Glibc

/// The body of the current request as far as it has come.
///
/// A small body stays behind its head in the input buffer. Others get a block of their own, which a body of
/// known length is read into directly; a chunked one is too, as far as its chunks are long.
struct BodyReader {
  enum Form {
    case none
    /// In the input buffer, right behind the head.
    case inline(length: Int)
    /// In `block`.
    case whole(length: Int)
    case chunked(ChunkedDecoder)
  }

  var form = Form.none
  private(set) var block: MemoryBlock?
  /// Whose `block` is; nil: the loop's pool's.
  private var owner: AnyObject?
  /// Bytes of the body in `block`.
  private(set) var filled = 0
  /// Bytes of `block` before the body, which aligns something in it.
  private var lead = 0
  /// Bytes that `ConnectionLimits` has counted for this body: what has come, rounded up. What is only
  /// announced is not counted, or announcements alone could use up the limit.
  private(set) var counted = 0
  private static let countedStep = 16_384
  /// The most that this body may have, in bytes.
  var limit = 0
  private var startedAt: Int64 = 0
  /// Bytes of the body that have come, framing included.
  private(set) var received = 0

  /// - Parameter alignedAt: the offset in the body that is to lie on the boundary of a cache line.
  mutating func begin(_ form: Form, limit: Int, now: Int64, alignedAt: Int = 0) {
    self.form = form
    lead = (0 &- alignedAt) & 63
    self.limit = limit
    startedAt = now
    received = 0
    filled = 0
  }

  /// Uses `memory` for a body that is still to come.
  mutating func adopt(_ memory: BodyMemory) {
    block = MemoryBlock(base: memory.base, capacity: memory.byteCount)
    owner = memory.owner
  }

  private mutating func giveBlock(_ pool: BlockPool) {
    guard let block else { return }
    if owner == nil { pool.give(block) } else { owner = nil }
    self.block = nil
  }

  /// Frees its block, from any thread; false: it has none. The reader is not used after that.
  func abandonBlock() -> Bool {
    guard let block else { return false }
    if owner == nil { BlockPool.release(block) }
    return true
  }

  /// Bytes of memory that a body of `count` bytes takes.
  func memoryBytes(for count: Int) -> Int { lead + count }

  mutating func countReceived(_ count: Int) { received += count }

  /// When the body is too late if nothing more comes.
  func deadline(_ configuration: ServerConfiguration) -> Int64 {
    let grace = Deadline.after(configuration.bodyTime, from: startedAt)
    return Deadline.after(Deadline.time(for: received, at: configuration.bodyBytesPerSecond), from: grace)
  }

  /// Where up to `wanted` more bytes go.
  func room(_ wanted: Int) -> UnsafeMutableRawBufferPointer {
    guard let block else { return UnsafeMutableRawBufferPointer(start: nil, count: 0) }
    return UnsafeMutableRawBufferPointer(
      start: block.base + lead + filled, count: min(wanted, block.capacity - lead - filled))
  }

  /// What is in `block`.
  var stored: UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: block.map { $0.base + lead }, count: filled)
  }

  mutating func add(_ count: Int) {
    let capacity = block?.capacity ?? 0
    precondition(count >= 0 && count <= capacity - lead - filled, "more bytes than there was room for")
    filled += count
  }

  /// Counts what has come; false if the bodies of all requests together have too much.
  mutating func count(_ limits: ConnectionLimits) -> Bool {
    guard filled > counted else { return true }
    let more = (filled - counted + Self.countedStep - 1) / Self.countedStep * Self.countedStep
    guard limits.takeBodyBytes(more) else { return false }
    counted += more
    return true
  }

  /// Makes the block hold `total` bytes, keeping what is in it. False if there is no memory.
  mutating func ensureCapacity(_ total: Int, _ pool: BlockPool) -> Bool {
    if let block, block.capacity >= lead + total { return true }
    let wanted = lead + max(total, min((block?.capacity ?? 0) * 2, limit))
    guard let larger = pool.take(atLeast: wanted) else { return false }
    if let block { memcpy(larger.base + lead, block.base + lead, filled) }
    giveBlock(pool)
    block = larger
    return true
  }

  /// Gives its block up for that of `other`, which is then empty; returns the bytes in it. Of the body as it
  /// came only the form stays.
  mutating func replaceBlock(
    with other: inout BodyReader, _ pool: BlockPool, _ limits: ConnectionLimits
  ) -> UnsafeMutableRawBufferPointer {
    giveBlock(pool)
    if counted > 0 { limits.giveBodyBytes(counted) }
    block = other.block
    owner = other.owner
    counted = other.counted
    filled = other.filled
    lead = other.lead
    other.block = nil
    other.owner = nil
    other.counted = 0
    return stored
  }

  mutating func release(_ pool: BlockPool, _ limits: ConnectionLimits) {
    giveBlock(pool)
    if counted > 0 { limits.giveBodyBytes(counted) }
    counted = 0
    form = .none
    filled = 0
  }
}
