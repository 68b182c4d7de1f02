import Bytes
import Foundation
import HTTP
import Testing

@Test func aConnectionServesManyRequests() throws {
  try withServer(echo) { server, port in
    let client = try Client(port: port)
    for index in 0..<50 {
      let response = try client.exchange("POST", "/a/\(index)?q=\(index)", body: Array("body \(index)".utf8))
      #expect(response.status == 200)
      #expect(response.text == "POST /a/\(index) q=\(index) \("body \(index)".utf8.count)\nbody \(index)")
      #expect(response.headers["connection"] == nil)
      #expect(response.headers["server"] == "swerve")
      #expect(response.headers["content-type"] == "text/plain")
      #expect(response.headers["date"]?.hasSuffix(" GMT") == true)
    }
    #expect(server.connectionCount == 1)
  }
}

@Test func pipelinedRequestsAreAnsweredInOrder() throws {
  try withServer(echo) { _, port in
    let client = try Client(port: port)
    var requests = ""
    for index in 0..<2_000 {
      requests += "POST /\(index) HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    }
    let sending = requests
    let sender = Thread { try? client.send(sending) }
    sender.start()
    for index in 0..<2_000 { #expect(try client.takeResponse().text == "POST /\(index)  3\nabc") }
  }
}

@Test func pipelinedRequestsWaitForALaterAnswer() throws {
  let held = Held()
  try withServer(
    { exchange in
      if exchange.path == "/slow" { held.add(exchange) } else { echo(exchange) }
    },
    run: { _, port in
      let client = try Client(port: port)
      try client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /fast HTTP/1.1\r\nHost: a\r\n\r\n")
      let slow = try held.take()
      try client.send("GET /third HTTP/1.1\r\nHost: a\r\n\r\n")
      answer(slow, "slow")
      #expect(try client.takeResponse().text == "slow")
      #expect(try client.takeResponse().text == "GET /fast  0\n")
      #expect(try client.takeResponse().text == "GET /third  0\n")
    })
}

@Test func bodiesOfAllSizesArriveWhole() throws {
  try withServer(echo) { _, port in
    let client = try Client(port: port)
    for size in [0, 1, 100, 16_000, 16_300, 16_384, 16_385, 70_000, 1_048_576, 5_000_001] {
      let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
      let whole = try client.exchange("POST", "/", body: body)
      #expect(whole.body.count == "POST /  \(size)\n".utf8.count + size)
      #expect(Array(whole.body.suffix(size)) == body, "\(size) bytes with Content-Length")
    }
  }
}

@Test func bigBodiesAreAligned() throws {
  try withServer(
    { exchange in
      let address = UInt(bitPattern: exchange.body.baseAddress)
      exchange.respond(status: 200) { $0.append("\(address % 64)") }
    },
    run: { _, port in
      let client = try Client(port: port)
      #expect(try client.exchange("POST", "/", body: Array(repeating: 1, count: 100_000)).text == "0")
    })
}

@Test func chunkedBodiesArriveWhole() throws {
  var random = SeededGenerator("sizes of chunks")
  try withServer(echo) { _, port in
    let client = try Client(port: port)
    for size in [0, 1, 1_000, 16_384, 100_000, 3_000_000] {
      let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 10) }
      var encoded = Array("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
      var start = 0
      while start < size {
        let most = Bool.random(using: &random) ? 50 : 200_000
        let count = min(size - start, Int.random(in: max(1, most / 50)...most, using: &random))
        encoded +=
          Array("\(String(count, radix: 16));ext\r\n".utf8) + body[start..<(start + count)] + [13, 10]
        start += count
      }
      encoded += Array("0\r\nTrailer: x\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
      let sending = encoded
      let sender = Thread { try? client.send(sending) }
      sender.start()
      let response = try client.takeResponse()
      #expect(Array(response.body.suffix(size)) == body, "\(size) bytes in chunks")
      #expect(response.body.count == "POST /c  \(size)\n".utf8.count + size)
      #expect(try client.takeResponse().text == "GET /next  0\n")
    }
  }
}

@Test func requestsMayArriveByteByByte() throws {
  try withServer(echo) { _, port in
    let client = try Client(port: port)
    let text =
      "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
      + "POST /y HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nde"
    for byte in text.utf8 {
      try client.send([byte])
      usleep(200)
    }
    #expect(try client.takeResponse().text == "POST /x  3\nabc")
    #expect(try client.takeResponse().text == "POST /y  2\nde")
  }
}

@Test func headGetsHeadersWithoutBody() throws {
  try withServer(echo) { _, port in
    let client = try Client(port: port)
    let get = try client.exchange("GET", "/x")
    let head = try client.exchange("HEAD", "/x")
    #expect(get.text == "GET /x  0\n")
    #expect(head.headers["content-length"] == "11", "one more letter than GET")
    #expect(try client.exchange("GET", "/y").text == "GET /y  0\n", "nothing came between")
  }
}

@Test func exchangesTellWhatTheRequestSays() throws {
  try withServer(
    { exchange in
      let values: [String] = [
        exchange.header("x-name") ?? "nil", exchange.header("absent") ?? "nil", exchange.remoteAddress,
        "\(exchange.requestIndex)", "\(exchange.isKeptAlive)", "\(exchange.contentLength ?? -1)",
        exchange.headers.map { "\($0.name)=\($0.value)" }.joined(separator: ","),
        "\(exchange.acceptsHeader("text/event-stream"))", "\(exchange.acceptsHeader("application/json"))",
        "\(exchange.announcesBody)", "\(exchange.startedAt > 0)", "\(exchange.loop.isCurrent)",
      ]
      exchange.respond(status: 200) { $0.append(values.joined(separator: "|")) }
    },
    run: { _, port in
      let client = try Client(port: port)
      _ = try client.exchange("GET", "/")
      let response = try client.exchange(
        "GET", "/", ["X-Name:  a b ", "Accept: text/*, application/json;q=0"])
      var fields = response.text.split(separator: "|").map(String.init)
      #expect(fields.remove(at: 2).hasPrefix("127.0.0.1:"))
      #expect(
        fields == [
          "a b", "nil", "1", "true", "-1",
          "Host=localhost,X-Name=a b,Accept=text/*, application/json;q=0", "true", "false", "false", "true",
          "true",
        ])
    })
}

@Test(arguments: [
  ("*/*", true), ("text/html, */*;q=0.1", true), ("text/*;q=0, text/plain", true),
  ("text/plain;q=0.0, */*", false),
  ("application/json", false), ("TEXT/Plain; charset=utf-8", true), ("text/plain;Q=0.000", false),
  ("", false),
])
func acceptRangesAreWeighed(value: String, accepts: Bool) throws {
  try withServer(
    { exchange in
      let accepts = exchange.acceptsHeader("text/plain")
      exchange.respond(status: 200) { $0.append("\(accepts)") }
    },
    run: { _, port in
      let response = try Client(port: port).exchange("GET", "/", ["Accept: \(value)"])
      #expect(response.text == "\(accepts)")
    })
}

@Test func httpOneZeroClosesUnlessAskedToStay() throws {
  try withServer(echo) { _, port in
    let client = try Client(port: port)
    try client.send("GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    let first = try client.takeResponse()
    #expect(first.headers["connection"] == "keep-alive")
    try client.send("GET /b HTTP/1.0\r\n\r\n")
    let second = try client.takeResponse()
    #expect(second.text == "GET /b  0\n")
    #expect(second.headers["connection"] == "close")
    #expect(try client.isAtEnd())
  }
}

@Test func connectionCloseIsHonoured() throws {
  try withServer(echo) { _, port in
    let client = try Client(port: port)
    let response = try client.exchange("GET", "/", ["Connection: close"])
    #expect(response.headers["connection"] == "close")
    #expect(try client.isAtEnd())
  }
}

@Test func expectedContinueComesBeforeTheBody() throws {
  try withServer(echo) { _, port in
    let client = try Client(port: port)
    try client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    #expect(try client.takeResponse().status == 100)
    try client.send("hello")
    #expect(try client.takeResponse().text == "POST /  5\nhello")
    try client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nworld")
    #expect(try client.takeResponse().text == "POST /  5\nworld", "no 100 when the body is here")
  }
}

@Test func aBodyThatWillBeRefusedIsNotAskedFor() throws {
  try withServer(
    echo, configure: { $0.bodyBytes = 1_000 },
    run: { _, port in
      let client = try Client(port: port)
      try client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n")
      let response = try client.takeResponse()
      #expect(response.status == 413)
      #expect(response.text == #"{"error":"the body exceeds the limit of 1000 bytes; send a smaller one"}"#)
      #expect(response.headers["connection"] == "close")
      client.finishSending()
      #expect(try client.isAtEnd())
    })
}

@Test func bodiesAboveTheLimitAreRefused() throws {
  try withServer(
    echo, configure: { $0.bodyBytes = 100_000 },
    run: { _, port in
      #expect(
        try Client.exchangeOnce(port: port, "POST", "/", body: Array(repeating: 0, count: 100_000)).status
          == 200)
      let large = try Client(port: port)
      try large.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 30000000\r\n\r\n")
      let sender = Thread { try? large.send([UInt8](repeating: 0, count: 30_000_000)) }
      sender.start()
      #expect(try large.takeResponse().status == 413, "the client gets to read it though it sends on")
      let chunked = try Client(port: port)
      try chunked.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n186A1\r\n")
      #expect(try chunked.takeResponse().status == 413)
      let small = try Client(port: port)
      try small.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n")
      #expect(try small.takeResponse().status == 413)
    })
}

@Test func handlersAdmitBodiesEarly() throws {
  try withServer(
    echo,
    admit: { exchange in
      switch exchange.path {
      case "/large": .admitBody(upTo: 50_000)
      case "/none": .refuse(Refusal(status: 404, message: "no \"such\" path", headers: [("X-Why", "none")]))
      default: .admit
      }
    }, configure: { $0.bodyBytes = 20_000 },
    run: { _, port in
      let body = [UInt8](repeating: 65, count: 40_000)
      #expect(try Client.exchangeOnce(port: port, "POST", "/large", body: body).status == 200)
      #expect(try Client.exchangeOnce(port: port, "POST", "/small", body: body).status == 413)
      let refused = try Client(port: port).exchange("POST", "/none", body: body)
      #expect(refused.status == 404)
      #expect(refused.text == #"{"error":"no \"such\" path"}"#)
      #expect(refused.headers["x-why"] == "none")
    })
}

@Test func refusalsNameTheReasonAndClose() throws {
  let refused = Tally()
  var events = ServerEvents()
  events.requestRefused = { if $0.status == 400, $0.remoteAddress.hasPrefix("127.0.0.1:") { refused.add() } }
  try withServer(echo, events: events) { _, port in
    let client = try Client(port: port)
    try client.send(
      "GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost : a\r\n\r\nGET / HTTP/1.1\r\n")
    #expect(try client.takeResponse().status == 200)
    let response = try client.takeResponse()
    #expect(response.status == 400)
    #expect(
      response.text
        == #"{"error":"a blank follows the header name \"Host\"; put the colon right after it"}"#)
    #expect(response.headers["connection"] == "close")
    client.finishSending()
    #expect(try client.isAtEnd(), "what follows a refused request is not read as one")
    #expect(refused.value == 1)
  }
}
