import Bytes
import Glibc
import Tensors

/// Puts a BYTES tensor together from texts.
final class BytesTensorBuilder {
  private let texts = ByteBuffer(capacity: 1024)
  private var ends: [Int] = []

  /// Appends the element that `write` writes.
  func append(_ write: (ByteBuffer) -> Void) {
    write(texts)
    ends.append(texts.count)
  }

  /// The elements as a tensor; nil without memory. The shape has as many elements as were appended.
  func tensor(name: String, shape: Shape) -> Tensor? {
    guard let payload = TensorMemory(byteCount: texts.count),
      let records = TensorMemory(byteCount: ends.count * Datatype.bytes.byteCount)
    else { return nil }
    memcpy(payload.base, texts.base, texts.count)
    let tensor = Tensor(name: name, datatype: .bytes, shape: shape, memory: records, payload: payload)
    let elements = tensor.elements(as: BytesElement.self)
    var start = 0
    for (index, end) in ends.enumerated() {
      let data = (payload.base + start).assumingMemoryBound(to: UInt8.self)
      elements[index] = BytesElement(data: data, count: end - start)
      start = end
    }
    return tensor
  }
}
