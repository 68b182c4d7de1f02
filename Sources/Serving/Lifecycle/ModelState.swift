/// `loading → ready → unloading → unloaded`, or `loading → failed`.
public enum ModelState: Sendable, Equatable {
  case loading, ready, unloading, unloaded
  case failed(reason: String)

  /// One lower-case word: `loading`, `ready`, …
  public var name: String {
    switch self {
    case .loading: "loading"
    case .ready: "ready"
    case .unloading: "unloading"
    case .unloaded: "unloaded"
    case .failed: "failed"
    }
  }
}
