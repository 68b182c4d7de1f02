import Foundation

/// A response as a client sees it.
struct Response: Equatable {
  var status: Int
  /// Names in lower case; the values of fields with the same name joined.
  var headers: [String: String]
  var body: [UInt8]

  var text: String { String(decoding: body, as: UTF8.self) }
}

struct ClientError: Error, CustomStringConvertible {
  let description: String
}

/// A blocking socket that speaks whatever a test wants. Waits 10 s for anything, so that a server that hangs
/// fails the test.
///
/// Unchecked: one thread may send while another receives; only the latter touches `buffer`.
final class Client: @unchecked Sendable {
  private var descriptor: Int32
  private var buffer: [UInt8] = []
  private(set) var tls: TLSClientStream?

  /// Connects to a port of the loopback address.
  init(port: Int, family: Int32 = AF_INET, receiveBuffer: Int32? = nil, tls: TLSClientOptions? = nil) throws {
    descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
    configure(receiveBuffer)
    var connected: Int32
    if family == AF_INET {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = in_port_t(UInt16(port)).bigEndian
      address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
      connected = withAddress(&address) { connect(descriptor, $0, $1) }
    } else {
      var address = sockaddr_in6()
      address.sin6_family = sa_family_t(AF_INET6)
      address.sin6_port = in_port_t(UInt16(port)).bigEndian
      address.sin6_addr = in6addr_loopback
      connected = withAddress(&address) { connect(descriptor, $0, $1) }
    }
    guard connected == 0 else { throw ClientError(description: "connect: errno \(errno)") }
    if let tls { self.tls = try TLSClientStream(descriptor, tls) }
  }

  /// Connects to a Unix-domain socket.
  init(path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    configure(nil)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    guard withAddress(&address, { connect(descriptor, $0, $1) }) == 0 else {
      throw ClientError(description: "connect: errno \(errno)")
    }
  }

  deinit { close() }

  private func configure(_ receiveBuffer: Int32?) {
    var wait = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    guard var size = receiveBuffer else { return }
    setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
  }

  private func withAddress<Address>(
    _ address: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    let length = socklen_t(MemoryLayout<Address>.size)
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }

  func close() {
    if descriptor >= 0 { _ = Glibc.close(descriptor) }
    descriptor = -1
  }

  /// Closes with a reset, as a process that crashed or a proxy does.
  func reset() {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout.size(ofValue: linger)))
    close()
  }

  func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes {
        tls?.send($0) ?? Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw ClientError(description: "send: errno \(errno)") }
      sent += count
    }
  }

  /// Sends bytes past the TLS that may be spoken.
  func sendRaw(_ bytes: [UInt8]) throws {
    guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
      throw ClientError(description: "send: errno \(errno)")
    }
  }

  /// Reads more; false at the end of what the server sends.
  private func receive() throws -> Bool {
    var piece = [UInt8](repeating: 0, count: 65_536)
    let count =
      if let tls { try tls.receive(&piece) } else { recv(descriptor, &piece, piece.count, 0) }
    guard count >= 0 else {
      throw ClientError(description: "recv: errno \(errno), after \(buffer.count) bytes")
    }
    buffer += piece[..<count]
    return count > 0
  }

  /// Takes `count` bytes.
  func take(_ count: Int) throws -> [UInt8] {
    while buffer.count < count {
      guard try receive() else {
        throw ClientError(description: "the server closed in the middle of an answer")
      }
    }
    defer { buffer.removeFirst(count) }
    return Array(buffer[..<count])
  }

  /// Takes a line without CR LF.
  func takeLine() throws -> String {
    var searched = 0
    while true {
      if let end = buffer[searched...].firstIndex(of: 10) {
        let line = try take(end + 1)
        guard line.count > 1, line[line.count - 2] == 13 else {
          throw ClientError(description: "a line without CR LF")
        }
        return String(decoding: line.dropLast(2), as: UTF8.self)
      }
      searched = buffer.count
      guard try receive() else { throw ClientError(description: "the server closed in the middle of a line") }
    }
  }

  /// Everything up to the end of what the server sends.
  func takeRest() throws -> [UInt8] {
    while try receive() {}
    defer { buffer = [] }
    return buffer
  }

  /// Whether the server has closed, nothing more having come.
  func isAtEnd() throws -> Bool {
    if !buffer.isEmpty { return false }
    return try !receive()
  }

  /// Takes the status line and the headers.
  func takeHead() throws -> Response {
    let status = try takeLine().split(separator: " ")
    guard status.count >= 2, status[0] == "HTTP/1.1", let code = Int(status[1]) else {
      throw ClientError(description: "not a status line: \(status)")
    }
    var response = Response(status: code, headers: [:], body: [])
    while true {
      let line = try takeLine()
      if line.isEmpty { return response }
      let parts = line.split(separator: ":", maxSplits: 1)
      let name = parts[0].lowercased()
      let value = parts[1].trimmingCharacters(in: .whitespaces)
      response.headers[name] = response.headers[name].map { $0 + ", " + value } ?? value
    }
  }

  /// Takes a whole response. That to HEAD has no body.
  func takeResponse(toHead: Bool = false) throws -> Response {
    var response = try takeHead()
    if toHead || response.status == 204 || response.status == 100 { return response }
    if response.headers["transfer-encoding"] == "chunked" {
      while let chunk = try takeChunk() { response.body += chunk }
    } else if let length = response.headers["content-length"].flatMap(Int.init) {
      response.body = try take(length)
    } else {
      response.body = try takeRest()
    }
    return response
  }

  /// Takes a chunk; nil at the end of the body.
  func takeChunk() throws -> [UInt8]? {
    guard let size = Int(try takeLine(), radix: 16) else {
      throw ClientError(description: "not a chunk size")
    }
    let chunk = try take(size)
    guard try takeLine().isEmpty else { throw ClientError(description: "no CR LF after a chunk") }
    return size > 0 ? chunk : nil
  }

  /// Sends a request and takes its response.
  func exchange(_ method: String, _ path: String, _ headers: [String] = [], body: [UInt8]? = nil) throws
    -> Response
  {
    var head = "\(method) \(path) HTTP/1.1\r\nHost: localhost\r\n" + headers.map { $0 + "\r\n" }.joined()
    if let body { head += "Content-Length: \(body.count)\r\n" }
    try send(Array((head + "\r\n").utf8) + (body ?? []))
    return try takeResponse(toHead: method == "HEAD")
  }
}

extension Client {
  /// Sends a request on a connection of its own.
  static func exchangeOnce(
    port: Int, family: Int32 = AF_INET, _ method: String, _ path: String, _ headers: [String] = [],
    body: [UInt8]? = nil
  ) throws -> Response {
    try Client(port: port, family: family).exchange(method, path, headers, body: body)
  }

  /// Sends a request on a connection of its own to a Unix-domain socket.
  static func exchangeOnce(path socket: String, _ method: String, _ path: String) throws -> Response {
    try Client(path: socket).exchange(method, path)
  }

  /// What the server says to a new connection by itself.
  static func takeResponseOnce(port: Int) throws -> Response { try Client(port: port).takeResponse() }
}
