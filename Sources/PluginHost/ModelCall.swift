internal import Locks
public import Tensors

/// A model's call of another one, on behalf of requests that it has.
public struct ModelCall: Sendable {
  /// The calling model's name.
  public var caller: String
  public var model: String
  /// 0 for the one that is served to clients who name none.
  public var version: Int
  /// They stay as they are until the call returns, and no longer.
  public var inputs: [Tensor]
  /// A JSON object.
  public var parameters: String
  /// What the client calls its request.
  public var id: String
  /// Nanoseconds of CLOCK_MONOTONIC; 0 for none.
  public var deadline: Int64
  /// Whether nobody waits for the answer any more.
  public var isCancelled: @Sendable () -> Bool
}

/// Runs models for plugins: what models/1 stands on.
public protocol ModelRunner: AnyObject, Sendable {
  /// Returns what the model answers, once it has.
  func run(_ call: ModelCall) throws(PluginError) -> [Tensor]
}

/// Who runs models for plugins, if anybody does.
final class ModelRunnerReference: Sendable {
  private struct State { weak var runner: (any ModelRunner)? }

  private let state = Lock(State())

  func set(_ runner: any ModelRunner) { state.withLock { $0.runner = runner } }

  func run(_ call: ModelCall) throws(PluginError) -> [Tensor] {
    guard let runner = state.withLock({ $0.runner }) else {
      throw PluginError(
        status: .unavailable, message: "'\(call.model)' cannot be run: this process serves no other models")
    }
    return try runner.run(call)
  }
}

/// On whose behalf a call is made.
struct CallOrigin: Sendable {
  let requests: [PluginRequest]
  /// Its place in the batch, if it is one request.
  let index: Int?

  var id: String { requests.first?.id ?? "" }

  /// The latest of all, if all have one.
  var deadline: Int64 {
    requests.contains { $0.deadline == 0 } ? 0 : requests.map(\.deadline).max() ?? 0
  }

  var isCancelled: Bool { requests.allSatisfy(\.isCancelled) }
}
