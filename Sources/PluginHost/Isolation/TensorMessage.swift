internal import Glibc
internal import Tensors

/// A tensor in shared memory, as messages describe it: which of the model's it is, its shape, and where it lies.
///
/// A tensor of `bytes` lies there as the length of each element, and after those the elements' bytes.
struct TensorMessage {
  /// Among the model's inputs, or its outputs.
  var position: Int
  var datatype: Datatype
  var shape: Shape
  var offset: Int
  var byteCount: Int

  init(position: Int, datatype: Datatype, shape: Shape, offset: Int, byteCount: Int) {
    self.position = position
    self.datatype = datatype
    self.shape = shape
    self.offset = offset
    self.byteCount = byteCount
  }

  init(_ reader: inout MessageReader) throws(MessageFault) {
    position = try reader.int()
    guard let datatype = Datatype(rawValue: Int32(truncatingIfNeeded: try reader.int())) else {
      throw MessageFault()
    }
    self.datatype = datatype
    let rank = try reader.int()
    guard (0...Shape.maximumRank).contains(rank) else { throw MessageFault() }
    shape = Shape()
    for _ in 0..<rank {
      let dimension = try reader.int()
      guard dimension >= 0 else { throw MessageFault() }
      shape.append(dimension)
    }
    offset = try reader.int()
    byteCount = try reader.int()
    guard let elements = shape.elementCount, byteCount >= 0, elements <= byteCount / datatype.leastBytes,
      datatype == .bytes || byteCount == elements * datatype.byteCount && offset % datatype.byteCount == 0
    else { throw MessageFault() }
  }

  func write(to message: inout MessageWriter) {
    message.put(position)
    message.put(Int(datatype.rawValue))
    message.put(shape.rank)
    for axis in 0..<shape.rank { message.put(shape[axis]) }
    message.put(offset)
    message.put(byteCount)
  }

  /// The tensor over `memory`, whose byte 0 is at `start` of the arena. Precondition: it lies there whole.
  /// A tensor of `bytes` points into `memory`; nil: its elements do not lie in it.
  func tensor(name: String, memory: TensorMemory, start: Int) -> Tensor? {
    guard datatype == .bytes else {
      return Tensor(name: name, datatype: datatype, shape: shape, memory: memory, offset: offset - start)
    }
    guard let tensor = Tensor(name: name, datatype: .bytes, shape: shape) else { return nil }
    let count = tensor.elementCount
    let lengths = memory.base + (offset - start)
    var next = lengths + count * 8
    var left = byteCount - count * 8
    let elements = tensor.elements(as: BytesElement.self)
    for index in 0..<count {
      let length = lengths.loadUnaligned(fromByteOffset: index * 8, as: Int.self)
      guard length >= 0, length <= left else { return nil }
      elements[index] = BytesElement(
        data: UnsafePointer(next.assumingMemoryBound(to: UInt8.self)), count: length)
      next += length
      left -= length
    }
    return Tensor(name: name, datatype: .bytes, shape: shape, memory: tensor.memory, payload: memory)
  }

  /// Bytes that `tensor` takes in shared memory.
  static func byteCount(of tensor: Tensor) -> Int {
    guard tensor.datatype == .bytes else { return tensor.byteCount }
    return tensor.elements(as: BytesElement.self).reduce(0) { $0 + 8 + $1.count }
  }

  /// Writes the elements of `tensor` to `target`, which has room for them.
  static func copy(_ tensor: Tensor, to target: UnsafeMutableRawPointer) {
    guard tensor.datatype == .bytes else {
      memcpy(target, tensor.data, tensor.byteCount)
      return
    }
    let elements = tensor.elements(as: BytesElement.self)
    var next = target + elements.count * 8
    for (index, element) in elements.enumerated() {
      target.storeBytes(of: element.count, toByteOffset: index * 8, as: Int.self)
      if let data = element.data, element.count > 0 { memcpy(next, data, element.count) }
      next += element.count
    }
  }
}

extension Datatype {
  /// Bytes that an element takes at least in shared memory.
  fileprivate var leastBytes: Int { self == .bytes ? 8 : byteCount }
}
