import Bytes
import HTTP
import JSON

extension Exchange {
  /// Answers with a refusal: `{"error": "…"}`.
  func respond(_ failure: APIFailure) {
    respond(status: failure.status, headers: failure.headers) { buffer in
      buffer.append("{\"error\":")
      JSONWriter(buffer).write(failure.message)
      buffer.append("}")
    }
  }

  /// Answers that it is done, as Triton does where there is nothing to tell.
  func respondEmpty() { respond(status: 200) { _ in } }

  /// Answers with a document.
  func respond(status: Int = 200, _ document: JSONValue) {
    respond(status: status) { document.write(to: $0) }
  }
}
