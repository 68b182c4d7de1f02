import Foundation
import PluginHost
import Tensors
import Testing

@testable import InferenceAPI

@Suite(.serialized) final class ExtensionTranscriptTests {
  private let server: TestServer

  init() throws { server = try TestServer(FakeModels.extended) }

  deinit { server.stop() }

  @Test(arguments: ExtensionTranscripts.classification) func classifies(_ transcript: Transcript) throws {
    try check(transcript, on: server)
  }

  @Test(arguments: ExtensionTranscripts.settings) func answersWhatItIsSetTo(_ transcript: Transcript) throws {
    try check(transcript, on: server)
  }

  @Test(arguments: ExtensionTranscripts.generate) func generates(_ transcript: Transcript) throws {
    try check(transcript, on: server)
  }

  @Test(arguments: ExtensionTranscripts.tensorFlowServing) func takesExamples(_ transcript: Transcript) throws
  {
    try check(transcript, on: server)
  }

  @Test func aModelsOwnDescriptionIsOpenAPI() throws {
    let answer = try server.ask("GET", "/v2/models/scores/openapi.json")
    let document = try #require(
      try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
    #expect(document["openapi"] as? String == "3.1.0")
    let paths = try #require(document["paths"] as? [String: Any])
    #expect(paths.count == 5)
    #expect(answer.text.contains(#""name":{"const":"x"},"datatype":{"const":"FP32"}"#), "\(answer.text)")
  }
}

@Suite struct TritonStatusCodeTests {
  @Test func faultsHaveTritonsStatusesOnlyIfAskedFor() throws {
    let catalog = FakeCatalog(
      allModels: FakeModels.catalog.allModels, unreadyReasons: ["model 'broken' is not ready"])
    for (isTritons, statuses) in [(true, [500, 503, 400, 503, 429]), (false, [400, 429, 503, 503, 429])] {
      let server = try TestServer(catalog, usesTritonStatusCodes: isTritons)
      defer { server.stop() }
      let busy = #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}]}"#
      let answers = [
        try server.ask("POST", "/v2/models/simple/infer", body: Array("{".utf8)),
        try server.ask("POST", "/v2/models/busy/infer", body: Array(busy.utf8)),
        try server.ask("GET", "/v2/health/ready"), try server.ask("GET", "/readyz"),
        try server.ask("POST", "/v1/models/busy:predict", body: Array(#"{"instances":[1]}"#.utf8)),
      ]
      #expect(answers.map(\.status) == statuses)
    }
  }

  @Test(
    arguments: [
      ("GET", "/v2/models/nope/ready", "", 400, 404),
      ("GET", "/v2/models/simple/versions/9/stats", "", 400, 404),
      ("GET", "/v2/models/nope/trace/setting", "", 400, 404), ("GET", "/v2/models/nope", "", 404, 404),
      ("POST", "/v2/models/simple/infer", #"{"inputs":[{}]}"#, 500, 400),
      ("POST", "/v2/models/simple/infer", #"{"inputs":[],"outputs":[{}]}"#, 500, 400),
      ("POST", "/v2/models/simple/infer", "{}", 500, 400), ("POST", "/v2/models/simple/infer", "", 400, 400),
      ("POST", "/v2/logging", #"{"log_info":1}"#, 500, 400),
      ("POST", "/v2/logging", #"{"log_file":"x"}"#, 501, 400),
    ])
  func eachFaultHasTheStatusThatTritonGivesIt(
    _ method: String, _ path: String, _ body: String, _ tritons: Int, _ own: Int
  ) throws {
    for isTritons in [true, false] {
      let server = try TestServer(FakeModels.catalog, usesTritonStatusCodes: isTritons)
      defer { server.stop() }
      let answer = try server.ask(method, path, body: Array(body.utf8))
      #expect(answer.status == (isTritons ? tritons : own), "\(answer.text)")
    }
  }
}

@Suite struct ClassificationTests {
  /// Sorts all, the plain way.
  private static func reference(_ values: [Float], _ count: Int) -> [Int] {
    Array(
      values.indices.sorted { a, b in
        let (x, y) = (values[a].isNaN ? -.infinity : values[a], values[b].isNaN ? -.infinity : values[b])
        return x != y ? x > y : a < b
      }.prefix(count))
  }

  @Test(arguments: [1, 3, 64, 65, 500]) func findsTheLargest(_ count: Int) throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var state = seed
    for _ in 0..<20 {
      let values = (0..<300).map { _ -> Float in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let number = Int(state >> 33) % 40
        return number == 0 ? .nan : number == 1 ? -.infinity : Float(number)
      }
      let classes = try Classification(count: count).classes(of: floats("p", [300], values))
      let indices = classes.stringValues.map { Int($0.split(separator: ":")[1]) }
      #expect(indices == Self.reference(values, count), "seed \(seed)")
    }
  }

  @Test func numbersAreWrittenAsTheCLibraryDoes() throws {
    let tensor = floats("p", [4], [0.826384, 1e-9, 123456.789, .infinity])
    #expect(
      try Classification(count: 4).classes(of: tensor).stringValues == [
        "inf:3", "123456.789062:2", "0.826384:0", "0.000000:1",
      ])
    let whole = integers("p", [3], [-5, 7, 0])
    #expect(
      try Classification(count: 2, labels: ["a", "b", "c"]).classes(of: whole).stringValues == [
        "7:1:b", "0:2:c",
      ])
  }

  @Test func aHugeOutputIsRefused() throws {
    let tensor = try #require(Tensor(name: "p", datatype: .uint8, shape: [1_000_001]))
    let failure = #expect(throws: APIFailure.self) { try Classification(count: 1).classes(of: tensor) }
    #expect(failure?.status == 400)
    #expect(failure?.message.hasPrefix("classification output tensor too large") == true)
  }
}
