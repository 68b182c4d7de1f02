internal import Glibc
internal import Tensors

/// Copies tensors, and the bytes that the elements of a `bytes` tensor point to.
enum TensorCopy {
  /// A tensor with memory of its own and the elements at `source`. Nil if the shape has no size, there
  /// is no memory, an element has a size and no bytes, or the bytes take more than `limit`.
  static func copy(
    _ source: UnsafeRawPointer, name: String, datatype: Datatype, shape: Shape, limit: Int
  ) -> Tensor? {
    guard let copy = Tensor(name: name, datatype: datatype, shape: shape) else { return nil }
    guard datatype == .bytes else {
      memcpy(copy.data, source, copy.byteCount)
      return copy
    }
    let elements = source.assumingMemoryBound(to: BytesElement.self)
    guard let total = byteCount(elements, copy.elementCount, limit: limit),
      let payload = TensorMemory(byteCount: total)
    else { return nil }
    let copies = copy.elements(as: BytesElement.self)
    var next = payload.base.assumingMemoryBound(to: UInt8.self)
    for index in 0..<copy.elementCount {
      let element = elements[index]
      if let data = element.data { memcpy(next, data, element.count) }
      copies.initializeElement(at: index, to: BytesElement(data: next, count: element.count))
      next += element.count
    }
    return Tensor(name: name, datatype: .bytes, shape: shape, memory: copy.memory, payload: payload)
  }

  private static func byteCount(_ elements: UnsafePointer<BytesElement>, _ count: Int, limit: Int) -> Int? {
    var total = 0
    for index in 0..<count {
      let element = elements[index]
      guard element.count >= 0, element.count <= limit - total, element.data != nil || element.count == 0
      else { return nil }
      total += element.count
    }
    return total
  }
}
