import Foundation

/// A request of a transcript file, and what its answer must be. Fixtures/transcripts/README.md has the format.
struct FileTranscript: CustomStringConvertible {
  enum Expected {
    /// The body is this JSON document, with these bytes after it.
    case document(String, bytes: Data)
    /// The body is `{"error": …}` and begins so.
    case error(String)
    case part(String)
  }

  struct Fault: Error, CustomStringConvertible { let description: String }

  var place: String
  var method = ""
  var path = ""
  var headers: [(String, String)] = []
  var body = Data()
  var textLength = 0
  var status = 0
  var answerHeaders: [(String, String)] = []
  var expected: [Expected] = []

  var description: String { "\(place): \(method) \(path)" }

  static func read(_ file: URL) throws -> [FileTranscript] {
    var found: [FileTranscript] = []
    for (index, line) in try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
      .enumerated()
    {
      guard !line.isEmpty, !line.hasPrefix("#") else { continue }
      let mark = String(line.prefix { $0 != " " })
      let rest = String(line.dropFirst(mark.count + 1))
      let place = "\(file.lastPathComponent):\(index + 1)"
      // A request follows an answer, or begins the file.
      if mark == ">", found.last.map({ $0.status != 0 }) ?? true {
        found.append(FileTranscript(place: place))
      }
      guard !found.isEmpty else { throw Fault(description: "\(place): expected a request") }
      try found[found.count - 1].take(mark, rest, place)
    }
    return found
  }

  private mutating func take(_ mark: String, _ rest: String, _ place: String) throws {
    switch mark {
    case ">" where method.isEmpty:
      let words = rest.components(separatedBy: " ")
      (method, path) = (words[0], words[1])
    case ">": headers.append(try Self.field(rest, place))
    case "+":
      body += Data(rest.utf8)
      textLength += rest.utf8.count
    case "+x": body += try Self.bytes(rest, place)
    case "<" where status == 0: status = Int(rest) ?? 0
    case "<": answerHeaders.append(try Self.field(rest, place))
    case "=": expected.append(.document(rest, bytes: Data()))
    case "=x":
      guard case .document(let text, let bytes)? = expected.popLast() else {
        throw Fault(description: "\(place): bytes follow a document")
      }
      expected.append(.document(text, bytes: bytes + (try Self.bytes(rest, place))))
    case "^": expected.append(.error(rest))
    case "~": expected.append(.part(rest))
    default: throw Fault(description: "\(place): '\(mark)' begins no line")
    }
  }

  private static func field(_ text: String, _ place: String) throws -> (String, String) {
    guard let colon = text.firstIndex(of: ":") else { throw Fault(description: "\(place): no header field") }
    return (String(text[..<colon]), text[text.index(after: colon)...].trimmingCharacters(in: .whitespaces))
  }

  private static func bytes(_ text: String, _ place: String) throws -> Data {
    Data(
      try text.split(separator: " ").map {
        guard let byte = UInt8($0, radix: 16) else {
          throw Fault(description: "\(place): '\($0)' is no byte")
        }
        return byte
      })
  }

  /// The header fields as they are sent.
  var sentHeaders: [(String, String)] {
    headers.map { ($0.0, $0.1 == "auto" ? String(textLength) : $0.1) }
  }
}
