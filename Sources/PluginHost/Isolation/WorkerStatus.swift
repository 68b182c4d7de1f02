internal import Locks
internal import Synchronization

/// How the worker of a model does, for metrics and readiness; stays when the model is gone.
public final class WorkerStatus: Sendable {
  private struct State {
    var fault: String?
    var restartCount = 0
  }

  private let state = Lock(State())

  /// Why the worker is quarantined; nil if it is not.
  public internal(set) var fault: String? {
    get { state.withLock { $0.fault } }
    set { state.withLock { $0.fault = newValue } }
  }

  /// How often the worker ended by itself and was, or is to be, started again.
  public var restartCount: Int { state.withLock { $0.restartCount } }

  private let late = Atomic<Bool>(false)

  /// Whether the plugin has finished requests after its call had returned.
  var answersLate: Bool { late.load(ordering: .relaxed) }

  func noteLateAnswer() { late.store(true, ordering: .relaxed) }

  func countRestart() { state.withLock { $0.restartCount += 1 } }
}
