import Locks

/// What a client wants done with a model.
enum ModelOrder: Sendable {
  case load(ModelUpload.Reader)
  case unload
  case awaken(version: Int)
}

/// What a client sends along when it has a model loaded.
public struct ModelUpload: Sendable, Equatable {
  /// Reads what was sent. It may be long, so it is read on the manager's thread.
  public typealias Reader = @Sendable () throws(ServingError) -> ModelUpload

  /// A configuration in place of what lies in the model's folder: a JSON object.
  public var configuration: String?
  /// Files in place of those in the repository.
  public var files: [ModelFile] = []

  public init() {}
}

/// An order, until whoever gave it is told how it ended: exactly once.
final class ModelCommand: Sendable {
  private struct State {
    var done: (@Sendable (ServingError?) -> Void)?
    var isBegun = false
    /// What the client sent is read, and it must not be told anything before that is done.
    var isReading = false
  }

  let name: String
  let order: ModelOrder
  /// Nanoseconds when it is told that it takes too long; 0: never.
  let deadline: Int64
  private let state: Lock<State>

  init(
    _ order: ModelOrder, of name: String, deadline: Int64, done: @escaping @Sendable (ServingError?) -> Void
  ) {
    self.order = order
    self.name = name
    self.deadline = deadline
    state = Lock(State(done: done))
  }

  var isBegun: Bool { state.withLock { $0.isBegun } }

  /// False: it was ended while it waited, and is not carried out.
  func begin() -> Bool {
    state.withLock { state in
      state.isBegun = true
      state.isReading = state.done != nil
      return state.isReading
    }
  }

  /// What was sent along has been read.
  func hasRead() { state.withLock { $0.isReading = false } }

  /// Tells the end, unless it has been told.
  func finish(_ error: ServingError?) { end(error, whileReading: true) }

  /// The same, unless what was sent along is being read.
  func finishLate(_ error: ServingError?) { end(error, whileReading: false) }

  private func end(_ error: ServingError?, whileReading: Bool) {
    let done: (@Sendable (ServingError?) -> Void)? = state.withLock { state in
      guard whileReading || !state.isReading else { return nil }
      defer { state.done = nil }
      return state.done
    }
    done?(error)
  }
}

/// A version of a model, or a model of which no version was ever loaded, as the repository knows it.
public struct IndexEntry: Sendable, Equatable {
  public enum State: String, Sendable {
    case ready = "READY"
    case unavailable = "UNAVAILABLE"
    case loading = "LOADING"
    case unloading = "UNLOADING"
  }

  public var name: String
  public var version: Int?
  public var state: State?
  /// Why it is unavailable.
  public var reason = ""

  public init(name: String, version: Int? = nil, state: State? = nil, reason: String = "") {
    self.name = name
    self.version = version
    self.state = state
    self.reason = reason
  }
}
