import COpenSSL
import Foundation
import HTTP
import TestSupport
import Testing

@Suite(
  .enabled(if: Certificates.canBeMade, "the openssl command, which makes the certificates, is not installed"))
struct TLSTests {
  @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
  func requestsAreAnsweredOverTLS(version: Int32) throws {
    try withTLSServer { _, port, certificates in
      let client = try Client(
        port: port, tls: .init(authority: certificates.authority, onlyVersion: version))
      #expect(try client.exchange("GET", "/a?b").text == "GET /a b 0\n")
      #expect(try client.exchange("POST", "/", body: Array("hello".utf8)).text == "POST /  5\nhello")
      #expect(client.tls?.version == (version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3"))
    }
  }

  @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
  func largeBodiesGoBothWays(version: Int32) throws {
    try withTLSServer { _, port, certificates in
      let client = try Client(
        port: port, receiveBuffer: 8_192,
        tls: .init(authority: certificates.authority, onlyVersion: version))
      var generator = SeededGenerator("largeBodiesGoBothWays")
      let body = (0..<3_000_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
      for _ in 0..<2 {
        let answer = try client.exchange("POST", "/", body: body)
        #expect(answer.status == 200)
        #expect(answer.body == Array("POST /  3000000\n".utf8) + body)
      }
    }
  }

  @Test func chunkedBodiesAndRequestsSentAheadAreAnsweredInOrder() throws {
    try withTLSServer { _, port, certificates in
      let client = try Client(port: port, tls: .init(authority: certificates.authority))
      var text = (0..<50).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined()
      text += "POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
      try client.send(text)
      for index in 0..<50 { #expect(try client.takeResponse().text == "GET /\(index)  0\n") }
      #expect(try client.takeResponse().text == "POST /chunks  3\nabc")
    }
  }

  @Test func aBodyInOneByteRecordsIsRead() throws {
    try withTLSServer { _, port, certificates in
      let client = try Client(port: port, tls: .init(authority: certificates.authority))
      for byte in "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc".utf8 {
        try client.send([byte])
      }
      #expect(try client.takeResponse().text == "POST /  3\nabc")
    }
  }

  @Test func theLastAnswerEndsWithACloseNotify() throws {
    try withTLSServer { server, port, certificates in
      let client = try Client(port: port, tls: .init(authority: certificates.authority))
      try client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      #expect(try client.takeResponse().status == 200)
      #expect(try client.isAtEnd(), "an end without close_notify throws")
      client.close()
      let refused = try Client(port: port, tls: .init(authority: certificates.authority))
      try refused.send("GET / HTTP/1.1\r\nHost : a\r\n\r\n")
      #expect(try refused.takeResponse().status == 400)
      #expect(try refused.isAtEnd())
      refused.close()
      try waitUntil { server.connectionCount == 0 }
    }
  }

  @Test func ofTheOfferedProtocolsOnlyHTTP11IsAgreedOn() throws {
    try withTLSServer { _, port, certificates in
      func client(_ protocols: [String]) throws -> Client {
        try Client(port: port, tls: .init(authority: certificates.authority, protocols: protocols))
      }
      let both = try client(["h2", "http/1.1"])
      #expect(both.tls?.agreedProtocol == "http/1.1")
      let silent = try client([])
      #expect(silent.tls?.agreedProtocol == "")
      #expect(throws: ClientError.self) { try client(["h2"]) }
    }
  }

  @Test func renegotiationIsRefused() throws {
    try withTLSServer { _, port, certificates in
      let client = try Client(
        port: port, tls: .init(authority: certificates.authority, onlyVersion: TLS1_2_VERSION))
      #expect(try client.exchange("GET", "/").status == 200)
      #expect(client.tls?.renegotiates() == false)
    }
  }

  @Test func olderVersionsThanTheLeastAreRefused() throws {
    try withTLSServer(
      configure: { $0.tls?.minimumVersion = .tls13 },
      run: { _, port, certificates in
        #expect(throws: ClientError.self) {
          try Client(port: port, tls: .init(authority: certificates.authority, onlyVersion: TLS1_2_VERSION))
        }
        let client = try Client(port: port, tls: .init(authority: certificates.authority))
        #expect(try client.exchange("GET", "/").status == 200)
      })
  }

  @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
  func onlyClientsWithACertificateOfTheAuthorityGetIn(version: Int32) throws {
    try withTLSServer(verifiesClients: true) { server, port, certificates in
      func ask(_ pair: Certificates.Pair?) throws -> Int {
        let options = TLSClientOptions(
          authority: certificates.authority, certificate: pair?.certificate, key: pair?.key,
          onlyVersion: version)
        return try Client(port: port, tls: options).exchange("GET", "/").status
      }
      #expect(try ask(certificates.issue("client")) == 200)
      #expect(throws: ClientError.self) { try ask(nil) }
      let stranger = try Certificates()
      #expect(throws: ClientError.self) { try ask(stranger.issue("stranger")) }
      try waitUntil { server.connectionCount == 0 }
    }
  }

  @Test func aPlainRequestIsToldToUseTLS() throws {
    try withTLSServer { server, port, _ in
      let client = try Client(port: port)
      let answer = try client.exchange("GET", "/")
      #expect(answer.status == 400)
      #expect(answer.text.contains("https://"))
      #expect(try client.isAtEnd())
      try waitUntil { server.connectionCount == 0 }
    }
  }

  @Test func theUnixSocketStaysPlain() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/plain.sock"
    try withTLSServer(
      configure: { $0.listeners.append(.unix(path: path)) },
      run: { _, _, _ in
        let answer = try Client.exchangeOnce(path: path, "GET", "/")
        #expect(answer.status == 200)
      })
  }

  @Test func aConnectionTooManyIsClosedBeforeItsHandshake() throws {
    try withTLSServer(
      configure: { $0.connections = 1 },
      run: { _, port, certificates in
        let first = try Client(port: port, tls: .init(authority: certificates.authority))
        #expect(try first.exchange("GET", "/").status == 200)
        #expect(throws: ClientError.self) {
          try Client(port: port, tls: .init(authority: certificates.authority))
        }
        #expect(try first.exchange("GET", "/").status == 200)
      })
  }

  @Test(.enabled(if: (try? Command(["curl", "--version"]).status) == 0, "curl is not installed"))
  func curlIsServed() throws {
    try withTLSServer { _, port, certificates in
      let run = try Command([
        "curl", "-sS", "--max-time", "20", "--cacert", certificates.authority, "--data-binary", "hello",
        "https://localhost:\(port)/x", "https://localhost:\(port)/y", "-w", "|%{http_code}|%{num_connects}\n",
      ])
      #expect(run.status == 0, "\(run.error)")
      #expect(run.output == "POST /x  5\nhello|200|1\nPOST /y  5\nhello|200|0\n")
    }
  }
}
