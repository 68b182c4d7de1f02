import Glibc

/// A growable run of bytes that is filled from the front: what is written to a socket or a log.
///
/// The memory is kept when the buffer is emptied, so a buffer that lives as long as its connection
/// allocates only until it has seen its largest reply. One owner at a time: no locks.
public final class ByteBuffer {
  public private(set) var base: UnsafeMutablePointer<UInt8>
  public private(set) var capacity: Int
  /// The number of bytes that hold data.
  public private(set) var count = 0

  public init(capacity: Int = 0) {
    self.capacity = max(capacity, 64)
    base = .allocate(capacity: self.capacity)
  }

  deinit { base.deallocate() }

  /// The filled bytes; valid until the next change of the buffer.
  @inlinable public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base, count: count)
  }

  /// Makes room for `extra` more bytes and returns where they go; `advance(by:)` makes them count.
  @inlinable public func reserve(_ extra: Int) -> UnsafeMutablePointer<UInt8> {
    if capacity - count < extra { grow(toHold: extra) }
    return base + count
  }

  /// Counts `written` bytes that were stored at the pointer `reserve` gave.
  public func advance(by written: Int) {
    precondition(written >= 0 && written <= capacity - count, "more bytes than were reserved")
    count += written
  }

  @usableFromInline func grow(toHold extra: Int) {
    let wanted = max(capacity * 2, count + extra)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
    memcpy(larger, base, count)
    base.deallocate()
    base = larger
    capacity = wanted
  }

  public func append(_ byte: UInt8) {
    reserve(1).pointee = byte
    count += 1
  }

  public func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    memcpy(reserve(bytes.count), source, bytes.count)
    count += bytes.count
  }

  public func append(_ text: StaticString) {
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  public func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  public func append(_ text: Substring) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// Forgets the data and keeps the memory.
  public func removeAll() { count = 0 }

  /// Shortens to the first `newCount` bytes.
  public func truncate(to newCount: Int) {
    precondition(newCount >= 0 && newCount <= count, "cannot truncate to more than is there")
    count = newCount
  }

  /// Drops the first `dropped` bytes and moves the rest to the front.
  public func removeFirst(_ dropped: Int) {
    precondition(dropped >= 0 && dropped <= count, "cannot drop more than is there")
    memmove(base, base + dropped, count - dropped)
    count -= dropped
  }

  /// Gives memory above `limit` back to the allocator; only an empty buffer shrinks.
  public func shrink(to limit: Int) {
    guard count == 0, capacity > limit else { return }
    base.deallocate()
    capacity = max(limit, 64)
    base = .allocate(capacity: capacity)
  }
}
