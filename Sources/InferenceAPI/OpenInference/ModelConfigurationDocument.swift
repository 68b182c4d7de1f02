import JSON
import PluginHost
import Tensors

/// Triton's model configuration as JSON (`/v2/models/M/config`), said of a model by its own description: what
/// clients read of it, such as the largest batch and whether an input may be left out.
enum ModelConfigurationDocument {
  static func document(name: String, version: Int, _ description: ModelDescription) -> JSONValue {
    let isBatching = description.maximumBatch > 1
    var members: [(String, JSONValue)] = [
      ("name", .string(name)),
      ("platform", .string(description.platform)),
      ("backend", .string(description.platform)),
      (
        "version_policy", .object([("specific", .object([("versions", .array([.integer(Int64(version))]))]))])
      ),
      ("max_batch_size", .integer(isBatching ? Int64(description.maximumBatch) : 0)),
      ("input", .array(description.inputs.map { input($0, isBatching) })),
      ("output", .array(description.outputs.map { output($0, isBatching) })),
      ("instance_group", .array([instances(name, description)])),
      ("parameters", .object([])),
    ]
    if isBatching { members.append(("dynamic_batching", batching)) }
    return .object(members)
  }

  private static func input(_ spec: TensorSpec, _ isBatching: Bool) -> JSONValue {
    .object(
      tensor(spec, isBatching) + [
        ("format", .string("FORMAT_NONE")),
        ("is_shape_tensor", .bool(false)),
        ("allow_ragged_batch", .bool(spec.padValue != nil)),
        ("optional", .bool(spec.isOptional)),
      ])
  }

  private static func output(_ spec: TensorSpec, _ isBatching: Bool) -> JSONValue {
    .object(
      tensor(spec, isBatching) + [("label_filename", .string("")), ("is_shape_tensor", .bool(false))])
  }

  /// Dimension 0 is not told where it is the batch.
  private static func tensor(_ spec: TensorSpec, _ isBatching: Bool) -> [(String, JSONValue)] {
    let dimensions = isBatching ? Array(spec.shape.dropFirst()) : Array(spec.shape)
    return [
      ("name", .string(spec.name)),
      ("data_type", .string(spec.datatype.configurationName)),
      ("dims", .array(dimensions.map { .integer(Int64($0)) })),
    ]
  }

  private static func instances(_ name: String, _ description: ModelDescription) -> JSONValue {
    .object([
      ("name", .string(name)), ("kind", .string("KIND_CPU")), ("count", .integer(1)), ("gpus", .array([])),
    ])
  }

  private static let batching: JSONValue = .object([
    ("preferred_batch_size", .array([])), ("max_queue_delay_microseconds", .integer(0)),
    ("preserve_ordering", .bool(false)), ("priority_levels", .integer(0)),
    ("default_priority_level", .integer(0)), ("priority_queue_policy", .object([])),
  ])
}

extension Datatype {
  /// Triton's name in configurations, for example `TYPE_FP32`.
  var configurationName: String { self == .bytes ? "TYPE_STRING" : "TYPE_" + name }
}
