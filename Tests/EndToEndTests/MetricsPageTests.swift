import Foundation
import TestSupport
import Testing

@Suite struct MetricsPageTests {
  @Test func theFormatFollowsAccept() throws {
    let client = try ServerProcess(models: ["models"])
    let plain = try client.get("/metrics")
    #expect(plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
    let prometheus = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    let open = try client.client().request("GET", "/metrics", headers: [("Accept", prometheus)])
    #expect(open.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8")
    #expect(open.text.hasSuffix("\n# EOF\n"))
    let refused = "text/plain, application/openmetrics-text;q=0"
    #expect(
      try client.client().request("GET", "/metrics", headers: [("Accept", refused)]).headers["content-type"]
        == plain.headers["content-type"])
  }

  @Test func whatTheMachineAllowsIsToldAndUsed() throws {
    let server = try ServerProcess(models: ["models"])
    let page = try server.get("/metrics").text
    for name in ["swerve_usable_cores", "swerve_usable_memory_bytes", #"swerve_threads{use="worker"}"#] {
      #expect(page.contains("\n\(name) "), "\(name)")
    }
    #expect(server.log.contains("machine processors="))
  }

  @Test func lagOfTheLoopsIsMeasured() throws {
    let server = try ServerProcess(models: ["models"], arguments: ["--loops", "1"])
    let isMeasured = try server.waits {
      try server.get("/metrics").text.contains("swerve_event_loop_lag_seconds_count 1")
    }
    #expect(isMeasured)
  }
}
