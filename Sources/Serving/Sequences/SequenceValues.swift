import Tensors

/// Tensors that the server makes for requests of sequences.
enum SequenceValues {
  static func flag(
    _ isOn: Bool, _ control: SequenceSettings.Control, _ shape: Shape
  ) throws(ServingError) -> Tensor {
    let value = isOn ? control.on : control.off
    let bytes: [UInt8] =
      switch control.datatype {
      case .fp32: littleEndian(Float(value).bitPattern)
      case .int32: littleEndian(Int32(value))
      default: [value == 0 ? 0 : 1]
      }
    return try tensor(control.input, control.datatype, shape, repeating: bytes)
  }

  static func id(
    _ id: SequenceID, _ control: SequenceSettings.Control, _ shape: Shape
  ) throws(ServingError) -> Tensor {
    if control.datatype == .bytes { return try text(id.whole, control.input, shape) }
    guard case .number(let number) = id else {
      throw ServingError(
        .invalidArgument,
        "sequence_id: expected a number, since the model takes it as \(control.datatype.name), got a string")
    }
    let limit: UInt64 =
      switch control.datatype {
      case .int32: UInt64(Int32.max)
      case .uint32: UInt64(UInt32.max)
      case .int64: UInt64(Int64.max)
      default: UInt64.max
      }
    guard number <= limit else {
      throw ServingError(
        .invalidArgument, "sequence_id: \(number) is above \(limit), the largest \(control.datatype.name)")
    }
    let bytes = Array(littleEndian(number).prefix(control.datatype.byteCount))
    return try tensor(control.input, control.datatype, shape, repeating: bytes)
  }

  /// A tensor of `pattern` over and over; of zeros if that is empty.
  static func tensor(
    _ name: String, _ datatype: Datatype, _ shape: Shape, repeating pattern: [UInt8]
  ) throws(ServingError) -> Tensor {
    guard let tensor = Tensor(name: name, datatype: datatype, shape: shape) else {
      throw ServingError(.outOfMemory, "no memory for input '\(name)' of \(shape)")
    }
    let bytes = UnsafeMutableRawBufferPointer(start: tensor.data, count: tensor.byteCount)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
    guard !pattern.isEmpty else { return tensor }
    for index in bytes.indices { bytes[index] = pattern[index % pattern.count] }
    return tensor
  }

  private static func text(_ text: String, _ name: String, _ shape: Shape) throws(ServingError) -> Tensor {
    let bytes = Array(text.utf8)
    let count = shape.elementCount ?? 0
    guard let payload = TensorMemory(byteCount: max(bytes.count, 1)),
      let records = TensorMemory(byteCount: count * Datatype.bytes.byteCount)
    else { throw ServingError(.outOfMemory, "no memory for input '\(name)' of \(shape)") }
    bytes.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: payload.base, count: bytes.count).copyMemory(from: $0)
    }
    let tensor = Tensor(
      name: name, datatype: .bytes, shape: shape, memory: records, payload: payload)
    let element = BytesElement(
      data: UnsafePointer(payload.base.assumingMemoryBound(to: UInt8.self)), count: bytes.count)
    tensor.elements(as: BytesElement.self).initialize(repeating: element)
    return tensor
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}

extension SequenceID {
  /// The whole of it, as text.
  fileprivate var whole: String {
    switch self {
    case .number(let number): String(number)
    case .text(let text): text
    }
  }
}
