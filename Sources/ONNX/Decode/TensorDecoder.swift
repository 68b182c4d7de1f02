import Tensors

/// Reads a `TensorProto`. Raw and packed data of fixed width stay in the mapped file; only what the
/// file does not hold as an array (varints, single fields, texts) is written to memory of its own.
struct TensorDecoder {
  let file: MappedFile
  let limits: Limits
  let external: ExternalData

  /// The fields of the first pass over the message: all but the typed elements, whose decoding needs
  /// the data type, which may stand behind them.
  private struct Header {
    var name = ""
    var dimensions: [Int] = []
    var type = 0
    var raw: Range<Int>?
    var isExternal = false
    var location: [String: String] = [:]
  }

  func decode(_ message: ProtobufReader) throws -> DecodedTensor {
    let header = try header(message)
    return try at("tensor '\(header.name)'") {
      guard let datatype = ElementType.datatype(header.type) else {
        throw ONNXError(
          .unsupported, "elements of \(ElementType.name(header.type)), which the protocol cannot carry")
      }
      let shape = try shape(header.dimensions)
      guard let count = shape.elementCount,
        case (let bytes, let overflow) = count.multipliedReportingOverflow(by: datatype.byteCount), !overflow
      else { throw ONNXError(.limit, "shape \(header.dimensions) has more elements than can be counted") }
      let constant: Constant
      if header.isExternal {
        constant = try external.constant(header.location, datatype, shape, byteCount: bytes)
      } else if let raw = header.raw {
        constant = try rawConstant(raw, datatype, shape, byteCount: bytes)
      } else {
        constant = try typedConstant(message, datatype, shape, count: count)
      }
      return DecodedTensor(name: header.name, constant: constant)
    }
  }

  private func header(_ start: ProtobufReader) throws -> Header {
    var reader = start
    var header = Header()
    while let field = try reader.nextField() {
      switch field.number {
      case 1:
        try reader.integers(field) { dimension in
          guard header.dimensions.count < Shape.maximumRank else {
            throw ONNXError(.limit, "a tensor of more than \(Shape.maximumRank) dimensions")
          }
          header.dimensions.append(dimension)
        }
      case 2: header.type = try reader.integer(field)
      case 3: throw ONNXError(.unsupported, "a tensor in segments")
      case 8: header.name = try reader.text(field, atMost: limits.nameBytes)
      case 9:
        try reader.expect(field, .bytes)
        header.raw = try reader.bytes()
      case 13:
        let entry = try KeyValue.decode(try reader.message(field), limits)
        guard header.location.count < 16 else {
          throw ONNXError(.limit, "more than 16 external_data entries")
        }
        header.location[entry.key] = entry.value
      case 14: header.isExternal = try reader.integer(field) == 1
      default: try reader.skip(field.type)
      }
    }
    return header
  }

  private func shape(_ dimensions: [Int]) throws -> Shape {
    for dimension in dimensions where dimension < 0 {
      throw ONNXError(.invalid, "shape \(dimensions) has a negative dimension")
    }
    return Shape(dimensions)
  }

  private func rawConstant(
    _ raw: Range<Int>, _ datatype: Datatype, _ shape: Shape, byteCount: Int
  ) throws -> Constant {
    guard datatype != .bytes else { throw ONNXError(.malformed, "a STRING tensor with raw_data") }
    guard raw.count == byteCount else {
      throw ONNXError(
        .malformed,
        "raw_data of \(raw.count) bytes; \(datatype.name) of shape \(shape) takes \(byteCount)")
    }
    return Constant(
      datatype: datatype, shape: shape, bytes: UnsafeRawBufferPointer(rebasing: file.bytes[raw]), owner: file)
  }

  /// Elements in float_data, int32_data, int64_data, double_data, uint64_data or string_data.
  private func typedConstant(
    _ message: ProtobufReader, _ datatype: Datatype, _ shape: Shape, count: Int
  ) throws -> Constant {
    let number = Self.field(of: datatype)
    // An element takes a byte of the message at least, so that memory asked for is bounded by the file.
    guard count <= message.end - message.position else {
      throw ONNXError(
        .malformed, "shape \(shape) has \(count) elements, more than the tensor has bytes in the file")
    }
    if datatype == .bytes { return try strings(message, shape, count: count) }
    if let run = try packedRun(message, number, byteCount: count * datatype.byteCount, datatype) {
      return Constant(
        datatype: datatype, shape: shape, bytes: UnsafeRawBufferPointer(rebasing: file.bytes[run]),
        owner: file)
    }
    return try Constant.make(datatype, shape) { memory in
      var writer = ElementWriter(memory: memory, datatype: datatype, count: count)
      var reader = message
      while let field = try reader.nextField() {
        guard field.number == number else {
          try reader.skip(field.type)
          continue
        }
        switch datatype {
        case .fp32: try reader.floats(field) { try writer.append($0) }
        case .fp64: try reader.doubles(field) { try writer.append($0) }
        default: try reader.integers(field) { try writer.append(integer: $0) }
        }
      }
      try writer.finish()
    }
  }

  private static func field(of datatype: Datatype) -> Int {
    switch datatype {
    case .fp32: 4
    case .bytes: 6
    case .int64: 7
    case .fp64: 10
    case .uint32, .uint64: 11
    case .bool, .uint8, .int8, .uint16, .int16, .int32, .fp16, .bf16: 5
    }
  }

  /// The file's range of the elements, when they are floats packed in one run.
  private func packedRun(
    _ message: ProtobufReader, _ number: Int, byteCount: Int, _ datatype: Datatype
  ) throws -> Range<Int>? {
    guard datatype == .fp32 || datatype == .fp64 else { return nil }
    var reader = message
    var run: Range<Int>?
    while let field = try reader.nextField() {
      if field.number == number {
        guard field.type == .bytes, run == nil else { return nil }
        run = try reader.bytes()
      } else {
        try reader.skip(field.type)
      }
    }
    return run?.count == byteCount ? run : nil
  }

  private func strings(_ message: ProtobufReader, _ shape: Shape, count: Int) throws -> Constant {
    try Constant.make(.bytes, shape) { memory in
      var filled = 0
      var reader = message
      while let field = try reader.nextField() {
        guard field.number == 6 else {
          try reader.skip(field.type)
          continue
        }
        try reader.expect(field, .bytes)
        let text = UnsafeRawBufferPointer(rebasing: file.bytes[try reader.bytes()])
        guard filled < count else { throw ElementWriter.wrongCount(filled + 1, expected: count) }
        let element = BytesElement(
          data: text.baseAddress?.assumingMemoryBound(to: UInt8.self), count: text.count)
        memory.storeBytes(
          of: element, toByteOffset: filled * MemoryLayout<BytesElement>.stride, as: BytesElement.self)
        filled += 1
      }
      if filled != count { throw ElementWriter.wrongCount(filled, expected: count) }
    }.keeping(file)
  }
}

extension Constant {
  /// The same constant, with `payload` kept alive for what its elements point to.
  fileprivate func keeping(_ payload: AnyObject) -> Constant {
    Constant(datatype: datatype, shape: shape, bytes: bytes, owner: owner, payload: payload)
  }
}

/// Writes elements one after another and knows how many there must be.
private struct ElementWriter {
  let memory: UnsafeMutableRawPointer
  let datatype: Datatype
  let count: Int
  var filled = 0

  static func wrongCount(_ count: Int, expected: Int) -> ONNXError {
    ONNXError(.malformed, "\(count) elements or more, the shape has \(expected)")
  }

  mutating func append<Element: BitwiseCopyable>(_ element: Element) throws {
    guard filled < count else { throw ElementWriter.wrongCount(filled + 1, expected: count) }
    memory.storeBytes(of: element, toByteOffset: filled * MemoryLayout<Element>.stride, as: Element.self)
    filled += 1
  }

  mutating func append(integer value: Int) throws {
    switch datatype.byteCount {
    case 1: try append(UInt8(truncatingIfNeeded: value))
    case 2: try append(UInt16(truncatingIfNeeded: value))
    case 4: try append(UInt32(truncatingIfNeeded: value))
    default: try append(Int64(value))
    }
  }

  func finish() throws {
    if filled != count {
      throw ONNXError(.malformed, "\(filled) elements, the shape has \(count)")
    }
  }
}

/// A `StringStringEntryProto`.
enum KeyValue {
  static func decode(_ start: ProtobufReader, _ limits: Limits) throws -> (key: String, value: String) {
    var reader = start
    var key = ""
    var value = ""
    while let field = try reader.nextField() {
      switch field.number {
      case 1: key = try reader.text(field, atMost: limits.nameBytes)
      case 2: value = try reader.text(field, atMost: limits.metadataBytes)
      default: try reader.skip(field.type)
      }
    }
    return (key, value)
  }
}
