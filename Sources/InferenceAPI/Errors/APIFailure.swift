/// A refusal as the client sees it: a status and a sentence. Every dialect here sends it as
/// `{"error": "<sentence>"}`.
struct APIFailure: Error, Sendable {
  var status: Int
  var message: String
  var headers: [(StaticString, String)] = []
  /// The status that Triton gives the same fault, where it is another one.
  var tritonStatus: Int?

  init(_ status: Int, _ message: String, headers: [(StaticString, String)] = []) {
    self.status = status
    self.message = message
    self.headers = headers
  }

  /// The same with Triton's status for it, for clients that depend on that.
  func withTritonStatus(_ status: Int) -> APIFailure {
    var failure = self
    failure.tritonStatus = status
    return failure
  }

  static func badRequest(_ message: String) -> APIFailure { APIFailure(400, message) }
}

/// Text that came from a client, shortened so that an error does not echo megabytes.
func excerpt(_ text: some StringProtocol, limit: Int = 256) -> String {
  guard text.utf8.count > limit else { return String(text) }
  var short = ""
  short.unicodeScalars.append(contentsOf: text.unicodeScalars.prefix(limit))
  return short + "…"
}

func excerpt(_ bytes: UnsafeRawBufferPointer, limit: Int = 256) -> String {
  guard bytes.count > limit else { return String(decoding: bytes, as: UTF8.self) }
  return String(decoding: UnsafeRawBufferPointer(rebasing: bytes[..<limit]), as: UTF8.self) + "…"
}
