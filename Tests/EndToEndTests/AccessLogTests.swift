import Foundation
import TestSupport
import Testing

@Suite struct AccessLogTests {
  private let predict = "/v1/models/half_plus_two:predict"
  private let body = #"{"instances":[1.0,2.0,5.0]}"#

  private func records(_ server: ServerProcess, _ message: String) -> [[String: String]] {
    server.log.split(separator: "\n").compactMap {
      try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: String]
    }.filter { $0["message"] == message }
  }

  @Test func aRequestIsToldWithItsPhases() throws {
    let server = try ServerProcess(models: ["models"], arguments: ["--access-log", "--log-format", "json"])
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    let answer = try server.post(
      predict + "?key=secret", body,
      headers: [("X-Request-ID", "r\"1\tstatus=\"500"), ("traceparent", trace)])
    #expect(answer.status == 200)
    #expect(server.waits { !records(server, "request").isEmpty })
    let record = try #require(records(server, "request").first)
    #expect(record["method"] == "POST" && record["path"] == predict && record["status"] == "200")
    #expect(record["request_bytes"] == String(body.utf8.count))
    #expect(record["request_id"] == "r\"1\tstatus=\"500" && record["traceparent"] == trace)
    #expect(record["model"] == "half_plus_two" && record["version"] == "1")
    for phase in ["parse_us", "queue_us", "execute_us", "serialize_us", "total_us"] {
      #expect(record[phase].flatMap { Int($0) } != nil, "\(phase) in \(record)")
    }
    #expect(!server.log.contains("secret"))
  }

  @Test func aSampleHoldsEveryFailure() throws {
    let server = try ServerProcess(
      models: ["models"],
      arguments: ["--access-log", "--access-log-sample", "1000000", "--log-format", "json"])
    let client = try server.client()
    for _ in 0..<20 {
      #expect(try client.get("/livez").status == 200)
      #expect(try client.get("/v2/models/nothing").status == 404)
    }
    #expect(server.waits { records(server, "request").count >= 20 })
    #expect(records(server, "request").count { $0["status"] == "404" } == 20)
    #expect(records(server, "request").count < 30)
  }

  @Test func slowRequestsAreToldWithoutAnAccessLog() throws {
    let server = try ServerProcess(
      models: ["models"], arguments: ["--slow-request-seconds", "0.000001", "--log-format", "json"])
    #expect(try server.get("/livez").status == 200)
    #expect(server.waits { !records(server, "slow request").isEmpty })
    #expect(records(server, "slow request").first?["level"] == "warning")
    #expect(records(server, "request").isEmpty)
  }

  @Test func refusalsAreToldWithWhoWasRefused() throws {
    let server = try ServerProcess(
      models: ["models"],
      arguments: ["--access-log", "--log-format", "json", "--metric-names", "triton"])
    let malformed = try server.client()
    malformed.send("GET / HTTP/1.1\r\nHost : a\r\n\r\n")
    #expect(try malformed.response(to: "GET").status == 400)
    // Refused by its head alone, since its body is still to come.
    let early = try server.client()
    early.send(
      "POST /v2/models/nothing/infer HTTP/1.1\r\nHost: a\r\nX-Request-ID: r7\r\nContent-Length: 100000\r\n\r\n"
    )
    #expect(try early.response(to: "POST").status == 404)
    #expect(
      server.waits { !records(server, "refused request").isEmpty && !records(server, "request").isEmpty })
    let refused = try #require(records(server, "refused request").first)
    #expect(refused["status"] == "400" && refused["client"]?.hasPrefix("127.0.0.1:") == true)
    #expect(refused["reason"]?.contains("Host") == true)
    let request = try #require(records(server, "request").first)
    #expect(request["status"] == "404" && request["path"] == "/v2/models/nothing/infer")
    #expect(request["request_id"] == "r7")
    let page = try server.get("/metrics").text
    #expect(page.contains(#"swerve_http_responses_total{class="4xx"} 2"#), "\(page)")
    #expect(page.contains(#"swerve_http_requests_refused_total{code="400"} 1"#))
    #expect(
      page.contains(#"swerve_requests_total{model="",version="",protocol="v2",code="404"} 1"#), "\(page)")
  }

  @Test func theLevelFollowsSignals() throws {
    let server = try ServerProcess(models: ["models"], arguments: ["--log-format", "json"])
    kill(server.process.processIdentifier, SIGUSR1)
    #expect(server.waits { records(server, "log level").last?["now"] == "debug" })
    kill(server.process.processIdentifier, SIGUSR2)
    #expect(server.waits { records(server, "log level").last?["now"] == "info" })
  }
}
