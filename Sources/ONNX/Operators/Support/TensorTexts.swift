import Glibc
import Tensors

/// Elements of `bytes` tensors.
extension Tensor {
  /// All elements of a `bytes` tensor.
  func texts() -> [[UInt8]] { elements(as: BytesElement.self).map { Array($0.bytes) } }

  /// All elements as text; what is not UTF-8 is replaced.
  func strings() -> [String] {
    elements(as: BytesElement.self).map { String(decoding: $0.bytes, as: UTF8.self) }
  }

  /// A tensor of texts with memory of its own.
  static func make(_ shape: Shape, texts: [[UInt8]], _ limits: Limits) throws -> Tensor {
    let records = try make(.bytes, shape, limits)
    let size = texts.reduce(0) { $0 + $1.count }
    guard size <= limits.tensorBytes, let payload = TensorMemory(byteCount: size) else {
      throw ONNXError(.outOfMemory, "no memory for \(size) bytes of texts")
    }
    var next = payload.base.assumingMemoryBound(to: UInt8.self)
    for (index, text) in texts.enumerated() {
      text.withUnsafeBufferPointer { source in
        if let base = source.baseAddress { next.update(from: base, count: source.count) }
      }
      records.elements(as: BytesElement.self)[index] = BytesElement(data: next, count: text.count)
      next += text.count
    }
    return Tensor(
      name: "", datatype: .bytes, shape: shape, memory: records.memory, payload: payload)
  }

  /// The same texts in memory of their own, independent of what the elements pointed to.
  func packed(_ limits: Limits) throws -> Tensor { try .make(shape, texts: texts(), limits) }

  /// Copies records and texts: the records to `target`, which then point to where `memory(size)` says.
  func copyTexts(
    to target: UnsafeMutableRawPointer, _ memory: (Int) throws -> UnsafeMutableRawPointer
  ) throws {
    let elements = elements(as: BytesElement.self)
    var next = try memory(elements.reduce(0) { $0 + $1.count })
    let records = target.assumingMemoryBound(to: BytesElement.self)
    for (index, element) in elements.enumerated() {
      if let data = element.data { memcpy(next, data, element.count) }
      records[index] = BytesElement(
        data: UnsafePointer(next.assumingMemoryBound(to: UInt8.self)), count: element.count)
      next += element.count
    }
  }
}
