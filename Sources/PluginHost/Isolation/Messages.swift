internal import Glibc
internal import Tensors

/// What one process tells the other, as bytes: whole numbers of 64 bits, and texts with their length before them.
struct MessageWriter {
  private(set) var bytes: [UInt8] = []

  mutating func put(_ value: Int) { withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) } }

  mutating func put(_ value: Bool) { put(value ? 1 : 0) }

  mutating func put(_ value: Double) { put(Int(bitPattern: UInt(value.bitPattern))) }

  mutating func put(_ text: String) {
    var text = text
    text.withUTF8 { utf8 in
      put(utf8.count)
      bytes.append(contentsOf: utf8)
    }
  }

  mutating func put<Element>(_ list: [Element], _ each: (inout MessageWriter, Element) -> Void) {
    put(list.count)
    for element in list { each(&self, element) }
  }
}

/// A message that makes no sense.
struct MessageFault: Error {}

/// Reads what a `MessageWriter` wrote, by a writer that need not be trusted.
struct MessageReader {
  private let bytes: UnsafeRawBufferPointer
  private let memory: TensorMemory?
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
    memory = nil
  }

  /// Reads all of `memory`, and keeps it.
  init(_ memory: TensorMemory) {
    bytes = UnsafeRawBufferPointer(start: memory.base, count: memory.byteCount)
    self.memory = memory
  }

  var isAtEnd: Bool { position == bytes.count }

  mutating func int() throws(MessageFault) -> Int {
    guard bytes.count - position >= 8 else { throw MessageFault() }
    defer { position += 8 }
    return bytes.loadUnaligned(fromByteOffset: position, as: Int.self)
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

  /// A list; each of its elements takes at least 8 bytes.
  mutating func list<Element>(
    _ each: (inout MessageReader) throws(MessageFault) -> Element
  ) throws(MessageFault) -> [Element] {
    let count = try int()
    guard count >= 0, count <= (bytes.count - position) / 8 else { throw MessageFault() }
    var list: [Element] = []
    list.reserveCapacity(count)
    for _ in 0..<count { list.append(try each(&self)) }
    return list
  }
}
