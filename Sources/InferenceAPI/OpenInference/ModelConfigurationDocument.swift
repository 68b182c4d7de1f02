import Bytes
import JSON
import PluginHost
import Serving
import Tensors

/// Triton's model configuration as JSON (`/v2/models/M/config`): what the operator configured, completed by what the
/// model says of itself.
struct ModelConfigurationDocument {
  let model: any InferenceModel
  let description: ModelDescription

  private var configuration: ModelConfiguration { model.configuration }
  private var isBatching: Bool { description.maximumBatch > 1 }

  var document: JSONValue {
    var members: [(String, JSONValue)] = [
      ("name", .string(model.name)),
      ("platform", .string(model.platform)),
      ("backend", .string(configuration.plugin ?? model.platform)),
      ("version_policy", versionPolicy),
      ("max_batch_size", .integer(maximumBatch)),
      ("input", .array(description.inputs.map(input))),
      ("output", .array(description.outputs.map(output))),
      ("instance_group", .array([instances])),
      ("parameters", parameters),
    ]
    if isBatching { members.append(("dynamic_batching", batching)) }
    return .object(members)
  }

  /// 0: dimension 0 is like any other.
  private var maximumBatch: Int64 {
    guard isBatching else { return 0 }
    return Int64(min(configuration.maximumBatch ?? description.maximumBatch, description.maximumBatch))
  }

  private var versionPolicy: JSONValue {
    switch configuration.versionPolicy {
    case .all: ["all": [:]]
    case .latest(let count): ["latest": ["num_versions": .integer(Int64(count))]]
    case .specific(let versions): ["specific": ["versions": .array(versions.map { .integer(Int64($0)) })]]
    }
  }

  private func input(_ spec: TensorSpec) -> JSONValue {
    .object(
      tensor(spec) + [
        ("format", "FORMAT_NONE"), ("is_shape_tensor", false),
        ("allow_ragged_batch", .bool(spec.padValue != nil)),
        ("optional", .bool(spec.isOptional)),
      ])
  }

  private func output(_ spec: TensorSpec) -> JSONValue {
    .object(tensor(spec) + [("label_filename", ""), ("is_shape_tensor", false)])
  }

  /// Dimension 0 is not told where it is the batch.
  private func tensor(_ spec: TensorSpec) -> [(String, JSONValue)] {
    let dimensions = isBatching ? Array(spec.shape.dropFirst()) : Array(spec.shape)
    return [
      ("name", .string(spec.name)),
      ("data_type", .string(spec.datatype.configurationName)),
      ("dims", .array(dimensions.map { .integer(Int64($0)) })),
    ]
  }

  private var instances: JSONValue {
    [
      "name": .string(model.name), "kind": "KIND_CPU", "count": .integer(Int64(configuration.instances ?? 1)),
      "gpus": [],
    ]
  }

  /// What goes to the plugin, as Triton has it: texts.
  private var parameters: JSONValue {
    let parsed = configuration.parameters.utf8.withContiguousStorageIfAvailable { text in
      try? JSONValue(parsing: UnsafeRawBufferPointer(text))
    }
    guard case .object(let members) = parsed ?? nil else { return [:] }
    return .object(
      members.map { name, value in
        guard case .string = value else { return (name, ["string_value": .string(value.compactText)]) }
        return (name, ["string_value": value])
      })
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
