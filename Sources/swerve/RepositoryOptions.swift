import ArgumentParser
import ModelFiles
import Serving

/// Where models come from, which of them are loaded when, and who may say so.
struct RepositoryOptions: ParsableArguments {
  @Option(
    help: """
      poll: folders are watched; explicit: models are loaded and unloaded by the repository API only; none: models \
      are loaded once, at the start.
      """)
  var modelControl = ServingConfiguration.Control.poll

  @Option(
    help: "A model to load at the start where --model-control is explicit; * for all. May be given again.")
  var loadModel: [String] = []

  @Option(
    help: """
      A model that must serve for /readyz to say yes; by default every model that is there at the start. May be \
      given again.
      """)
  var requiredModel: [String] = []

  @Option(help: "Seconds between two looks at the model repositories.")
  var pollSeconds = 2.0

  @Option(help: "A file with TensorFlow Serving's model_config_list. May be given again.")
  var modelConfigFile: [String] = []

  @Option(
    help: "A file with TensorFlow Serving's batching parameters, for models that say nothing of batching.")
  var batchingParametersFile: String?

  @Option(
    help: "Seconds a client waits for a load or an unload before it is told that it goes on; 0: any time.")
  var loadSeconds = 600.0

  @Option(help: "Bytes of models that may be loaded at once; above it unused ones sleep. 0: any number.")
  var memoryBudgetBytes = 0

  @Option(help: "The folder that models are written to that clients send along.")
  var uploadFolder = "/tmp"

  @Flag(help: "Do not execute a model once with zeros before its first request.")
  var noWarmUp = false

  @Option(help: "A file of API keys: a line 'NAME SCOPES KEY' for each; scopes are infer, read and admin.")
  var apiKeys: String?

  static let listOptionNames = ["load-model", "required-model", "model-config-file"]
  static let flagNames = ["no-warm-up"]
  static let valueOptionNames = [
    "model-control", "poll-seconds", "batching-parameters-file", "load-seconds", "memory-budget-bytes",
    "upload-folder", "api-keys",
  ]

  mutating func validate() throws {
    let day = 86_400.0
    try require((0.05...day).contains(pollSeconds), "--poll-seconds \(pollSeconds)", "0.05 to 86400")
    try require((0...day).contains(loadSeconds), "--load-seconds \(loadSeconds)", "0 to 86400")
    try require(memoryBudgetBytes >= 0, "--memory-budget-bytes \(memoryBudgetBytes)", "0 or above")
    try require(
      loadModel.isEmpty || modelControl == .explicit,
      "--load-model with --model-control \(modelControl.rawValue)",
      "--model-control explicit; otherwise every model is loaded")
  }

  private func require(_ holds: Bool, _ given: String, _ expected: String) throws {
    if !holds { throw ValidationError("\(given): expected \(expected)") }
  }

  /// Sets what these options say; returns what of the batching parameters has no effect.
  func apply(to configuration: inout ServingConfiguration) throws -> [String] {
    configuration.control = modelControl
    configuration.initialModels = loadModel
    configuration.requiredModels = requiredModel
    configuration.pollSeconds = pollSeconds
    configuration.loadSeconds = loadSeconds
    configuration.memoryBudget = memoryBudgetBytes
    configuration.uploadFolder = uploadFolder
    configuration.warmsUp = !noWarmUp
    guard let path = batchingParametersFile else { return [] }
    guard let text = Files.bytes(path) else {
      throw Refusal("--batching-parameters-file \(path): no such file, or it cannot be read")
    }
    do throws(ConfigurationFault) {
      let file = try BatchingParametersFile(text: text)
      configuration.batching = file.batching
      configuration.maximumBatch = file.maximumBatch
      configuration.instances = file.threads
      return file.notes.map { "\(path): \($0)" }
    } catch {
      throw Refusal("--batching-parameters-file \(path): \(error)")
    }
  }
}
