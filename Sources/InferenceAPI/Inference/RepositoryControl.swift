public import Serving

/// What the repository API asks of the models; `ModelManager` is the one that does it.
///
/// `done` is called exactly once, from any thread, with why it was not done, or nil.
public protocol RepositoryControl: Sendable {
  /// Every version that is known, by name and version, and models of which none is.
  var index: [IndexEntry] { get }
  /// Loads a model, or loads it again where it changed.
  ///
  /// - Parameter upload: reads what the client sent along, on a thread where that may take time, and not after
  ///   `done`.
  func load(
    _ name: String, upload: @escaping ModelUpload.Reader,
    done: @escaping @Sendable (ServingError?) -> Void)
  /// Unloads every version of a model.
  func unload(_ name: String, done: @escaping @Sendable (ServingError?) -> Void)
}

extension ModelManager: RepositoryControl {}
