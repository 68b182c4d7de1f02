import ArgumentParser
import Glibc

/// Asks a running server for its health: the image's HEALTHCHECK, which has no curl.
struct Health: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Asks a running server whether it is ready (or alive).",
    discussion: "Exit code 0: the server answered 200. 1: it answered something else, or not at all.")

  @Option(help: "The server's address.")
  var host = "127.0.0.1"

  @Option(help: "The server's port; SWERVE_PORT or 8080 by default.")
  var port: Int?

  @Option(help: "What to ask for: /readyz or /livez.")
  var path = "/readyz"

  @Option(help: "Seconds to wait for the answer.")
  var timeoutSeconds = 2

  func run() throws {
    let port = port ?? EnvironmentArguments.current()["SWERVE_PORT"].flatMap { Int($0) } ?? 8080
    let answer = try ask(port: port)
    let status = answer.split(separator: " ", maxSplits: 2).dropFirst().first ?? ""
    let body = answer.firstRange(of: "\r\n\r\n").map { String(answer[$0.upperBound...]) } ?? answer
    if status == "200" {
      Standard.output(body)
    } else {
      Standard.error("http://\(host):\(port)\(path) answered \(status): \(body)")
      throw ExitCode(1)
    }
  }

  private func ask(port: Int) throws -> String {
    let descriptor = try connect(port: port)
    defer { close(descriptor) }
    let request = "GET \(path) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n"
    guard send(descriptor, request, request.utf8.count, Int32(MSG_NOSIGNAL)) == request.utf8.count
    else {
      throw Refusal("\(host):\(port) took no request: \(String(cString: strerror(errno)))")
    }
    var answer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while answer.count < 1 << 20 {
      let count = recv(descriptor, &piece, piece.count, 0)
      guard count > 0 else { break }
      answer += piece[..<count]
    }
    guard !answer.isEmpty else { throw Refusal("\(host):\(port) gave no answer within \(timeoutSeconds) s") }
    return String(decoding: answer, as: UTF8.self)
  }

  private func connect(port: Int) throws -> Int32 {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(host, String(port), &hints, &list) == 0, let address = list else {
      throw Refusal("\(host) is not an address that can be found")
    }
    defer { freeaddrinfo(list) }
    let descriptor = socket(
      address.pointee.ai_family, address.pointee.ai_socktype, address.pointee.ai_protocol)
    var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    guard Glibc.connect(descriptor, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 else {
      let reason = String(cString: strerror(errno))
      close(descriptor)
      throw Refusal("nothing answers at \(host):\(port): \(reason)")
    }
    return descriptor
  }
}
