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

  /// Answers with a document.
  func respond(status: Int = 200, _ document: JSONValue) {
    respond(status: status) { document.write(to: $0) }
  }
}
