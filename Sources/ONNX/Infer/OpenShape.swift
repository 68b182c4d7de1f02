/// Thrown by a shape rule when even the rank of an output depends on what comes at run time: the graph
/// is then run node by node, each shape found as its inputs come.
struct OpenShape: Error {
  let message: String

  init(_ message: String) { self.message = message }

  /// The same as a refusal, where all inputs are there and the shape still is not.
  var refusal: ONNXError { ONNXError(.unsupported, message) }
}
