import Bytes
public import Tensors

extension JSONWriter {
  /// The elements as one flat array: `[1.0,2.0]`.
  public func writeFlat(_ tensor: Tensor) {
    buffer.append(UInt8(ascii: "["))
    writeElements(tensor, from: 0, count: tensor.elementCount)
    buffer.append(UInt8(ascii: "]"))
  }

  /// The elements as arrays nested by the shape; a scalar as a bare value.
  public func writeNested(_ tensor: Tensor) {
    let shape = tensor.shape
    guard shape.rank > 1 else {
      return shape.rank == 1 ? writeFlat(tensor) : writeElements(tensor, from: 0, count: 1)
    }
    // How many elements each open list has; the lists of the last dimension are written whole.
    var counts = InlineArray<8, Int>(repeating: 0)
    var level = 0
    var element = 0
    buffer.append(UInt8(ascii: "["))
    while level >= 0 {
      if counts[level] == shape[level] {
        buffer.append(UInt8(ascii: "]"))
        level -= 1
        continue
      }
      if counts[level] > 0 { buffer.append(UInt8(ascii: ",")) }
      counts[level] += 1
      if level == shape.rank - 2 {
        writeInnermost(tensor, &element)
      } else {
        level += 1
        counts[level] = 0
        buffer.append(UInt8(ascii: "["))
      }
    }
  }

  private func writeInnermost(_ tensor: Tensor, _ element: inout Int) {
    let length = tensor.shape[tensor.shape.rank - 1]
    buffer.append(UInt8(ascii: "["))
    writeElements(tensor, from: element, count: length)
    buffer.append(UInt8(ascii: "]"))
    element += length
  }

  private func writeElements(_ tensor: Tensor, from start: Int, count: Int) {
    switch tensor.datatype {
    case .bool: write(tensor, start, count) { (value: UInt8, target) in writeBool(value, to: target) }
    case .uint8: writeUnsigned(UInt8.self, tensor, start, count)
    case .uint16: writeUnsigned(UInt16.self, tensor, start, count)
    case .uint32: writeUnsigned(UInt32.self, tensor, start, count)
    case .uint64: writeUnsigned(UInt64.self, tensor, start, count)
    case .int8: writeSigned(Int8.self, tensor, start, count)
    case .int16: writeSigned(Int16.self, tensor, start, count)
    case .int32: writeSigned(Int32.self, tensor, start, count)
    case .int64: writeSigned(Int64.self, tensor, start, count)
    case .fp16:
      let floats = FloatWriter()
      write(tensor, start, count) { (value: FP16, target) in floats.write(value.float, to: target) }
    case .bf16:
      let floats = FloatWriter()
      write(tensor, start, count) { (value: BF16, target) in floats.write(value.float, to: target) }
    case .fp32:
      let floats = FloatWriter()
      write(tensor, start, count) { (value: Float, target) in floats.write(value, to: target) }
    case .fp64:
      let floats = FloatWriter()
      write(tensor, start, count) { (value: Double, target) in floats.write(value, to: target) }
    case .bytes: writeStrings(tensor, start, count)
    }
  }

  /// Writes elements with commas between them; `write` takes at most `FloatWriter.maximumLength` bytes.
  @inline(__always)
  private func write<Element>(
    _ tensor: Tensor, _ start: Int, _ count: Int,
    _ write: (Element, UnsafeMutablePointer<UInt8>) -> Int
  ) {
    let elements = tensor.elements(as: Element.self)
    let piece = 128
    var index = start
    let last = start + count
    while index < last {
      let pieceEnd = min(index + piece, last)
      let room = buffer.reserve((pieceEnd - index) * (FloatWriter.maximumLength + 1))
      var target = room
      while index < pieceEnd {
        if index > start {
          target.pointee = UInt8(ascii: ",")
          target += 1
        }
        target += write(elements[index], target)
        index &+= 1
      }
      buffer.advance(by: target - room)
    }
  }

  private func writeBool(_ value: UInt8, to target: UnsafeMutablePointer<UInt8>) -> Int {
    let word: StaticString = value == 0 ? "false" : "true"
    target.update(from: word.utf8Start, count: word.utf8CodeUnitCount)
    return word.utf8CodeUnitCount
  }

  @inline(__always)
  private func writeUnsigned<Integer: UnsignedInteger & FixedWidthInteger>(
    _: Integer.Type, _ tensor: Tensor, _ start: Int, _ count: Int
  ) {
    write(tensor, start, count) { (value: Integer, target) in
      Decimal.write(UInt64(truncatingIfNeeded: value), to: target)
    }
  }

  @inline(__always)
  private func writeSigned<Integer: SignedInteger & FixedWidthInteger>(
    _: Integer.Type, _ tensor: Tensor, _ start: Int, _ count: Int
  ) {
    write(tensor, start, count) { (value: Integer, target) in
      target.pointee = UInt8(ascii: "-")
      let sign = value < 0 ? 1 : 0
      return Decimal.write(UInt64(truncatingIfNeeded: value.magnitude), to: target + sign) &+ sign
    }
  }

  private func writeStrings(_ tensor: Tensor, _ start: Int, _ count: Int) {
    let strings = StringWriter(buffer)
    let elements = tensor.elements(as: BytesElement.self)
    for index in start..<(start + count) {
      if index > start { buffer.append(UInt8(ascii: ",")) }
      strings.write(elements[index].bytes)
    }
  }
}
