import HTTP
import PluginHost
import Serving
import Synchronization
import Tensors
import Testing

@testable import InferenceAPI

/// Models that are replaced at the moment when a request looks them up.
private final class ReplacingCatalog: ModelCatalog {
  private let old: FakeModel
  private let new: FakeModel
  private let lookups = Atomic<Int>(0)
  private let changes = Atomic<UInt64>(0)
  let unreadyReasons: [String] = []

  init() {
    let description = describe(inputs: [spec("x", .fp32, [-1])], outputs: [spec("x", .fp32, [-1])])
    old = FakeModel("m", state: .unloading, description: description)
    new = FakeModel("m", description: description)
  }

  var generation: UInt64 { changes.load(ordering: .acquiring) }
  var allModels: [any InferenceModel] { [new] }
  func version(of name: String, label: String) -> Int? { nil }
  func modelVersions(of name: String) -> [any InferenceModel] { [new] }

  /// Every other answer is the old model, which unloads by then.
  func model(_ name: String, version: Int?) throws(ServingError) -> any InferenceModel {
    guard lookups.wrappingAdd(1, ordering: .relaxed).oldValue.isMultiple(of: 2) else { return new }
    changes.wrappingAdd(1, ordering: .releasing)
    return old
  }
}

@Test(arguments: [
  ("POST", "/v1/models/m:predict", #"{"instances":[1]}"#), ("GET", "/v2/models/m", ""),
  ("POST", "/v2/models/m/infer", #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}]}"#),
  ("GET", "/v2/models/m/ready", ""), ("GET", "/v2/models/m/config", ""),
  ("GET", "/v2/models/m/openapi.json", ""),
  ("GET", "/v1/models/m/metadata", ""),
])
func aModelThatIsReplacedMeanwhileIsNotMissed(_ method: String, _ path: String, _ body: String) throws {
  let server = try TestServer(ReplacingCatalog())
  defer { server.stop() }
  for _ in 0..<6 {
    let answer = try server.ask(method, path, body: Array(body.utf8))
    #expect(answer.status == 200, "\(answer.text)")
  }
}
