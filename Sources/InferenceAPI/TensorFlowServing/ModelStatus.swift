import JSON
import PluginHost
import Serving
import Tensors

/// The documents of `/v1/models`: TensorFlow Serving's, with the members that KServe's and OpenAI's
/// clients look for beside them.
enum ModelStatus {
  static func list(_ models: [any InferenceModel], _ identity: ServerIdentity) -> JSONValue {
    let names = ServerDocuments.uniqueNames(models)
    return .object([
      ("object", .string("list")),
      ("data", .array(names.map { .object(openAI($0, identity)) })),
      ("models", .array(names.map(JSONValue.string))),
    ])
  }

  /// The status of `versions`, which are all of one model, newest first.
  static func status(_ versions: [any InferenceModel], name: String, _ identity: ServerIdentity) -> JSONValue
  {
    .object(
      [
        ("model_version_status", .array(versions.map(entry))),
        ("name", .string(name)),
        ("ready", .bool(versions.contains(where: \.isReady))),
      ] + openAI(name, identity))
  }

  private static func openAI(_ name: String, _ identity: ServerIdentity) -> [(String, JSONValue)] {
    [
      ("id", .string(name)), ("object", .string("model")), ("created", .integer(identity.startedAt)),
      ("owned_by", .string(identity.name)),
    ]
  }

  private static func entry(_ model: any InferenceModel) -> JSONValue {
    var (state, code, message) = ("", "OK", "")
    switch model.state {
    case .loading: state = "LOADING"
    case .ready: state = "AVAILABLE"
    case .unloading: state = "UNLOADING"
    case .unloaded: state = "END"
    case .failed(let reason): (state, code, message) = ("END", "INTERNAL", reason)
    }
    return .object([
      ("version", .string(String(model.version))),
      ("state", .string(state)),
      ("status", .object([("error_code", .string(code)), ("error_message", .string(message))])),
    ])
  }
}

/// The document of `/v1/models/M/metadata`.
enum ServableMetadata {
  static func document(name: String, version: Int, _ description: ModelDescription) -> JSONValue {
    let signature: JSONValue = .object([
      ("inputs", tensors(description.inputs)),
      ("outputs", tensors(description.outputs)),
      ("method_name", .string("tensorflow/serving/predict")),
    ])
    let spec: JSONValue = .object([
      ("name", .string(name)), ("signature_name", .string("")), ("version", .string(String(version))),
    ])
    let definitions: JSONValue = .object([(PredictRequestReader.defaultSignature, signature)])
    // The member stands twice, one in the other, as the field of TensorFlow Serving's message does.
    return .object([
      ("model_spec", spec),
      ("metadata", .object([("signature_def", .object([("signature_def", definitions)]))])),
    ])
  }

  private static func tensors(_ specs: [TensorSpec]) -> JSONValue {
    .object(specs.map { ($0.name, tensor($0)) })
  }

  private static func tensor(_ spec: TensorSpec) -> JSONValue {
    let sizes: [JSONValue] = spec.shape.map {
      .object([("size", .string(String($0))), ("name", .string(""))])
    }
    return .object([
      ("dtype", .string(spec.datatype.tensorFlowName)),
      ("tensor_shape", .object([("dim", .array(sizes)), ("unknown_rank", .bool(false))])),
      ("name", .string("\(spec.name):0")),
    ])
  }
}
