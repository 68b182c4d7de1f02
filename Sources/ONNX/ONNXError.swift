/// Why a model cannot be loaded, or a run cannot be made.
///
/// `message` is one sentence or several that name the place (file, field, node), what was expected and
/// what came.
public struct ONNXError: Error, Sendable, CustomStringConvertible {
  public enum Kind: Sendable {
    /// The file cannot be opened or read.
    case unreadable
    /// The bytes are not those of an ONNX model.
    case malformed
    /// The bytes are a model, but one that contradicts itself or the standard.
    case invalid
    /// The model is right and needs something that this engine has not.
    case unsupported
    /// A size or count is beyond what the engine accepts.
    case limit
    /// The caller's tensors do not fit the model.
    case argument
    /// There is no memory to be had.
    case outOfMemory
  }

  public let kind: Kind
  public let message: String

  public init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  public var description: String { message }

  /// The same error, told from a place further out.
  func at(_ place: String) -> ONNXError { ONNXError(kind, "\(place): \(message)") }
}

/// Runs `body`; an `ONNXError` out of it is prefixed by `place`, which is only made then.
@inline(__always)
func at<Result>(_ place: @autoclosure () -> String, _ body: () throws -> Result) throws -> Result {
  do { return try body() } catch let error as ONNXError { throw error.at(place()) }
}
