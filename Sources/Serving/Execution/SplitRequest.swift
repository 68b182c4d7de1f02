import Locks
import Tensors

/// Gathers the answers to the parts of a request that holds more rows than the model takes at once.
final class SplitReceiver: Sendable {
  private struct State {
    var outputs: [[Tensor]?]
    var left: Int
    var failure: ServingError?
    var timing = InferenceTiming()
  }

  private let whole: any InferenceReceiver
  private let state: Lock<State>

  private init(whole: any InferenceReceiver, count: Int) {
    self.whole = whole
    state = Lock(State(outputs: Array(repeating: nil, count: count), left: count))
  }

  /// One part's ear.
  private final class Part: InferenceReceiver {
    let index: Int
    let split: SplitReceiver

    init(index: Int, split: SplitReceiver) {
      self.index = index
      self.split = split
    }

    func receive(chunk: [Tensor]) -> Bool { split.whole.receive(chunk: chunk) }

    func finish(_ result: Result<[Tensor], ServingError>, timing: InferenceTiming) {
      split.finish(part: index, result, timing: timing)
    }
  }

  /// Parts of `request` of at most `maximumRows` rows each. Precondition: each input has rows.
  static func parts(of request: InferenceRequest, maximumRows: Int) -> [InferenceRequest] {
    let starts = Array(stride(from: 0, to: request.rows, by: maximumRows))
    let split = SplitReceiver(whole: request.receiver, count: starts.count)
    return starts.enumerated().map { index, start in
      let range = start..<min(start + maximumRows, request.rows)
      return request.part(
        inputs: request.inputs.map { $0.rows(range) }, receiver: Part(index: index, split: split))
    }
  }

  private func finish(part: Int, _ result: Result<[Tensor], ServingError>, timing: InferenceTiming) {
    let done: State? = state.withLock { state in
      switch result {
      case .success(let outputs): state.outputs[part] = outputs
      case .failure(let error): state.failure = state.failure ?? error
      }
      state.timing.queue = max(state.timing.queue, timing.queue)
      state.timing.assembly += timing.assembly
      state.timing.execute += timing.execute
      state.timing.reason = timing.reason
      state.timing.batchSize = max(state.timing.batchSize, timing.batchSize)
      state.left -= 1
      return state.left == 0 ? state : nil
    }
    guard let done else { return }
    whole.finish(SplitReceiver.gathered(done), timing: done.timing)
  }

  private static func gathered(_ state: State) -> Result<[Tensor], ServingError> {
    if let failure = state.failure { return .failure(failure) }
    let parts = state.outputs.compactMap { $0 }
    var outputs: [Tensor] = []
    for index in parts[0].indices {
      let pieces = parts.compactMap { $0.indices.contains(index) ? $0[index] : nil }
      guard pieces.count == parts.count, pieces.allSatisfy({ isRowCompatible($0, pieces[0]) }) else {
        return .failure(
          ServingError(
            .pluginFault, "output '\(parts[0][index].name)' differs in shape between parts of the request"))
      }
      guard let whole = BatchAssembly.concatenate(pieces) else {
        return .failure(ServingError(.outOfMemory, "no memory for the gathered output '\(pieces[0].name)'"))
      }
      outputs.append(whole)
    }
    return .success(outputs)
  }

  private static func isRowCompatible(_ a: Tensor, _ b: Tensor) -> Bool {
    a.shape.rank > 0 && a.shape.rank == b.shape.rank && a.name == b.name && a.datatype == b.datatype
      && a.shape.dropFirst().elementsEqual(b.shape.dropFirst())
  }
}
