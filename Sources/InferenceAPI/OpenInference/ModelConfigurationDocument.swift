import Bytes
import JSON
import PluginHost
import Serving
import Tensors

/// Triton's model configuration as JSON (`/v2/models/M/config`): what the operator configured, completed by what the
/// model says of itself. A load that sends it back as `config` changes nothing.
struct ModelConfigurationDocument {
  let model: any InferenceModel
  let description: ModelDescription

  var configuration: ModelConfiguration { model.configuration }
  private var hasBatch: Bool { model.tellsBatch }

  var document: JSONValue {
    let (parameters, file) = parametersAndFile
    var members: [(String, JSONValue)] = [
      ("name", .string(model.name)),
      ("platform", .string(model.platform)),
      ("backend", .string(backend)),
      ("runtime", ""),
      ("version_policy", versionPolicy),
      ("max_batch_size", .integer(maximumBatch)),
      ("input", .array(description.inputs.map(input))),
      ("output", .array(description.outputs.map(output))),
      ("batch_input", []),
      ("batch_output", []),
      ("instance_group", .array([instances])),
      ("default_model_filename", .string(file)),
      ("cc_model_filenames", [:]),
      ("metric_tags", [:]),
      ("parameters", .object(parameters)),
      ("model_warmup", .array(configuration.warmUps.map(ModelConfigurationDocument.warmUp))),
    ]
    if let sequences = configuration.sequences {
      members.append(("sequence_batching", ModelConfigurationDocument.sequences(sequences)))
    } else if description.maximumBatch > 1 {
      members.append(("dynamic_batching", batching))
    }
    if configuration.cacheBytes != nil { members.append(("response_cache", ["enable": true])) }
    return .object(members)
  }

  /// A platform is `<plugin>_<format>`.
  private var backend: String {
    configuration.plugin ?? model.platform.split(separator: "_").first.map(String.init) ?? model.platform
  }

  /// 0: dimension 0 is like any other.
  private var maximumBatch: Int64 {
    guard hasBatch else { return 0 }
    let stacked = description.maximumBatch > 1 ? description.maximumBatch : Int.max
    return Int64(min(configuration.maximumBatch ?? stacked, stacked))
  }

  private var versionPolicy: JSONValue {
    switch configuration.versionPolicy {
    case .all: ["all": [:]]
    case .latest(let count): ["latest": ["num_versions": .integer(Int64(count))]]
    case .specific(let versions): ["specific": ["versions": .array(versions.map { .integer(Int64($0)) })]]
    }
  }

  private func input(_ spec: TensorSpec) -> JSONValue {
    let settings = configuration.inputs.first { $0.name == spec.name }
    return .object(
      tensor(spec, settings) + [
        ("format", "FORMAT_NONE"), ("is_shape_tensor", false),
        ("allow_ragged_batch", .bool(spec.padValue != nil)),
        ("optional", .bool(spec.isOptional)), ("is_non_linear_format_io", false),
      ])
  }

  private func output(_ spec: TensorSpec) -> JSONValue {
    let settings = configuration.outputs.first { $0.name == spec.name }
    return .object(
      tensor(spec, settings) + [
        ("label_filename", .string(settings?.labelFile ?? "")), ("is_shape_tensor", false),
        ("is_non_linear_format_io", false),
      ])
  }

  /// Dimension 0 is not told where it is the batch.
  private func tensor(_ spec: TensorSpec, _ settings: TensorSettings?) -> [(String, JSONValue)] {
    let dimensions = hasBatch ? Array(spec.shape.dropFirst()) : Array(spec.shape)
    var members: [(String, JSONValue)] = [
      ("name", .string(spec.name)),
      ("data_type", .string(spec.datatype.configurationName)),
      ("dims", ModelConfigurationDocument.list(dimensions)),
    ]
    if let reshaped = settings?.reshaped {
      members.append(("reshape", ["shape": ModelConfigurationDocument.list(reshaped)]))
    }
    return members
  }

  static func list(_ numbers: [Int]) -> JSONValue { .array(numbers.map { .integer(Int64($0)) }) }

  private var instances: JSONValue {
    [
      "name": .string(model.name), "kind": "KIND_CPU", "count": .integer(Int64(configuration.instances ?? 1)),
      "gpus": [],
    ]
  }

  /// What goes to the plugin, as Triton has it: texts; and the name of its file, which is a field of its own there.
  private var parametersAndFile: ([(String, JSONValue)], file: String) {
    let parsed = configuration.parameters.utf8.withContiguousStorageIfAvailable { text in
      try? JSONValue(parsing: UnsafeRawBufferPointer(text))
    }
    guard case .object(let members) = parsed ?? nil else { return ([], "") }
    var parameters: [(String, JSONValue)] = []
    var file = ""
    for (name, value) in members {
      switch value {
      case .string(let text) where name == "default_model_filename": file = text
      case .string: parameters.append((name, ["string_value": value]))
      default: parameters.append((name, ["string_value": .string(value.compactText)]))
      }
    }
    return (parameters, file)
  }

  private var batching: JSONValue {
    let settings = configuration.batching ?? BatchingSettings()
    return [
      "preferred_batch_size": [],
      "max_queue_delay_microseconds": .integer(settings.maximumDelay / 1000),
      "preserve_ordering": false,
      "priority_levels": .integer(Int64(settings.levels.count)),
      "default_priority_level": .integer(Int64(settings.defaultLevel)),
      "default_queue_policy": ModelConfigurationDocument.queue(settings.defaultQueue),
      "priority_queue_policy": .object(
        settings.levels.enumerated().map { (String($0 + 1), ModelConfigurationDocument.queue($1)) }),
    ]
  }

  private static func queue(_ settings: QueueSettings) -> JSONValue {
    [
      "timeout_action": settings.timeoutAction == .delay ? "DELAY" : "REJECT",
      "default_timeout_microseconds": .integer(settings.timeout / 1000), "allow_timeout_override": true,
      "max_queue_size": .integer(Int64(settings.maximumSize)),
    ]
  }
}

extension JSONValue {
  /// The value as JSON without spaces.
  fileprivate var compactText: String {
    let buffer = ByteBuffer()
    write(to: buffer)
    return String(decoding: buffer.bytes, as: UTF8.self)
  }
}

extension Datatype {
  /// Triton's name in configurations, for example `TYPE_FP32`.
  var configurationName: String { self == .bytes ? "TYPE_STRING" : "TYPE_" + name }
}
