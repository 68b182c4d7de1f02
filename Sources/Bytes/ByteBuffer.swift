import Glibc

/// A growable run of bytes that is filled from the front: what is written to a socket or a log.
///
/// The memory is kept when the buffer is emptied, so a buffer that lives as long as its connection
/// allocates only until it has seen its largest reply. One owner at a time: no locks.
public final class ByteBuffer {
  // Unchecked: no method calls out while it changes these, so accesses never overlap, and checking it
  // at run time would cost more than storing a byte.
  @exclusivity(unchecked) @usableFromInline var storage: UnsafeMutablePointer<UInt8>
  @exclusivity(unchecked) @usableFromInline var room: Int
  @exclusivity(unchecked) @usableFromInline var filled = 0

  public init(capacity: Int = 0) {
    room = max(capacity, ByteBuffer.minimumCapacity)
    storage = LargeMemory.allocate(room)
  }

  deinit { LargeMemory.deallocate(storage, room) }

  private static let minimumCapacity = 64

  /// Where the bytes lie; changes when the buffer grows or shrinks.
  @inlinable public var base: UnsafeMutablePointer<UInt8> { storage }

  /// The number of bytes that fit without growing.
  @inlinable public var capacity: Int { room }

  /// The number of bytes that hold data.
  @inlinable public var count: Int { filled }

  /// The filled bytes; valid until the next change of the buffer.
  @inlinable public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: storage, count: filled)
  }

  /// Makes room for `extra` more bytes and returns where they go; `advance(by:)` makes them count.
  @inlinable @inline(__always) public func reserve(_ extra: Int) -> UnsafeMutablePointer<UInt8> {
    if room - filled < extra { grow(toHold: extra) }
    return storage + filled
  }

  /// Counts `written` bytes that were stored at the pointer `reserve` gave.
  @inlinable public func advance(by written: Int) {
    precondition(written >= 0 && written <= room - filled, "more bytes than were reserved")
    filled += written
  }

  @usableFromInline @inline(never) func grow(toHold extra: Int) {
    let wanted = max(room * 2, filled + extra)
    storage = LargeMemory.grow(storage, from: room, to: wanted, keeping: filled)
    room = wanted
  }

  @inlinable @inline(__always) public func append(_ byte: UInt8) {
    reserve(1).pointee = byte
    filled += 1
  }

  /// Appends a copy of `bytes`, which must not lie in this buffer: growing frees the old memory.
  @inlinable @inline(__always) public func append(_ bytes: UnsafeRawBufferPointer) {
    guard let source = bytes.baseAddress else { return }
    UnsafeMutableRawPointer(reserve(bytes.count)).copyMemory(from: source, byteCount: bytes.count)
    filled += bytes.count
  }

  /// Inlined, so that a literal becomes a few stores.
  @inlinable @inline(__always) public func append(_ text: StaticString) {
    guard text.hasPointerRepresentation else {
      text.withUTF8Buffer { append(UnsafeRawBufferPointer($0)) }
      return
    }
    append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Literals are `StaticString`s, which need no reference counts.
  @_disfavoredOverload public func append(_ text: String) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  @_disfavoredOverload public func append(_ text: Substring) {
    var text = text
    text.withUTF8 { append(UnsafeRawBufferPointer($0)) }
  }

  /// Forgets the data and keeps the memory.
  @inlinable public func removeAll() { filled = 0 }

  /// Shortens to the first `newCount` bytes.
  public func truncate(to newCount: Int) {
    precondition(newCount >= 0 && newCount <= filled, "cannot truncate to more than is there")
    filled = newCount
  }

  /// Drops the first `dropped` bytes and moves the rest to the front.
  public func removeFirst(_ dropped: Int) {
    precondition(dropped >= 0 && dropped <= filled, "cannot drop more than is there")
    memmove(storage, storage + dropped, filled - dropped)
    filled -= dropped
  }

  /// Gives memory above `limit` back to the allocator; only an empty buffer shrinks.
  public func shrink(to limit: Int) {
    let wanted = max(limit, ByteBuffer.minimumCapacity)
    guard filled == 0, room > wanted else { return }
    LargeMemory.deallocate(storage, room)
    room = wanted
    storage = LargeMemory.allocate(room)
  }
}
