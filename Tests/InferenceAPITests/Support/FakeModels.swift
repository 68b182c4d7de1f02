import Foundation
import PluginHost
import Synchronization
import Tensors

@testable import InferenceAPI
@testable import Serving

/// A model in Swift, checked by the same contract as a served one.
final class FakeModel: InferenceModel {
  typealias Compute = @Sendable ([Tensor]) -> Result<[Tensor], ServingError>

  let name: String
  let version: Int
  let platform = "fake"
  let state: ModelState
  let description: ModelDescription?
  let configuration: ModelConfiguration
  private let compute: Compute
  /// Whether it answers from a thread of its own instead of the caller's.
  private let isThreaded: Bool

  init(
    _ name: String, version: Int = 1, state: ModelState = .ready, description: ModelDescription?,
    configuration: ModelConfiguration = ModelConfiguration(), isThreaded: Bool = true,
    compute: @escaping Compute = { .success($0) }
  ) {
    self.name = name
    self.version = version
    self.state = state
    self.description = description
    self.configuration = configuration
    self.isThreaded = isThreaded
    self.compute = compute
  }

  private final class Work: CancellableInference {
    func cancel() {}
  }

  func infer(
    _ arguments: InferenceArguments, receiver: any InferenceReceiver
  ) throws(ServingError) -> (any CancellableInference)? {
    let inputs = arguments.inputs
    guard state == .ready, let description else { throw ServingError(.notReady, unreadySentence) }
    try ModelContract(name: name, description: description, configuredMaximum: nil).check(inputs)
    let finish = { @Sendable [compute] in receiver.finish(compute(inputs), timing: InferenceTiming()) }
    if isThreaded { Thread.detachNewThread(finish) } else { finish() }
    return Work()
  }
}

/// A fixed set of models.
struct FakeCatalog: ModelCatalog {
  var allModels: [any InferenceModel]
  let generation: UInt64 = 0
  var unreadyReasons: [String] = []
  /// Versions by model and label.
  var labels: [String: [String: Int]] = [:]

  func version(of name: String, label: String) -> Int? { labels[name]?[label] }

  func modelVersions(of name: String) -> [any InferenceModel] { allModels.filter { $0.name == name } }

  func model(_ name: String, version: Int?) throws(ServingError) -> any InferenceModel {
    let versions = modelVersions(of: name)
    guard !versions.isEmpty else {
      throw ServingError(.unknownModel, "Request for unknown model: '\(name)' is not found")
    }
    guard let version, version != 0 else { return versions.first { $0.isReady } ?? versions[0] }
    guard let model = versions.first(where: { $0.version == version }) else {
      throw ServingError(
        .unknownVersion, "Request for unknown model: '\(name)' version \(version) is not found")
    }
    return model
  }
}

/// The models of the golden transcripts.
enum FakeModels {
  static let halfPlusTwo = FakeModel(
    "half_plus_two", version: 123,
    description: describe(inputs: [spec("x", .fp32, [-1])], outputs: [spec("y", .fp32, [-1])])
  ) { .success([floats("y", $0[0].shape, $0[0].floatValues.map { $0 / 2 + 2 })]) }

  static let simple = FakeModel(
    "simple",
    description: describe(
      inputs: [spec("INPUT0", .int32, [-1, 16]), spec("INPUT1", .int32, [-1, 16])],
      outputs: [spec("OUTPUT0", .int32, [-1, 16]), spec("OUTPUT1", .int32, [-1, 16])])
  ) { inputs in
    let first = Array(inputs.first { $0.name == "INPUT0" }!.elements(as: Int32.self))
    let second = Array(inputs.first { $0.name == "INPUT1" }!.elements(as: Int32.self))
    let shape = inputs[0].shape
    return .success([
      integers("OUTPUT0", shape, zip(first, second).map(&+)),
      integers("OUTPUT1", shape, zip(first, second).map(&-)),
    ])
  }

  static let identity = FakeModel(
    "identity_fp32",
    description: describe(inputs: [spec("INPUT0", .fp32, [-1])], outputs: [spec("OUTPUT0", .fp32, [-1])]),
    isThreaded: false
  ) { inputs in
    var output = inputs[0]
    output.name = "OUTPUT0"
    return .success([output])
  }

  static let broken = FakeModel("broken", state: .failed(reason: "model.onnx is cut off"), description: nil)

  static let busy = FakeModel(
    "busy", description: describe(inputs: [spec("x", .fp32, [-1])], outputs: [spec("y", .fp32, [-1])])
  ) { _ in .failure(ServingError(.queueFull, "Exceeds maximum queue size")) }

  /// Its input as scores of three classes.
  static let scores = FakeModel(
    "scores",
    description: describe(
      inputs: [spec("x", .fp32, [-1, 3])],
      outputs: [TensorSpec(name: "p", datatype: .fp32, shape: [-1, 3], labels: ["cat", "dog", "fish"])])
  ) { .success([floats("p", $0[0].shape, $0[0].floatValues)]) }

  /// Its input, a number for each row.
  static let number = FakeModel(
    "number",
    description: describe(inputs: [spec("x", .fp32, [-1, 1])], outputs: [spec("y", .fp32, [-1, 1])])
  ) { .success([floats("y", $0[0].shape, $0[0].floatValues)]) }

  /// A text back.
  static let echo = FakeModel(
    "echo",
    description: describe(
      inputs: [spec("text_input", .bytes, [1])], outputs: [spec("text_output", .bytes, [1])], maximumBatch: 1)
  ) { .success([strings("text_output", [1], $0[0].stringValues)]) }

  static let extended = FakeCatalog(
    allModels: [broken, busy, echo, halfPlusTwo, identity, number, scores, simple],
    labels: ["half_plus_two": ["stable": 123]])

  static let catalog = FakeCatalog(
    allModels: [broken, busy, halfPlusTwo, identity, simple],
    unreadyReasons: ["model 'broken' version 1 failed to load: model.onnx is cut off"])
}
