/// What one process tells the other, as bytes: whole numbers, seven bits to a byte and the lowest first, the sign in
/// the lowest of all, and texts with their length before them. Each line of the caches that a message takes has to go
/// from one processor to another.
///
/// The memory is the writer's alone, and lives as long as it does.
struct MessageWriter: ~Copyable {
  private var base: UnsafeMutableRawPointer
  private var capacity = 512
  private var count = 0

  init() { base = .allocate(byteCount: capacity, alignment: 8) }

  deinit { base.deallocate() }

  /// What was written so far. Valid while the writer is borrowed, and nothing more is written.
  var contents: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  var bytes: [UInt8] { Array(contents) }

  mutating func put(_ value: Int) {
    if capacity - count < 10 { grow(by: 10) }
    var rest = UInt(bitPattern: (value << 1) ^ (value >> 63))
    while rest > 0x7f {
      base.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, toByteOffset: count, as: UInt8.self)
      rest >>= 7
      count += 1
    }
    base.storeBytes(of: UInt8(truncatingIfNeeded: rest), toByteOffset: count, as: UInt8.self)
    count += 1
  }

  mutating func put(_ value: Bool) { put(value ? 1 : 0) }

  mutating func put(_ value: Double) { put(Int(bitPattern: UInt(value.bitPattern))) }

  mutating func put(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      put(utf8.count)
      guard let start = utf8.baseAddress, !utf8.isEmpty else { return }
      if capacity - count < utf8.count { grow(by: utf8.count) }
      (base + count).copyMemory(from: start, byteCount: utf8.count)
      count += utf8.count
    }
  }

  mutating func put<Element>(_ list: [Element], _ each: (inout MessageWriter, Element) -> Void) {
    put(list.count)
    for element in list { each(&self, element) }
  }

  private mutating func grow(by more: Int) {
    capacity = max(capacity * 2, count + more)
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
    larger.copyMemory(from: base, byteCount: count)
    base.deallocate()
    base = larger
  }
}

/// A message that makes no sense.
struct MessageFault: Error {}

/// Reads what a `MessageWriter` wrote, by a writer that need not be trusted.
struct MessageReader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  /// - Parameter bytes: stay as they are while they are read.
  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var isAtEnd: Bool { position == bytes.count }

  mutating func int() throws(MessageFault) -> Int {
    var value: UInt = 0
    var shift: UInt = 0
    while position < bytes.count, shift < 64 {
      let byte = bytes[position]
      position += 1
      value |= UInt(byte & 0x7f) << shift
      if byte < 0x80 { return Int(bitPattern: value >> 1) ^ -Int(bitPattern: value & 1) }
      shift += 7
    }
    throw MessageFault()
  }

  mutating func bool() throws(MessageFault) -> Bool { try int() != 0 }

  mutating func double() throws(MessageFault) -> Double {
    Double(bitPattern: UInt64(UInt(bitPattern: try int())))
  }

  mutating func string() throws(MessageFault) -> String {
    let count = try int()
    guard count >= 0, count <= bytes.count - position else { throw MessageFault() }
    defer { position += count }
    return String(
      decoding: UnsafeRawBufferPointer(rebasing: bytes[position..<position + count]), as: UTF8.self)
  }

  /// A list; each of its elements takes at least a byte.
  mutating func list<Element>(
    _ each: (inout MessageReader) throws(MessageFault) -> Element
  ) throws(MessageFault) -> [Element] {
    let count = try int()
    guard count >= 0, count <= bytes.count - position else { throw MessageFault() }
    var list: [Element] = []
    // No more than comes, whatever was announced.
    list.reserveCapacity(min(count, 64))
    for _ in 0..<count { list.append(try each(&self)) }
    return list
  }
}
