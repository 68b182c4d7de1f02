import Glibc
public import Tensors

/// A tensor whose elements are known when the model is loaded: an initializer, an attribute, or what
/// was computed from such.
///
/// Elements lie dense and row-major at `bytes`, perhaps unaligned (in a mapped file). An element of a
/// `bytes` constant is a `BytesElement` record.
///
/// Unchecked: `owner` keeps the elements alive and unmoved, and they are not written.
public struct Constant: @unchecked Sendable {
  public let datatype: Datatype
  public let shape: Shape
  public let bytes: UnsafeRawBufferPointer
  let owner: AnyObject
  let payload: AnyObject?

  /// Precondition: `bytes` holds the elements of `shape`.
  init(
    datatype: Datatype, shape: Shape, bytes: UnsafeRawBufferPointer, owner: AnyObject,
    payload: AnyObject? = nil
  ) {
    precondition((shape.elementCount ?? -1) * datatype.byteCount == bytes.count, "a constant of another size")
    self.datatype = datatype
    self.shape = shape
    self.bytes = bytes
    self.owner = owner
    self.payload = payload
  }

  init(_ tensor: Tensor) {
    self.init(
      datatype: tensor.datatype, shape: tensor.shape,
      bytes: UnsafeRawBufferPointer(start: tensor.data, count: tensor.byteCount), owner: tensor.memory,
      payload: tensor.payload)
  }

  var elementCount: Int { bytes.count / datatype.byteCount }

  func reshaped(to shape: Shape) -> Constant {
    Constant(datatype: datatype, shape: shape, bytes: bytes, owner: owner, payload: payload)
  }

  /// The element at `index` of a constant of any numeric datatype that fits an `Int`; nil for others.
  func integer(at index: Int) -> Int? {
    let offset = index * datatype.byteCount
    switch datatype {
    case .bool, .uint8: return Int(bytes[offset])
    case .int8: return Int(Int8(bitPattern: bytes[offset]))
    case .uint16: return Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    case .int16: return Int(bytes.loadUnaligned(fromByteOffset: offset, as: Int16.self))
    case .uint32: return Int(bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
    case .int32: return Int(bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self))
    case .uint64: return Int(exactly: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    case .int64: return Int(bytes.loadUnaligned(fromByteOffset: offset, as: Int64.self))
    case .fp16, .bf16, .fp32, .fp64, .bytes: return nil
    }
  }

  /// All elements of an integer constant; nil for another datatype.
  var integers: [Int]? {
    var result: [Int] = []
    result.reserveCapacity(elementCount)
    for index in 0..<elementCount {
      guard let value = integer(at: index) else { return nil }
      result.append(value)
    }
    return result
  }

  func float(at index: Int) -> Float { bytes.loadUnaligned(fromByteOffset: index * 4, as: Float.self) }

  /// All elements of an FP32 constant; nil for another datatype.
  var floats: [Float]? {
    guard datatype == .fp32 else { return nil }
    return (0..<elementCount).map { float(at: $0) }
  }

  /// A constant with memory of its own that `fill` writes. Throws when there is none to be had.
  static func make(
    _ datatype: Datatype, _ shape: Shape, fill: (UnsafeMutableRawPointer) throws -> Void
  ) throws -> Constant {
    guard let tensor = Tensor(name: "", datatype: datatype, shape: shape) else {
      throw ONNXError(.outOfMemory, "no memory for a tensor of shape \(shape)")
    }
    try fill(tensor.data)
    return Constant(tensor)
  }

  static func make(integers: [Int], shape: Shape? = nil) throws -> Constant {
    try make(.int64, shape ?? [integers.count]) { memory in
      for (index, value) in integers.enumerated() {
        memory.storeBytes(of: Int64(value), toByteOffset: index * 8, as: Int64.self)
      }
    }
  }

  static func make(floats: [Float], shape: Shape? = nil) throws -> Constant {
    try make(.fp32, shape ?? [floats.count]) { memory in
      for (index, value) in floats.enumerated() {
        memory.storeBytes(of: value, toByteOffset: index * 4, as: Float.self)
      }
    }
  }

  /// The same elements in aligned memory of their own, independent of the model's file.
  func copied() throws -> Constant {
    if let memory = owner as? TensorMemory, memory.isOwn, datatype != .bytes { return self }
    if datatype == .bytes { return try copiedStrings() }
    defer { forgetFile() }
    return try Constant.make(datatype, shape) { memory in
      if let base = bytes.baseAddress { memcpy(memory, base, bytes.count) }
    }
  }

  /// Lets go of the memory of elements that lie in a file, which are not expected to be read again.
  func forgetFile() { (owner as? MappedFile)?.forget(bytes) }

  private func copiedStrings() throws -> Constant {
    let records = (0..<elementCount).map {
      bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<BytesElement>.stride, as: BytesElement.self)
    }
    guard let texts = TensorMemory(byteCount: records.reduce(0) { $0 + $1.count }),
      let memory = TensorMemory(byteCount: bytes.count)
    else { throw ONNXError(.outOfMemory, "no memory for a tensor of shape \(shape)") }
    var offset = 0
    for (index, record) in records.enumerated() {
      if let data = record.data { memcpy(texts.base + offset, data, record.count) }
      let copy = BytesElement(
        data: UnsafePointer((texts.base + offset).assumingMemoryBound(to: UInt8.self)), count: record.count)
      memory.base.storeBytes(
        of: copy, toByteOffset: index * MemoryLayout<BytesElement>.stride, as: BytesElement.self)
      offset += record.count
    }
    return Constant(
      datatype: .bytes, shape: shape, bytes: UnsafeRawBufferPointer(start: memory.base, count: bytes.count),
      owner: memory, payload: texts)
  }
}
