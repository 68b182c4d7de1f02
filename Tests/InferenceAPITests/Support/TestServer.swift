import Foundation
import HTTP
import Synchronization
import Telemetry

@testable import InferenceAPI

/// The service behind a real HTTP server on a free port, and one connection at a time to it.
final class TestServer: Sendable {
  let metrics = Metrics()
  private let server: HTTPServer

  /// `bodyBytes`: the largest body it takes; `traceFile`: where traces go.
  init(
    _ catalog: any ModelCatalog, limits: APILimits = APILimits(), bodyBytes: Int = 1 << 20,
    repository: (any RepositoryControl)? = nil, access: AccessControl = AccessControl(),
    sharedMemory: SharedMemoryRegions? = nil, usesTritonStatusCodes: Bool = false,
    traceFile: String? = nil, maximumTraceBytes: Int = 1 << 20
  ) throws {
    let log = Log(level: .error, descriptor: -1)
    let service = InferenceService(
      catalog: catalog, metrics: metrics, log: log, limits: limits,
      identity: ServerIdentity(version: "1.2.3", startedAt: 1_700_000_000), openAPI: "openapi: 3.1.0\n",
      repository: repository, access: access, sharedMemory: sharedMemory,
      usesTritonStatusCodes: usesTritonStatusCodes,
      tracer: Tracer(path: traceFile, byteLimit: maximumTraceBytes, log: log))
    var configuration = ServerConfiguration(listeners: [.tcp(host: "127.0.0.1", port: 0)])
    configuration.loopCount = 2
    configuration.bodyBytes = bodyBytes
    server = HTTPServer(configuration: configuration, handler: service)
    try server.start()
  }

  func stop() {
    server.stop(grace: 1_000_000_000)
    server.join()
  }

  struct Answer {
    var status = 0
    var headers: [String] = []
    var body: [UInt8] = []

    var text: String { String(decoding: body, as: UTF8.self) }
  }

  struct Fault: Error { var what: String }

  func ask(_ method: String, _ path: String, headers: [String] = [], body: [UInt8] = []) throws -> Answer {
    let connection = try connect()
    defer { close(connection) }
    var request = "\(method) \(path) HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
    if method == "POST" { request += "Content-Length: \(body.count)\r\n" }
    for header in headers { request += header + "\r\n" }
    try TestServer.send(Array((request + "\r\n").utf8) + body, to: connection)
    return try TestServer.parse(TestServer.receive(from: connection))
  }

  func connect() throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var limit = timeval(tv_sec: 30, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(server.port ?? 0).bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw Fault(what: "connect: \(errno)") }
    return descriptor
  }

  static func send(_ bytes: [UInt8], to descriptor: Int32) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + sent, bytes.count - sent, 0x4000)
      }
      // A server that refuses early may have closed; its answer is still there to be read.
      guard count > 0 else { return }
      sent += count
    }
  }

  static func receive(from descriptor: Int32) throws -> [UInt8] {
    var all: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &block, block.count, 0)
      guard count > 0 else { return all }
      all += block[..<count]
    }
  }

  private static func parse(_ bytes: [UInt8]) throws -> Answer {
    guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: Array("\r\n\r\n".utf8)) }) else {
      throw Fault(what: "no answer: \(String(decoding: bytes, as: UTF8.self))")
    }
    let lines = String(decoding: bytes[..<end], as: UTF8.self).components(separatedBy: "\r\n")
    let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return Answer(status: status, headers: Array(lines.dropFirst()), body: Array(bytes[(end + 4)...]))
  }
}
