import Bytes
import JSON
public import Serving
import Tensors

/// Triton's model configuration: `config.pbtxt`, or the same as JSON.
///
/// Each of its fields is honoured, or named in the configuration's notes with the reason why it is not.
public struct TritonConfiguration {
  /// What of the configuration was read so far.
  var configuration: ModelConfiguration
  /// The model's folder, for files that the configuration names.
  let folder: String
  var parameters: [(String, JSONValue)] = []
  private var platform: (field: ProtobufField, text: String)?
  private var backend: String?

  /// The configuration of the model `name` that `text` holds.
  public static func read(
    text: [UInt8], model name: String, folder: String
  ) throws(ConfigurationFault) -> ModelConfiguration {
    try read(fields: try ProtobufText.fields(of: text), model: name, folder: folder)
  }

  static func read(
    fields: [ProtobufField], model name: String, folder: String
  ) throws(ConfigurationFault) -> ModelConfiguration {
    var reader = TritonConfiguration(configuration: ModelConfiguration(), folder: folder)
    let message = MessageReader(fields)
    for field in fields { try reader.read(field, message, model: name) }
    try reader.finish(message)
    return reader.configuration
  }

  init(configuration: ModelConfiguration, folder: String) {
    self.configuration = configuration
    self.folder = folder
  }

  private mutating func read(
    _ field: ProtobufField, _ message: MessageReader, model name: String
  ) throws(ConfigurationFault) {
    switch field.name {
    case "name":
      let text = try message.text(field)
      guard text == name || text.isEmpty else {
        throw message.fault(field, "\"\(name)\", the name of the model's folder")
      }
    case "platform":
      let text = try message.text(field)
      platform = text.isEmpty ? nil : (field, text)
    case "backend":
      let text = try message.text(field)
      backend = text.isEmpty ? nil : text
    case "max_batch_size": configuration.maximumBatch = try message.integer(field, 0...Int(Int32.max))
    case "version_policy": configuration.versionPolicy = try versionPolicy(try message.message(field))
    case "input":
      configuration.inputs.append(try tensor(try message.message(field, index: configuration.inputs.count)))
    case "output":
      configuration.outputs.append(try tensor(try message.message(field, index: configuration.outputs.count)))
    case "instance_group": try readInstances(try message.message(field))
    case "dynamic_batching": try readBatching(try message.message(field))
    case "sequence_batching": try readSequences(try message.message(field))
    case "model_warmup": try readWarmUp(try message.message(field, index: configuration.warmUps.count))
    case "parameters":
      let (key, value, entry) = try message.entry(field)
      parameters.append((try entry.text(key), try parameter(value, entry)))
    case "default_model_filename": try readFileName(field, message)
    case "ensemble_scheduling":
      throw ConfigurationFault(
        message.sentence(field, "is not supported: a model here is one model, not several"))
    case "response_cache": try readCache(try message.message(field))
    case "model_transaction_policy":
      note(message.ignored(field, because: "the model itself says how it answers"))
    case let name where TritonConfiguration.withoutEffect[name] != nil:
      // As configurations have it that a program wrote.
      if [.text([]), .message([])].contains(field.value) { return }
      note(message.ignored(field, because: TritonConfiguration.withoutEffect[name] ?? ""))
    default: note(message.unknown(field))
    }
  }

  /// What a response cache may hold. Triton has one size for all models, on its command line.
  private static let cacheBytes = 64 << 20

  /// Fields that Triton has and this server has nothing for.
  private static let withoutEffect = [
    "runtime": "plugins are found by their name",
    "optimization": "the plugin decides how it executes; what it can be told goes into 'parameters'",
    "batch_input": "the server makes no inputs of its own",
    "batch_output": "the server cuts outputs by the rows of their requests",
    "cc_model_filenames": "models for several GPUs are not chosen here",
    "metric_tags": "metrics have the labels model and version",
    "model_operations": "operators come with plugins",
    "model_repository_agents": "models are read as they lie in the repository",
    "model_metrics": "the buckets of metrics are the server's",
  ]

  mutating func note(_ sentence: String) { configuration.notes.append(sentence) }

  /// Finds the plugin by what the fields together say, and puts the parameters together.
  private mutating func finish(_ message: MessageReader) throws(ConfigurationFault) {
    if let name = backend ?? platform?.text.split(separator: "_").first.map(String.init), !name.isEmpty {
      if let platform, platform.text == "ensemble" {
        throw ConfigurationFault(
          message.sentence(platform.field, "ensemble is not supported: a model here is one model"))
      }
      configuration.plugin = TritonConfiguration.plugins[name] ?? name
      configuration.platform = platform?.text ?? TritonConfiguration.platforms[name]
    }
    guard !parameters.isEmpty else { return }
    let buffer = ByteBuffer()
    JSONValue.object(parameters).write(to: buffer)
    configuration.parameters = String(decoding: buffer.bytes, as: UTF8.self)
  }

  /// The plugin that does what a backend of Triton does.
  private static let plugins = ["onnxruntime": "onnx"]

  /// What Triton calls the models of a backend.
  private static let platforms = ["onnxruntime": "onnxruntime_onnx"]

  /// The parameter that tells a plugin the name of its file.
  static let fileParameter = "default_model_filename"

  private func parameter(
    _ field: ProtobufField, _ entry: MessageReader
  ) throws(ConfigurationFault) -> JSONValue {
    if case .message = field.value {
      let value = try entry.message(field)
      guard let text = value.fields.first(where: { $0.name == "string_value" }) else {
        throw entry.fault(field, "{ string_value: \"…\" }")
      }
      return .string(try value.text(text))
    }
    return .string(try entry.text(field))
  }

  private mutating func readFileName(
    _ field: ProtobufField, _ message: MessageReader
  ) throws(ConfigurationFault) {
    let name = try message.text(field)
    if name.isEmpty { return }
    guard TritonConfiguration.isPlain(name), !name.contains("/") else {
      throw message.fault(field, "the name of a file in the version folders")
    }
    parameters.append((TritonConfiguration.fileParameter, .string(name)))
  }

  private mutating func readCache(_ cache: MessageReader) throws(ConfigurationFault) {
    for field in cache.fields {
      guard field.name == "enable" else {
        note(cache.unknown(field))
        continue
      }
      configuration.cacheBytes = try cache.bool(field) ? TritonConfiguration.cacheBytes : nil
    }
  }

  private mutating func readInstances(_ group: MessageReader) throws(ConfigurationFault) {
    for field in group.fields {
      switch field.name {
      case "count":
        configuration.instances = (configuration.instances ?? 0) + (try group.integer(field, 1...65_536))
      case "name": break
      case "kind":
        let kind = try group.word(field)
        if kind == "KIND_GPU" { note(group.ignored(field, because: "models run on the CPU")) }
      case "gpus", "rate_limiter", "profile", "passive", "secondary_devices", "host_policy":
        note(group.ignored(field, because: "models run on the CPU, by the server's own threads"))
      default: note(group.unknown(field))
      }
    }
  }

  func versionPolicy(_ policy: MessageReader) throws(ConfigurationFault) -> VersionPolicy {
    if policy.fields.isEmpty { return .latest(1) }
    guard policy.fields.count == 1, let field = policy.fields.first else {
      throw ConfigurationFault("'\(policy.place)': expected one of latest, all and specific")
    }
    let choice = try policy.message(field)
    switch field.name {
    case "all": return .all
    case "latest":
      guard let count = choice.fields.first else { return .latest(1) }
      guard count.name == "num_versions" else { throw choice.fault(count, "num_versions") }
      return .latest(try choice.integer(count, 1...Int(Int32.max)))
    case "specific":
      var versions: [Int] = []
      for version in choice.fields {
        guard version.name == "versions" else { throw choice.fault(version, "versions") }
        versions.append(try choice.integer(version, 1...Int.max))
      }
      return .specific(versions)
    default: throw policy.fault(field, "one of latest, all and specific")
    }
  }
}
