import ArgumentParser
import Glibc

/// Asks a running server for its health: the image's HEALTHCHECK, which has no curl.
struct Health: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Asks a running server whether it is ready (or alive).",
    discussion: """
      Exit code 0: the server answered 200. 1: it answered something else, or not at all. A server that speaks \
      TLS is asked on its Unix-domain socket, which stays plain: give both --unix-socket.
      """)

  @Option(help: "The server's address.")
  var host = "127.0.0.1"

  @Option(help: "The server's port; SWERVE_PORT or 8080 by default.")
  var port: Int?

  @Option(help: "The server's Unix-domain socket, asked instead of the port; SWERVE_UNIX_SOCKET by default.")
  var unixSocket: String?

  @Option(help: "What to ask for: /readyz or /livez.")
  var path = "/readyz"

  @Option(help: "Seconds to wait for the answer.")
  var timeoutSeconds = 2

  func run() throws {
    let place = try place(environment: EnvironmentArguments.current())
    let answer = try ask(place)
    let status = answer.split(separator: " ", maxSplits: 2).dropFirst().first ?? ""
    let body = answer.firstRange(of: "\r\n\r\n").map { String(answer[$0.upperBound...]) } ?? answer
    if status == "200" {
      Standard.output(body)
    } else {
      Standard.error("\(place)\(path) answered \(status): \(body)")
      throw ExitCode(1)
    }
  }

  /// Where a server listens for plain HTTP.
  private enum Place: CustomStringConvertible {
    case port(host: String, Int)
    case unixSocket(String)

    var description: String {
      switch self {
      case .port(let host, let port): "http://\(host):\(port)"
      case .unixSocket(let path): "unix:\(path)"
      }
    }
  }

  private func place(environment: [String: String]) throws -> Place {
    if let unixSocket { return .unixSocket(unixSocket) }
    if port == nil, let path = environment["SWERVE_UNIX_SOCKET"] { return .unixSocket(path) }
    if port == nil, environment["SWERVE_TLS_CERTIFICATE"] != nil {
      throw Refusal(
        "the server's port speaks TLS, as SWERVE_TLS_CERTIFICATE says; set SWERVE_UNIX_SOCKET, for server and "
          + "health alike, and its plain socket is asked")
    }
    return .port(host: host, port ?? environment["SWERVE_PORT"].flatMap { Int($0) } ?? 8080)
  }

  private func ask(_ place: Place) throws -> String {
    let descriptor: Int32
    switch place {
    case .port(let host, let port): descriptor = try connect(host: host, port: port)
    case .unixSocket(let path): descriptor = try connect(path: path)
    }
    defer { close(descriptor) }
    let request = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n"
    guard send(descriptor, request, request.utf8.count, Int32(MSG_NOSIGNAL)) == request.utf8.count
    else {
      throw Refusal("\(place) took no request: \(String(cString: strerror(errno)))")
    }
    var answer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while answer.count < 1 << 20 {
      let count = recv(descriptor, &piece, piece.count, 0)
      guard count > 0 else { break }
      answer += piece[..<count]
    }
    guard !answer.isEmpty else { throw Refusal("\(place) gave no answer within \(timeoutSeconds) s") }
    return String(decoding: answer, as: UTF8.self)
  }

  private func connect(path: String) throws -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      throw Refusal("--unix-socket \(path): expected a path of at most 107 bytes, got \(bytes.count)")
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    limitWaiting(descriptor)
    let outcome = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard outcome == 0 else { throw refusal(descriptor, at: "unix:\(path)") }
    return descriptor
  }

  private func limitWaiting(_ descriptor: Int32) {
    var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  /// Closes what did not connect; says why it did not.
  private func refusal(_ descriptor: Int32, at place: String) -> Refusal {
    let reason = String(cString: strerror(errno))
    close(descriptor)
    return Refusal("nothing answers at \(place): \(reason)")
  }

  private func connect(host: String, port: Int) throws -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, String(port), &hints, &list) == 0, let address = list else {
      throw Refusal("\(host) is not an address that can be found")
    }
    defer { freeaddrinfo(list) }
    let descriptor = socket(
      address.pointee.ai_family, address.pointee.ai_socktype, address.pointee.ai_protocol)
    limitWaiting(descriptor)
    guard Glibc.connect(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 else {
      throw refusal(descriptor, at: "\(host):\(port)")
    }
    return descriptor
  }
}
