import Foundation
import TestSupport
import Testing

/// What a client sees of how its requests waited and ran.
@Suite struct BatchingTests {
  static let request = #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[2]}]}"#

  private static func folder(_ configuration: String) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try folder.copy("models/half_plus_two", to: "m")
    try folder.write("m/model.json", configuration)
    return folder
  }

  @Test func answersTellTheirTimingIfAsked() throws {
    let folder = try Self.folder(#"{"plugin": "half_plus_two"}"#)
    let plain = try ServerProcess(models: [folder.path])
    #expect(try plain.post("/v2/models/m/infer", Self.request).headers["server-timing"] == nil)
    let server = try ServerProcess(models: [folder.path], arguments: ["--server-timing"])
    for path in ["/v2/models/m/infer", "/v1/models/m:predict"] {
      let body = path.hasPrefix("/v2") ? Self.request : #"{"instances":[2]}"#
      let timing = try #require(try server.post(path, body).headers["server-timing"])
      for phase in ["parse;dur=", "queue;dur=", "execute;dur=", "serialize;dur=0"] {
        #expect(timing.contains(phase))
      }
    }
  }

  @Test func statisticsCountRequestsAndBatches() throws {
    let folder = try Self.folder(#"{"plugin": "half_plus_two"}"#)
    let server = try ServerProcess(models: [folder.path])
    let client = try server.client()
    for _ in 0..<40 { #expect(try client.post("/v2/models/m/infer", Self.request).status == 200) }
    for path in ["/v2/models/m/stats", "/v2/models/m/versions/1/stats"] {
      let models = try #require(try server.get(path).object["model_stats"] as? [[String: Any]])
      #expect(models.count == 1)
      #expect(models[0]["inference_count"] as? Int == 40)
      #expect(models[0]["execution_count"] as? Int == 40)
      let parts = try #require(models[0]["inference_stats"] as? [String: [String: Int]])
      for name in ["success", "queue", "compute_infer"] { #expect(parts[name]?["count"] == 40) }
      let batches = try #require(models[0]["batch_stats"] as? [[String: Any]])
      #expect(batches.map { $0["batch_size"] as? Int } == [1])
      #expect((batches[0]["compute_infer"] as? [String: Int])?["count"] == 40)
      let releases = try #require(models[0]["batch_releases"] as? [String: Int])
      #expect(Set(releases.keys) == ["full", "idle", "deadline", "shape", "linger"])
      #expect((0...40).contains(releases["idle"] ?? -1))
      let last = try #require(models[0]["last_inference"] as? Double)
      #expect(abs(last / 1000 - Date().timeIntervalSince1970) < 60)
    }
    #expect(try server.get("/v2/models/none/stats").status == 404)
  }

  @Test func theLastBatchesAreExplained() throws {
    let folder = try Self.folder(#"{"plugin": "half_plus_two", "priority_levels": 3}"#)
    let server = try ServerProcess(models: [folder.path], arguments: ["--inline-microseconds", "0"])
    let prioritized = #"{"parameters":{"priority":1,"timeout":5000000},"# + Self.request.dropFirst()
    #expect(try server.post("/v2/models/m/infer", prioritized).status == 200)
    let report = try server.get("/admin/models/m/batching")
    #expect(report.status == 200)
    let batches = try #require(report.object["batches"] as? [[String: Any]])
    #expect(batches.count == 1)
    #expect(batches[0]["reason"] as? String == "idle")
    #expect((batches[0]["explanation"] as? String)?.contains("the model was free") == true)
    #expect(report.text.contains("3 levels of priority, 2 by default"))
  }

  @Test func timeoutsMayStandInTheHeader() throws {
    let folder = try Self.folder(#"{"plugin": "half_plus_two"}"#)
    let server = try ServerProcess(models: [folder.path], arguments: ["--inline-microseconds", "0"])
    for value in ["0.5", "3"] {
      let answer = try server.post(
        "/v2/models/m/infer", Self.request, headers: [("Request-Timeout", value)])
      #expect(answer.status == 200)
    }
    for value in ["", "0", "-1", "soon", "nan", "inf"] {
      let answer = try server.post(
        "/v2/models/m/infer", Self.request, headers: [("Request-Timeout", value)])
      #expect(answer.status == 400 && answer.errorMessage.contains("Request-Timeout"), "'\(value)'")
    }
    let late = try server.post(
      "/v1/models/m:predict", #"{"instances":[2]}"#, headers: [("Request-Timeout", "0.000000001")])
    #expect(late.status == 504)
  }

  @Test func sequencesAreToldByTheirParameters() throws {
    let folder = try Self.folder(#"{"plugin": "half_plus_two", "sequences": {"max_sequences": 1}}"#)
    let server = try ServerProcess(models: [folder.path])
    func ask(_ parameters: String) throws -> (Int, String) {
      let answer = try server.post(
        "/v2/models/m/infer", #"{"parameters":{\#(parameters)},"# + Self.request.dropFirst())
      return (answer.status, answer.status == 200 ? "" : answer.errorMessage)
    }
    #expect(try ask(#""sequence_id":0"#).1.contains("non-zero or non-empty correlation ID"))
    #expect(try ask(#""sequence_id":7"#).1.contains("must specify the START flag"))
    #expect(try ask(#""sequence_id":7,"sequence_start":true"#).0 == 200)
    #expect(try ask(#""sequence_id":"seven","sequence_start":true"#).0 == 429)
    #expect(try ask(#""sequence_id":7,"sequence_end":true"#).0 == 200)
    #expect(try ask(#""sequence_id":7"#).0 == 400)
    #expect(try ask(#""sequence_id":"seven","sequence_start":true"#).0 == 200)
    #expect(try ask(#""sequence_id":-1"#).0 == 400)
    #expect(try ask(#""sequence_id":true"#).0 == 400)
    #expect(try ask("\"sequence_id\":\"" + String(repeating: "x", count: 129) + "\"").0 == 400)
    #expect(
      try server.get("/admin/models/m/batching").text.contains("requests come in sequences, up to 1 at once"))
  }

  @Test(arguments: [
    (#""sequences": {"max_sequences": 0}"#, "'sequences.max_sequences': expected a whole number from 1"),
    (#""sequences": {"size": 1}"#, "'sequences.size' is not a setting"),
    (#""priority_levels": 65"#, "'priority_levels': expected a whole number from 0 to 64"),
    (#""default_priority_level": 2"#, "'default_priority_level': expected a whole number from 1 to 1"),
    (#""priority_queue_policy": {"2": {}}"#, "'priority_queue_policy': '2' is no level from 1 to 1"),
    (#""default_queue_policy": {"timeout_action": "drop"}"#, #"expected \"reject\" or \"delay\""#),
    (#""default_queue_policy": {"size": 1}"#, "'default_queue_policy.size' is not a setting"),
    (#""max_linger_microseconds": -1"#, "'max_linger_microseconds': expected a whole number"),
    (#""cores": 0"#, "'cores': expected a whole number above 0"),
    (#""pad_values": 0"#, "'pad_values': expected an object"),
    (#""pad_values": {"x": "0"}"#, "'pad_values.x': expected a number"),
    (#""pad_values": {"x": 0}"#, "of which no dimension but the batch varies"),
    (#""cache": 5"#, #"'cache': expected {\"bytes\": N}"#),
  ]) func aWrongSettingIsNamed(_ setting: String, _ sentence: String) throws {
    let folder = try Self.folder(#"{"plugin": "half_plus_two", \#(setting)}"#)
    let server = try ServerProcess(models: [folder.path])
    let answer = try server.get("/readyz")
    #expect(answer.status == 503)
    #expect(answer.text.contains(sentence), "\(answer.text)")
  }
}
