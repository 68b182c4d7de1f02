import Foundation
import Locks
import PluginHost
import Serving
import Tensors

/// A receiver that keeps what it got.
final class Recorder: InferenceReceiver {
  private let results = Lock<[Result<[Tensor], ServingError>]>([])
  private let done = DispatchSemaphore(value: 0)

  func receive(chunk: [Tensor]) -> Bool { true }

  func finish(_ result: Result<[Tensor], ServingError>, timing: InferenceTiming) {
    results.withLock { $0.append(result) }
    done.signal()
  }

  /// Waits for the answer; nil if none comes in ten seconds.
  func answer() -> Result<[Tensor], ServingError>? {
    guard done.wait(timeout: .now() + 10) == .success else { return nil }
    return results.withLock { $0.last }
  }

  var count: Int { results.withLock { $0.count } }

  var error: ServingError? {
    guard case .failure(let error) = results.withLock({ $0.last }) else { return nil }
    return error
  }
}

func floats(_ shape: Shape, _ values: [Float], name: String = "x") -> Tensor {
  let tensor = Tensor(name: name, datatype: .fp32, shape: shape)!
  _ = tensor.elements(as: Float.self).update(fromContentsOf: values)
  return tensor
}

func values(_ tensor: Tensor) -> [Float] { Array(tensor.elements(as: Float.self)) }
