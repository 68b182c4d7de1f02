import Bytes
import Foundation
import HTTP
import TestSupport
import Testing

private let content = Array((0..<4_000).map { "\($0)," }.joined().utf8)

/// Answers with the length that the query says.
@Sendable private func digits(_ exchange: Exchange) {
  exchange.respond(status: 200, headers: [("Inference-Header-Content-Length", "17")]) {
    let count = Int(exchange.query) ?? content.count
    for byte in content.prefix(count) { $0.append(byte) }
  }
}

@Test(arguments: ["gzip", "x-gzip", "GZip", "deflate", "identity", "identity, gzip", ""])
func packedBodiesReachTheHandlerUnpacked(_ encoding: String) throws {
  try withServer(
    echo,
    run: { _, port in
      let client = try Client(port: port)
      for content in [Array("{}".utf8), content, [UInt8](repeating: 1, count: 300_000)] {
        let bodies =
          switch encoding.lowercased() {
          case "deflate": [Packed.zlib(content), Packed.raw(content)]
          case "identity", "": [content]
          default: [Packed.gzip(content)]
          }
        for body in bodies {
          let expected = Array("POST /a  \(content.count)\n".utf8) + content
          // Whole, in chunks, and on one connection: what is left of one would spoil the next.
          let whole = try client.exchange("POST", "/a", ["Content-Encoding: \(encoding)"], body: body)
          #expect(whole.status == 200)
          #expect(whole.body == expected)
          try client.send(
            "POST /a HTTP/1.1\r\nHost: a\r\nContent-Encoding: \(encoding)\r\nTransfer-Encoding: chunked\r\n\r\n"
          )
          for start in stride(from: 0, to: body.count, by: 20_000) {
            let part = body[start..<min(start + 20_000, body.count)]
            try client.send(Array("\(String(part.count, radix: 16))\r\n".utf8) + part + [13, 10])
          }
          try client.send("0\r\n\r\n")
          #expect(try client.takeResponse().body == expected)
        }
      }
    })
}

@Test(arguments: ["br", "gzip, deflate", "gzip,gzip", "gzip;q=1", "zstd, identity"])
func otherEncodingsAreRefusedWithThoseThatAreTaken(_ encoding: String) throws {
  try withServer(
    echo,
    run: { _, port in
      let response = try Client(port: port).exchange(
        "POST", "/", ["Content-Encoding: \(encoding)"], body: [1, 2, 3])
      #expect(response.status == 415)
      #expect(response.headers["accept-encoding"] == "gzip, deflate")
      #expect(response.text.contains("gzip, deflate or identity"))
    })
}

@Test func encodingsInSeveralFieldsCountAsSeveral() throws {
  try withServer(
    echo,
    run: { _, port in
      let fields = ["Content-Encoding: gzip", "Content-Encoding: deflate"]
      let refused = try Client(port: port).exchange("POST", "/", fields, body: [1])
      let empty = try Client(port: port).exchange("POST", "/", fields, body: [])
      #expect(refused.status == 415)
      #expect(empty.status == 200, "nothing is packed")
    })
}

@Test func aBodyThatDoesNotUnpackIsAnsweredAndTheConnectionGoesOn() throws {
  try withServer(
    echo,
    run: { _, port in
      let client = try Client(port: port)
      let corrupt = try client.exchange("POST", "/", ["Content-Encoding: gzip"], body: Array("{}".utf8))
      #expect(corrupt.status == 400)
      #expect(corrupt.text.contains("not valid gzip"))
      let cut = Array(Packed.zlib(content).dropLast(9))
      let truncated = try client.exchange("POST", "/", ["Content-Encoding: deflate"], body: cut)
      #expect(truncated.status == 400)
      #expect(truncated.text.contains("not valid deflate"))
      #expect(try client.exchange("GET", "/").status == 200)
    })
}

@Test func theLimitOfBodiesHoldsForUnpackedOnes() throws {
  let handled = Tally()
  try withServer(
    { exchange in
      handled.add()
      echo(exchange)
    },
    admit: { $0.path == "/more" ? .admitBody(upTo: 20_000) : .admit },
    configure: { $0.bodyBytes = 10_000 },
    run: { _, port in
      let client = try Client(port: port)
      let gzip = ["Content-Encoding: gzip"]
      let ask = { (path: String, count: Int) in
        try client.exchange("POST", path, gzip, body: Packed.gzip([UInt8](repeating: 0, count: count)))
      }
      #expect(try ask("/", 10_000).status == 200)
      let refused = try ask("/", 10_001)
      #expect(refused.status == 413)
      #expect(refused.text.contains("limit of 10000 bytes"))
      #expect(try ask("/more", 20_000).status == 200)
      #expect(try ask("/more", 20_001).status == 413)
      #expect(handled.value == 2)
    })
}

@Test func aPackedBodyIsAdmittedBeforeItIsUnpacked() throws {
  try withServer(
    echo, admit: { _ in .refuse(Refusal(status: 404, message: "no such model")) },
    run: { _, port in
      let response = try Client(port: port).exchange("POST", "/", ["Content-Encoding: gzip"], body: [1])
      #expect(response.status == 404)
    })
}

@Test(arguments: ["gzip", "deflate"]) func responsesArePackedForClientsThatAsk(_ coding: String) throws {
  try withServer(
    digits,
    run: { _, port in
      let client = try Client(port: port)
      for method in ["POST", "GET", "POST"] {
        let response = try client.exchange(method, "/", ["Accept-Encoding: \(coding)"])
        #expect(response.headers["content-encoding"] == coding)
        #expect(response.headers["vary"] == "Accept-Encoding")
        #expect(response.headers["inference-header-content-length"] == "17")
        #expect(response.body.count < content.count)
        #expect(try Packed.unpack(response.body, coding: coding) == content)
        let head = try client.exchange("HEAD", "/", ["Accept-Encoding: \(coding)"])
        #expect(head.headers["content-encoding"] == coding)
        #expect(head.headers["content-length"] == "\(response.body.count)")
      }
    })
}

@Test func responsesStayAsTheyAreForOthers() throws {
  try withServer(
    digits,
    run: { _, port in
      let client = try Client(port: port)
      for fields in [
        [], ["Accept-Encoding: br"], ["Accept-Encoding: gzip;q=0"], ["Accept-Encoding: identity"],
      ] {
        let response = try client.exchange("GET", "/", fields)
        #expect(response.headers["content-encoding"] == nil)
        #expect(response.headers["vary"] == "Accept-Encoding", "a cache must know that others get another")
        #expect(response.body == content)
      }
    })
}

@Test func onlyResponsesFromTheLeastSizeOnArePacked() throws {
  try withServer(
    digits, configure: { $0.compressMinBytes = 2_000 },
    run: { _, port in
      let client = try Client(port: port)
      let gzip = ["Accept-Encoding: gzip"]
      #expect(try client.exchange("GET", "/?1999", gzip).headers["content-encoding"] == nil)
      #expect(try client.exchange("GET", "/?2000", gzip).headers["content-encoding"] == "gzip")
    })
  try withServer(
    digits, configure: { $0.compressMinBytes = nil },
    run: { _, port in
      let response = try Client(port: port).exchange("GET", "/", ["Accept-Encoding: gzip"])
      #expect(response.body == content)
      #expect(response.headers["vary"] == nil)
    })
}

@Test func packedContentAndStreamsAreNotPacked() throws {
  try withServer(
    { exchange in
      switch exchange.path {
      case "/packed":
        exchange.respond(status: 200, headers: [("Content-Encoding", "br")]) {
          $0.append(String(repeating: "a", count: 9_000))
        }
      case "/image":
        exchange.respond(status: 200, contentType: "image/png") {
          $0.append(String(repeating: "a", count: 9_000))
        }
      default:
        exchange.beginStream(status: 200, contentType: "text/plain")
        _ = exchange.send { $0.append(String(repeating: "a", count: 9_000)) }
        exchange.endStream()
      }
    },
    run: { _, port in
      let client = try Client(port: port)
      for (path, coding) in [("/packed", "br"), ("/image", nil), ("/stream", nil)] as [(String, String?)] {
        let response = try client.exchange("GET", path, ["Accept-Encoding: gzip"])
        #expect(response.headers["content-encoding"] == coding)
        #expect(response.body.count == 9_000)
      }
    })
}
