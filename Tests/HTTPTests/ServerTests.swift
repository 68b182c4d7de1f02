import Bytes
import Foundation
import Testing

@testable import HTTP

private let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

@Test func unixSocketsAreServed() throws {
  let path = NSTemporaryDirectory() + "swerve-http-\(getpid()).sock"
  try withServer(
    echo, configure: { $0.listeners = [.unix(path: path, mode: 0o600)] },
    run: { server, _ in
      #expect(server.port == nil)
      #expect(server.addresses.map(\.description) == ["unix:\(path)"])
      #expect(try Client.exchangeOnce(path: path, "GET", "/x").text == "GET /x  0\n")
      let permissions = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
      #expect(permissions == 0o600)
      #expect(throws: HTTPServerError.self) { try server.start() }
      var configuration = ServerConfiguration(listeners: [.unix(path: path)])
      configuration.loopCount = 1
      let second = HTTPServer(configuration: configuration, handler: ClosureHandler(handleAction: echo))
      #expect { try second.start() } throws: { "\($0)".contains("\(path): Address already in use") }
      #expect(
        try Client.exchangeOnce(path: path, "GET", "/y").status == 200, "the first server keeps its socket")
    })
  #expect(!FileManager.default.fileExists(atPath: path), "the file is removed at the end")
}

@Test func aLeftOverUnixSocketIsReplaced() throws {
  let path = NSTemporaryDirectory() + "swerve-http-stale-\(getpid()).sock"
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
  let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
  let bound = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(stale, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
  close(stale)
  #expect(bound == 0)
  try withServer(
    echo, configure: { $0.listeners = [.unix(path: path)] },
    run: { _, _ in
      let response = try Client(path: path).exchange("GET", "/x")
      #expect(response.status == 200)
    })
}

@Test func ipv6IsServed() throws {
  try withServer(
    { exchange in
      let address = exchange.remoteAddress
      exchange.respond(status: 200) { $0.append(address) }
    }, configure: { $0.listeners = [.tcp(host: "::1", port: 0)] },
    run: { server, port in
      #expect(server.addresses.map(\.description) == ["[::1]:\(port)"])
      let response = try Client(port: port, family: AF_INET6).exchange("GET", "/")
      #expect(response.text.hasPrefix("[::1]:"))
    })
}

@Test func theUnspecifiedAddressServesBothFamilies() throws {
  try withServer(
    echo, configure: { $0.listeners = [.tcp(host: "::", port: 0)] },
    run: { _, port in
      let overIPv6 = try Client(port: port, family: AF_INET6).exchange("GET", "/")
      #expect(overIPv6.status == 200)
      #expect(try Client.exchangeOnce(port: port, "GET", "/").status == 200)
    })
}

@Test func aPortInUseIsAnErrorThatNamesIt() throws {
  try withServer(echo) { _, port in
    var configuration = ServerConfiguration(listeners: [.tcp(host: "127.0.0.1", port: port)])
    configuration.loopCount = 2
    let second = HTTPServer(configuration: configuration, handler: ClosureHandler(handleAction: echo))
    #expect { try second.start() } throws: { error in
      "\(error)" == "cannot listen on 127.0.0.1:\(port): Address already in use; "
        + "another program listens there: stop it, or choose another address"
    }
  }
}

@Test(arguments: [("256.1.1.1", 0), ("127.0.0.1", 65_536), ("127.0.0.1", -1), ("203.0.113.1", 0)])
func anAddressThatCannotBeIsAnError(host: String, port: Int) {
  let configuration = ServerConfiguration(listeners: [.tcp(host: host, port: port)])
  let server = HTTPServer(configuration: configuration, handler: ClosureHandler(handleAction: echo))
  #expect { try server.start() } throws: { "\($0)".hasPrefix("cannot listen on \(host):\(port): ") }
}

@Test func connectionsAreSpreadOverLoops() throws {
  let first = Tally()
  nonisolated(unsafe) weak var firstLoop: EventLoop?
  try withServer(
    { exchange in
      if exchange.loop === firstLoop { first.add() }
      echo(exchange)
    },
    run: { server, port in
      firstLoop = server.loops[0]
      let clients = try (0..<40).map { _ in try Client(port: port) }
      for client in clients { #expect(try client.exchange("GET", "/").status == 200) }
      #expect(first.value > 10 && first.value < 30, "\(first.value) of 40 connections are on the first loop")
    })
}

@Test func actionsRunInOrderAndCoalesce() throws {
  try withServer(echo) { server, _ in
    let loop = server.loops[0]
    // Confined to the loop.
    nonisolated(unsafe) var seen: [Int] = []
    let done = Tally()
    for index in 0..<10_000 { loop.run { seen.append(index) } }
    loop.run {
      #expect(loop.isCurrent)
      loop.run { done.add() }
      #expect(done.value == 0, "an action posted on the loop runs after the current one")
    }
    try waitUntil { done.value == 1 }
    #expect(seen == Array(0..<10_000))
    #expect(!loop.isCurrent)
  }
}

@Test func drainingClosesIdleConnectionsAndFinishesOthers() throws {
  let held = Held()
  try withServer(
    { exchange in
      if exchange.path == "/hold" { held.add(exchange) } else { echo(exchange) }
    },
    run: { server, port in
      let idle = try Client(port: port)
      #expect(try idle.exchange("GET", "/").headers["connection"] == nil)
      let busy = try Client(port: port)
      try busy.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n")
      let exchange = try held.take()
      server.beginDrain()
      #expect(try idle.isAtEnd())
      answer(exchange, "held")
      let last = try busy.takeResponse()
      #expect(last.text == "held")
      #expect(last.headers["connection"] == "close")
      #expect(try busy.isAtEnd())
      let late = try Client(port: port).exchange("GET", "/late")
      #expect(late.text == "GET /late  0\n")
      #expect(late.headers["connection"] == "close")
    })
}

@Test func stoppingWaitsForOpenRequests() throws {
  let held = Held()
  try withServer(
    { held.add($0) },
    run: { server, port in
      let client = try Client(port: port)
      try client.send(request)
      let exchange = try held.take()
      server.stop(grace: milliseconds(60_000))
      try waitUntil { (try? Client(port: port)) == nil }
      answer(exchange, "last")
      #expect(try client.takeResponse().text == "last")
      server.join()
      #expect(server.connectionCount == 0)
    })
}

@Test func stoppingAbandonsRequestsAfterItsGrace() throws {
  let held = Held()
  let abandoned = Tally()
  try withServer(
    { exchange in
      exchange.onAbandon = { abandoned.add() }
      held.add(exchange)
    },
    run: { server, port in
      let client = try Client(port: port)
      try client.send(request)
      let exchange = try held.take()
      server.stop(grace: milliseconds(100))
      server.join()
      #expect(abandoned.value == 1)
      #expect(exchange.isAbandoned)
    })
}

@Test func stopAcceptingKeepsOpenConnections() throws {
  try withServer(echo) { server, port in
    let client = try Client(port: port)
    #expect(try client.exchange("GET", "/").status == 200)
    server.stopAccepting()
    try waitUntil { (try? Client(port: port)) == nil }
    #expect(try client.exchange("GET", "/").headers["connection"] == nil)
  }
}

@Test func signalsReachTheLoop() throws {
  let caught = Tally()
  try withServer(echo) { server, _ in
    server.onSignal([SIGUSR1, SIGUSR2]) { number in caught.add(number == SIGUSR1 ? 1 : 100) }
    let watched = Tally()
    server.loops[0].run { watched.add() }
    try waitUntil { watched.value == 1 }
    kill(getpid(), SIGUSR1)
    try waitUntil { caught.value == 1 }
    kill(getpid(), SIGUSR2)
    try waitUntil { caught.value == 101 }
  }
}

@Test func answersAreReported() throws {
  let bytes = Tally()
  let opened = Tally()
  let closed = Tally()
  var events = ServerEvents()
  events.connectionOpened = { opened.add() }
  events.connectionClosed = { closed.add() }
  events.answered = { answer, _ in
    #expect(answer.method == .post)
    #expect(answer.status == 200)
    #expect(answer.responseBytes > answer.requestBytes)
    #expect(answer.startedAt > 0)
    bytes.add(answer.requestBytes)
  }
  try withServer(echo, events: events) { _, port in
    let client = try Client(port: port)
    _ = try client.exchange("POST", "/", body: Array(repeating: 1, count: 7))
    _ = try client.exchange("POST", "/", body: Array(repeating: 1, count: 30_000))
    client.close()
    try waitUntil { closed.value == 1 }
    #expect(bytes.value == 30_007)
    #expect(opened.value == 1)
  }
}

@Test func datesAreWritten() {
  let output = ByteBuffer()
  HTTPDate.append(output, secondsSince1970: 784_111_777)
  #expect(String(decoding: output.bytes, as: UTF8.self) == "Sun, 06 Nov 1994 08:49:37 GMT")
}
