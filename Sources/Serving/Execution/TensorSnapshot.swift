import Glibc
import Tensors

/// Tensors as they are at one time: copied in full, and compared byte by byte.
enum TensorSnapshot {
  /// Bytes of a tensor and, for BYTES, of what its elements point to.
  static func byteCount(_ tensor: Tensor) -> Int {
    guard tensor.datatype == .bytes else { return tensor.byteCount }
    return tensor.elements(as: BytesElement.self).reduce(tensor.byteCount) { $0 + $1.count }
  }

  /// A tensor in memory of its own; nil: out of memory.
  static func copy(_ tensor: Tensor) -> Tensor? {
    guard let memory = TensorMemory(byteCount: tensor.byteCount) else { return nil }
    memory.base.copyMemory(from: tensor.data, byteCount: tensor.byteCount)
    var payload: TensorMemory?
    if tensor.datatype == .bytes {
      guard let bytes = TensorMemory(byteCount: byteCount(tensor) - tensor.byteCount) else { return nil }
      var offset = 0
      let elements = memory.base.assumingMemoryBound(to: BytesElement.self)
      for (index, element) in tensor.elements(as: BytesElement.self).enumerated() {
        let target = bytes.base + offset
        if element.count > 0, let source = element.bytes.baseAddress { memcpy(target, source, element.count) }
        elements[index] = BytesElement(
          data: UnsafePointer(target.assumingMemoryBound(to: UInt8.self)), count: element.count)
        offset += element.count
      }
      payload = bytes
    }
    return Tensor(
      name: tensor.name, datatype: tensor.datatype, shape: tensor.shape, memory: memory, payload: payload)
  }

  /// All of them copied; nil: out of memory.
  static func copy(_ tensors: [Tensor]) -> [Tensor]? {
    let copies = tensors.compactMap(copy)
    return copies.count == tensors.count ? copies : nil
  }

  static func areEqual(_ a: [Tensor], _ b: [Tensor]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy(areEqual)
  }

  private static func areEqual(_ a: Tensor, _ b: Tensor) -> Bool {
    guard a.name == b.name, a.datatype == b.datatype, a.shape == b.shape else { return false }
    guard a.datatype == .bytes else { return memcmp(a.data, b.data, a.byteCount) == 0 }
    return zip(a.elements(as: BytesElement.self), b.elements(as: BytesElement.self)).allSatisfy {
      $0.count == $1.count && $0.bytes.elementsEqual($1.bytes)
    }
  }

  /// Feeds names, shapes and bytes to `hasher`.
  static func hash(_ tensors: [Tensor], into hasher: inout Hasher) {
    for tensor in tensors {
      hasher.combine(tensor.name)
      for dimension in tensor.shape { hasher.combine(dimension) }
      if tensor.datatype == .bytes {
        for element in tensor.elements(as: BytesElement.self) {
          hasher.combine(element.count)
          hasher.combine(bytes: UnsafeRawBufferPointer(element.bytes))
        }
      } else {
        hasher.combine(bytes: UnsafeRawBufferPointer(start: tensor.data, count: tensor.byteCount))
      }
    }
  }
}
