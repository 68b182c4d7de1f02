import Foundation
import Testing

/// The message of `{"error": "…"}`.
func errorMessage(_ body: [UInt8]) -> String? {
  let object = try? JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
  return object?.count == 1 ? object?["error"] as? String : nil
}

func withoutSpace(_ text: String) -> String { text.filter { !$0.isWhitespace } }

func check(_ transcript: Transcript, on server: TestServer) throws {
  let answer = try server.ask(
    transcript.method, transcript.path, headers: transcript.headers, body: transcript.requestBody)
  #expect(answer.status == transcript.status, "\(answer.text)")
  switch transcript.expected {
  case .body(let text): #expect(withoutSpace(answer.text) == withoutSpace(text))
  case .part(let text):
    #expect(withoutSpace(answer.text).contains(withoutSpace(text)), "\(answer.text)")
  case .error(let words):
    let message = try #require(errorMessage(answer.body), "\(answer.text)")
    #expect(message.hasPrefix(words), "\(message)")
  }
  for header in transcript.answerHeaders { #expect(answer.headers.contains(header), "\(answer.headers)") }
}
