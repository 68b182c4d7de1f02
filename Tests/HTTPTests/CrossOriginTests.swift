import Bytes
import Foundation
import HTTP
import Testing

private let page = "Origin: https://page.example:8443"
private let preflight = [
  page, "Access-Control-Request-Method: POST",
  "Access-Control-Request-Headers: content-type, authorization",
]

@Test func withoutOriginsThereAreNoFieldsForThem() throws {
  try withServer(
    echo,
    run: { _, port in
      let response = try Client(port: port).exchange("OPTIONS", "/a", preflight)
      #expect(response.status == 200, "the handler's")
      #expect(!response.headers.keys.contains { $0.hasPrefix("access-control") })
    })
}

@Test(arguments: [["*"], ["https://other.example", "https://page.example:8443"]])
func aPreflightOfAnAllowedOriginIsAnswered(_ origins: [String]) throws {
  try withServer(
    echo, configure: { $0.corsOrigins = origins },
    run: { _, port in
      let client = try Client(port: port)
      let response = try client.exchange("OPTIONS", "/v2/models/m/infer", preflight)
      #expect(response.status == 204)
      #expect(
        response.headers["access-control-allow-origin"]
          == (origins == ["*"] ? "*" : "https://page.example:8443"))
      #expect(response.headers["vary"] == (origins == ["*"] ? nil : "Origin"))
      #expect(response.headers["access-control-allow-methods"]?.contains("POST") == true)
      #expect(response.headers["access-control-allow-headers"] == "content-type, authorization")
      #expect(response.headers["access-control-max-age"] == "7200")
      #expect(try client.exchange("OPTIONS", "/a", [page]).status == 200, "no preflight: the handler's")
      let actual = try client.exchange("POST", "/a", [page], body: [1])
      #expect(actual.status == 200)
      #expect(
        actual.headers["access-control-allow-origin"] == response.headers["access-control-allow-origin"])
      #expect(
        actual.headers["access-control-expose-headers"]?.contains("Inference-Header-Content-Length") == true)
    })
}

@Test(arguments: [
  "https://evil.example", "https://page.example", "http://page.example:8443", "https://page.example:84430",
  "https://page.example:8443.evil.example", "null", "*",
])
func otherOriginsGetNoPermission(_ origin: String) throws {
  try withServer(
    echo, configure: { $0.corsOrigins = ["https://page.example:8443"] },
    run: { _, port in
      let client = try Client(port: port)
      let asked = try client.exchange(
        "OPTIONS", "/a", ["Origin: \(origin)", "Access-Control-Request-Method: POST"])
      let actual = try client.exchange("GET", "/a", ["Origin: \(origin)"])
      for response in [asked, actual] {
        #expect(!response.headers.keys.contains { $0.hasPrefix("access-control") })
        #expect(response.headers["vary"]?.contains("Origin") == true)
      }
    })
}

@Test func errorsAndStreamsCarryThePermissionToo() throws {
  try withServer(
    { exchange in
      exchange.beginStream(status: 200, contentType: "text/event-stream")
      exchange.endStream()
    },
    admit: { _ in .refuse(Refusal(status: 404, message: "no")) },
    configure: {
      $0.corsOrigins = ["https://page.example:8443"]
      $0.bodyBytes = 10
    },
    run: { _, port in
      let stream = try Client(port: port).exchange("GET", "/", [page])
      let coded = try Client(port: port).exchange("POST", "/", [page, "Content-Encoding: br"], body: [1])
      let refused = try Client(port: port).exchange("POST", "/", [page, "Content-Length: 99"])
      let malformed = try Client(port: port).exchange("GET", "/", [page, "bad header: x"])
      for (response, status) in [(stream, 200), (coded, 415), (refused, 404), (malformed, 400)] {
        #expect(response.status == status)
        #expect(response.headers["access-control-allow-origin"] == "https://page.example:8443", "\(status)")
      }
    })
}
