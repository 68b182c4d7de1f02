/// A fault in a JSON text: what was expected, what came, and where (`inputs[0].data[17]`).
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What was expected and what came.
  public var message: String
  /// The place in the document, empty where only the offset is known.
  public var path: String
  /// Bytes from the start of the text.
  public var offset: Int

  public init(message: String, path: String = "", offset: Int = 0) {
    self.message = message
    self.path = path
    self.offset = offset
  }

  /// `path: message`, or the message and the offset where there is no path.
  public var description: String {
    path.isEmpty ? "\(message) at offset \(offset)" : "\(path): \(message)"
  }
}
