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

@Suite struct ModelMetricsTests {
  private let infer = "/v2/models/half_plus_two/infer"
  private let body = #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[2]}]}"#

  @Test func theModelsAreToldAsTheyAre() throws {
    let folder = try TemporaryFolder()
    try folder.copy("models/half_plus_two", to: "half_plus_two")
    try folder.write("broken/1/model.onnx", "this is no model")
    let server = try ServerProcess(models: [folder.path])
    #expect(try server.post(infer, body).status == 200)
    let page = try server.get("/metrics").text
    let labels = #"model="half_plus_two",version="1""#
    for line in [
      #"swerve_model_state{model="broken",version="1",state="failed"} 1"#,
      "swerve_model_state{\(labels),state=\"ready\"} 1", "swerve_queue_requests{\(labels)} 0",
      "swerve_requests_in_flight{\(labels)} 0", "swerve_rejected_total{\(labels),reason=\"queue_full\"} 0",
      "swerve_batch_wait_duration_seconds_count{\(labels)} ", "swerve_model_load_seconds{\(labels)} 0.",
      "swerve_model_loads_total{\(labels),outcome=\"success\"} 1",
      #"swerve_model_loads_total{model="broken",version="1",outcome="failure"} 1"#,
    ] {
      #expect(page.contains("\n" + line), "\(line)")
    }
    #expect(!page.contains("nv_inference") && !page.contains(":tensorflow:"))
  }

  @Test func otherServersNamesCountTheSame() throws {
    let server = try ServerProcess(models: ["models"], arguments: ["--metric-names", "triton,tensorflow"])
    let client = try server.client()
    for _ in 0..<3 { #expect(try client.post(infer, body).status == 200) }
    let page = try server.get("/metrics").text
    let labels = #"model="half_plus_two",version="1""#
    for line in [
      "nv_inference_request_success{\(labels)} 3", "nv_inference_count{\(labels)} 3",
      "nv_inference_pending_request_count{\(labels)} 0", "nv_inference_queue_duration_us{\(labels)} ",
      #":tensorflow:serving:request_count{model_name="half_plus_two",status="OK"} 3"#,
      #":tensorflow:serving:request_latency_count{model_name="half_plus_two",API="predict",entrypoint="REST"} 3"#,
    ] {
      #expect(page.contains("\n" + line), "\(line)")
    }
  }
}

/// What the files of deploy/ count on.
@Suite struct DeploymentTests {
  private func text(_ path: String) throws -> String {
    try String(contentsOfFile: Checkout.root + "/" + path, encoding: .utf8)
  }

  private func files() throws -> [String] {
    try #require(FileManager.default.enumerator(atPath: Checkout.root + "/deploy")).compactMap {
      $0 as? String
    }
    .map { "deploy/" + $0 }.filter { $0.contains(".") } + ["Dockerfile"]
  }

  private func words(_ pattern: String, in text: String) throws -> Set<String> {
    let expression = try NSRegularExpression(pattern: pattern)
    return Set(
      expression.matches(in: text, range: NSRange(text.startIndex..., in: text)).compactMap {
        Range($0.range, in: text).map { String(text[$0]) }
      })
  }

  @Test func everyMetricThatRulesAndDashboardReadExists() throws {
    let folder = try TemporaryFolder()
    try folder.copy("models/half_plus_two", to: "apart")
    try folder.write("apart/model.json", #"{"plugin": "half_plus_two", "isolation": "process"}"#)
    let server = try ServerProcess(models: ["models", folder.path])
    #expect(
      try server.post("/v1/models/apart:predict", #"{"instances":[1.0]}"#).status == 200, "\(server.log)")
    let page = try server.get("/metrics").text
    let series = Set(
      page.split(separator: "\n").map { $0.prefix { $0 != "{" && $0 != " " } }.map(String.init))
    var count = 0
    for file in try files() where file.hasSuffix(".yaml") || file.hasSuffix(".json") {
      for name in try words(#"\b(swerve|process)_[a-z0-9_]+\b"#, in: text(file)) {
        #expect(series.contains(name), "\(file) reads \(name), which the server does not have")
        count += 1
      }
    }
    #expect(count > 30, "the files were read")
  }

  @Test func everyVariableThatTheyGiveIsASetting() throws {
    let help = try Command([Checkout.products + "/swerve", "serve", "--help"]).output
    var count = 0
    for file in try files() {
      for name in try words(#"\bSWERVE_[A-Z_]*[A-Z]\b"#, in: text(file)) {
        let option =
          "--" + name.dropFirst("SWERVE_".count).lowercased().replacingOccurrences(of: "_", with: "-")
        #expect(help.contains(option + " "), "\(file) sets \(name); there is no \(option)")
        count += 1
      }
    }
    #expect(count > 10, "the files were read")
  }
}
