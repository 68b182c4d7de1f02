import Tensors

/// Puts the inputs of several requests, one after the other, along dimension 0.
enum BatchAssembly {
  /// Keeps the tensors whose bytes elements a stacked tensor points to.
  ///
  /// Unchecked: it is never read; it only holds what it keeps alive.
  private final class Payloads: @unchecked Sendable {
    let tensors: [Tensor]
    init(_ tensors: [Tensor]) { self.tensors = tensors }
  }

  /// One tensor per input. A lone request's tensors are passed as they are. Nil: out of memory.
  ///
  /// Precondition: the inputs are those of requests that may share a batch (`hasShape(of:)`).
  static func stack(
    _ requests: [[Tensor]], in memory: (_ byteCount: Int) -> TensorMemory? = { TensorMemory(byteCount: $0) }
  ) -> [Tensor]? {
    guard requests.count > 1 else { return requests.first ?? [] }
    var stacked: [Tensor] = []
    stacked.reserveCapacity(requests[0].count)
    for index in requests[0].indices {
      guard let tensor = concatenate(requests.map { $0[index] }, in: memory) else { return nil }
      stacked.append(tensor)
    }
    return stacked
  }

  /// Precondition: at least one part; all are alike but for dimension 0. Nil: out of memory.
  static func concatenate(
    _ parts: [Tensor], in memory: (_ byteCount: Int) -> TensorMemory? = { TensorMemory(byteCount: $0) }
  ) -> Tensor? {
    var shape = parts[0].shape
    shape[0] = parts.reduce(0) { $0 + $1.shape[0] }
    guard let memory = memory(parts.reduce(0) { $0 + $1.byteCount }) else { return nil }
    var offset = 0
    for part in parts {
      (memory.base + offset).copyMemory(from: part.data, byteCount: part.byteCount)
      offset += part.byteCount
    }
    let payload =
      parts[0].datatype == .bytes
      ? TensorMemory(viewing: memory.base, byteCount: 0, owner: Payloads(parts)) : nil
    return Tensor(
      name: parts[0].name, datatype: parts[0].datatype, shape: shape, memory: memory, payload: payload)
  }
}
