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
    _ requests: [[Tensor]], _ padding: Padding? = nil,
    in memory: (_ byteCount: Int) -> TensorMemory? = { TensorMemory(byteCount: $0) }
  ) -> [Tensor]? {
    guard requests.count > 1 else { return requests.first ?? [] }
    var all: [Tensor] = []
    all.reserveCapacity(requests[0].count)
    for index in requests[0].indices {
      let parts = requests.map { $0[index] }
      let isEven =
        padding == nil || parts.allSatisfy { $0.shape.dropFirst().elementsEqual(parts[0].shape.dropFirst()) }
      let stacked =
        isEven
        ? concatenate(parts, in: memory) : padding?.stack(parts, payload: { keep(parts, in: $0) }, in: memory)
      guard let tensor = stacked else { return nil }
      all.append(tensor)
    }
    return all
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
    return Tensor(
      name: parts[0].name, datatype: parts[0].datatype, shape: shape, memory: memory,
      payload: keep(parts, in: memory))
  }

  /// Keeps what the elements of `parts`, copied to `memory`, point to; nil where they point to nothing.
  private static func keep(_ parts: [Tensor], in memory: TensorMemory) -> TensorMemory? {
    guard parts[0].datatype == .bytes else { return nil }
    return TensorMemory(viewing: memory.base, byteCount: 0, owner: Payloads(parts))
  }
}
