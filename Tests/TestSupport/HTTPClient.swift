public import Foundation

/// A response as it came over the wire.
public struct HTTPResponse: Sendable {
  public var status: Int
  /// Names in lower case.
  public var headers: [String: String]
  public var body: Data

  public var text: String { String(decoding: body, as: UTF8.self) }

  /// The body as JSON.
  public var json: Any? { try? JSONSerialization.jsonObject(with: body, options: .fragmentsAllowed) }

  /// The body as a JSON object; empty if it is none.
  public var object: [String: Any] { json as? [String: Any] ?? [:] }

  /// The `error` member of the body.
  public var errorMessage: String { object["error"] as? String ?? "" }
}

/// A plain blocking HTTP/1.1 client over one connection: it sends what it is told to, right or wrong.
public final class HTTPClient {
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  private let descriptor: Int32
  private var buffer: [UInt8] = []

  /// Connects to a port of this machine. Reads give up after `timeoutSeconds`.
  public init(port: Int, timeoutSeconds: Int = 30) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if result != 0 {
      let reason = String(cString: strerror(errno))
      close(descriptor)
      throw Failure(description: "cannot connect to port \(port): \(reason)")
    }
  }

  deinit { close(descriptor) }

  /// Sends bytes as they are. False once the server has closed.
  @discardableResult public func send(_ data: Data) -> Bool {
    data.withUnsafeBytes { bytes in
      var sent = 0
      while sent < bytes.count {
        let count = Foundation.send(
          descriptor, bytes.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
        if count <= 0 { return false }
        sent += count
      }
      return true
    }
  }

  @discardableResult public func send(_ text: String) -> Bool { send(Data(text.utf8)) }

  /// Sends a request and reads its response.
  public func request(
    _ method: String, _ path: String, headers: [(String, String)] = [], body: Data? = nil
  ) throws -> HTTPResponse {
    var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n"
    for (name, value) in headers { head += "\(name): \(value)\r\n" }
    if let body { head += "Content-Length: \(body.count)\r\n" }
    send(Data((head + "\r\n").utf8) + (body ?? Data()))
    return try response(to: method)
  }

  public func post(_ path: String, _ body: String, headers: [(String, String)] = []) throws -> HTTPResponse {
    try request("POST", path, headers: headers, body: Data(body.utf8))
  }

  public func get(_ path: String) throws -> HTTPResponse { try request("GET", path) }

  /// Reads the next response, past any 100.
  public func response(to method: String = "GET") throws -> HTTPResponse {
    let lines = try head().components(separatedBy: "\r\n")
    let status = Int(lines[0].split(separator: " ").dropFirst().first ?? "") ?? 0
    if status == 100 { return try response(to: method) }
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { continue }
      let (name, value) = (parts[0].lowercased(), parts[1].trimmingCharacters(in: .whitespaces))
      headers[name] = headers[name].map { "\($0), \(value)" } ?? value
    }
    let hasBody = method != "HEAD" && status != 204 && status != 304
    return HTTPResponse(status: status, headers: headers, body: hasBody ? try body(headers) : Data())
  }

  private func body(_ headers: [String: String]) throws -> Data {
    if headers["transfer-encoding"] == "chunked" { return try chunks() }
    if let count = headers["content-length"].flatMap({ Int($0) }) { return Data(try take(count)) }
    while receive() {}
    defer { buffer = [] }
    return Data(buffer)
  }

  private func chunks() throws -> Data {
    var whole = Data()
    while true {
      let line = try self.line()
      guard let count = Int(line, radix: 16) else { throw Failure(description: "bad chunk size '\(line)'") }
      whole += try take(count)
      _ = try take(2)
      if count == 0 { return whole }
    }
  }

  private func line() throws -> String {
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        let line = String(decoding: buffer[..<end], as: UTF8.self).trimmingCharacters(
          in: .whitespacesAndNewlines)
        buffer.removeFirst(end + 1)
        return line
      }
      guard receive() else { throw Failure(description: "closed within a line") }
    }
  }

  private func head() throws -> String {
    while true {
      let text = Data(buffer)
      if let end = text.range(of: Data("\r\n\r\n".utf8)) {
        buffer.removeFirst(end.upperBound)
        return String(decoding: text[..<end.lowerBound], as: UTF8.self)
      }
      guard receive() else {
        throw Failure(description: "closed after '\(String(decoding: text, as: UTF8.self))'")
      }
    }
  }

  private func take(_ count: Int) throws -> [UInt8] {
    while buffer.count < count {
      guard receive() else { throw Failure(description: "closed \(count - buffer.count) bytes early") }
    }
    defer { buffer.removeFirst(count) }
    return Array(buffer[..<count])
  }

  /// Whether the server has closed the connection; waits for it.
  public var isClosed: Bool {
    while receive() {}
    return errno != EAGAIN
  }

  private func receive() -> Bool {
    var piece = [UInt8](repeating: 0, count: 65_536)
    errno = 0
    let count = recv(descriptor, &piece, piece.count, 0)
    guard count > 0 else { return false }
    buffer += piece[..<count]
    return true
  }
}
