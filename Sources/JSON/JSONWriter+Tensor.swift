import Bytes
public import Tensors

extension JSONWriter {
  /// The elements as one flat array: `[1.0,2.0]`.
  public func writeFlat(_ tensor: Tensor) { writeElements(tensor, [tensor.elementCount]) }

  /// The elements as arrays nested by the shape; a scalar as a bare value.
  public func writeNested(_ tensor: Tensor) { writeElements(tensor, tensor.shape) }

  private func writeElements(_ tensor: Tensor, _ shape: Shape) {
    switch tensor.datatype {
    case .bool: write(tensor, shape) { (value: UInt8, target) in writeBool(value, to: target) }
    case .uint8: writeUnsigned(UInt8.self, tensor, shape)
    case .uint16: writeUnsigned(UInt16.self, tensor, shape)
    case .uint32: writeUnsigned(UInt32.self, tensor, shape)
    case .uint64: writeUnsigned(UInt64.self, tensor, shape)
    case .int8: writeSigned(Int8.self, tensor, shape)
    case .int16: writeSigned(Int16.self, tensor, shape)
    case .int32: writeSigned(Int32.self, tensor, shape)
    case .int64: writeSigned(Int64.self, tensor, shape)
    case .fp16:
      let floats = FloatWriter()
      write(tensor, shape) { (value: FP16, target) in floats.write(value.float, to: target) }
    case .bf16:
      let floats = FloatWriter()
      write(tensor, shape) { (value: BF16, target) in floats.write(value.float, to: target) }
    case .fp32:
      let floats = FloatWriter()
      write(tensor, shape) { (value: Float, target) in floats.write(value, to: target) }
    case .fp64:
      let floats = FloatWriter()
      write(tensor, shape) { (value: Double, target) in floats.write(value, to: target) }
    case .bytes: writeStrings(tensor, shape)
    }
  }

  /// Writes elements nested by `shape`; `write` takes at most `FloatWriter.maximumLength` bytes.
  @inline(__always)
  private func write<Element>(
    _ tensor: Tensor, _ shape: Shape, _ write: (Element, UnsafeMutablePointer<UInt8>) -> Int
  ) {
    let elements = tensor.elements(as: Element.self)
    var lists = ListNesting(shape)
    var index = 0
    while lists.openNext(buffer) {
      let first = index
      let last = index &+ lists.length
      while index < last {
        let pieceEnd = min(index &+ 128, last)
        let room = buffer.reserve((pieceEnd &- index) &* (FloatWriter.maximumLength &+ 1))
        var target = room
        while index < pieceEnd {
          target.pointee = UInt8(ascii: ",")
          target += index > first ? 1 : 0
          target += write(elements[index], target)
          index &+= 1
        }
        buffer.advance(by: target - room)
      }
      lists.close(buffer)
    }
  }

  private func writeBool(_ value: UInt8, to target: UnsafeMutablePointer<UInt8>) -> Int {
    let word: StaticString = value == 0 ? "false" : "true"
    target.update(from: word.utf8Start, count: word.utf8CodeUnitCount)
    return word.utf8CodeUnitCount
  }

  @inline(__always)
  private func writeUnsigned<Integer: UnsignedInteger & FixedWidthInteger>(
    _: Integer.Type, _ tensor: Tensor, _ shape: Shape
  ) {
    write(tensor, shape) { (value: Integer, target) in
      Decimal.write(UInt64(truncatingIfNeeded: value), to: target)
    }
  }

  @inline(__always)
  private func writeSigned<Integer: SignedInteger & FixedWidthInteger>(
    _: Integer.Type, _ tensor: Tensor, _ shape: Shape
  ) {
    write(tensor, shape) { (value: Integer, target) in
      target.pointee = UInt8(ascii: "-")
      let sign = value < 0 ? 1 : 0
      return Decimal.write(UInt64(truncatingIfNeeded: value.magnitude), to: target + sign) &+ sign
    }
  }

  private func writeStrings(_ tensor: Tensor, _ shape: Shape) {
    let strings = StringWriter(buffer)
    let elements = tensor.elements(as: BytesElement.self)
    var lists = ListNesting(shape)
    var index = 0
    while lists.openNext(buffer) {
      let first = index
      while index < first + lists.length {
        if index > first { buffer.append(UInt8(ascii: ",")) }
        strings.write(elements[index].bytes)
        index += 1
      }
      lists.close(buffer)
    }
  }
}

/// Walks the innermost lists of a nested tensor and writes the brackets and commas around them.
private struct ListNesting {
  /// Elements in each innermost list; 1 for the scalar, which is in none.
  let length: Int
  private let shape: Shape
  /// How many elements each open list around them has.
  private var counts = InlineArray<8, Int>(repeating: 0)
  /// The innermost open list of lists; -1 outside of all.
  private var level = -1
  private var hasStarted = false

  init(_ shape: Shape) {
    self.shape = shape
    length = shape.rank == 0 ? 1 : shape[shape.rank - 1]
  }

  /// Writes up to the next innermost list and opens it; false, after the last bracket, at the end.
  mutating func openNext(_ buffer: ByteBuffer) -> Bool {
    if !hasStarted {
      hasStarted = true
      if shape.rank > 0 { buffer.append(UInt8(ascii: "[")) }
      if shape.rank < 2 { return true }
      level = 0
    }
    while level >= 0 {
      if counts[level] == shape[level] {
        buffer.append(UInt8(ascii: "]"))
        level -= 1
        continue
      }
      if counts[level] > 0 { buffer.append(UInt8(ascii: ",")) }
      counts[level] += 1
      buffer.append(UInt8(ascii: "["))
      if level == shape.rank - 2 { return true }
      level += 1
      counts[level] = 0
    }
    return false
  }

  func close(_ buffer: ByteBuffer) {
    if shape.rank > 0 { buffer.append(UInt8(ascii: "]")) }
  }
}
