import JSON
import PluginHost
import Serving
import Tensors

/// Small documents about the server and its models.
enum ServerDocuments {
  /// Extensions of the Open Inference Protocol that always work.
  static let extensions = [
    "binary_tensor_data", "classification", "generate", "logging", "model_configuration", "model_repository",
    "model_repository(unload_dependents)", "parameters", "schedule_policy", "sequence", "statistics",
    "tfs_rest_v1",
  ]

  static func metadata(_ identity: ServerIdentity, extensions: [String]) -> JSONValue {
    .object([
      ("name", .string(identity.name)),
      ("version", .string(identity.version)),
      ("extensions", .array(extensions.map(JSONValue.string))),
    ])
  }

  /// Each model's name once, in order.
  static func names(_ models: [any InferenceModel]) -> JSONValue {
    .array(uniqueNames(models).map(JSONValue.string))
  }

  static func uniqueNames(_ models: [any InferenceModel]) -> [String] {
    var names: [String] = []
    for model in models where names.last != model.name { names.append(model.name) }
    return names
  }

  static func tensor(_ spec: TensorSpec) -> JSONValue {
    .object([
      ("name", .string(spec.name)),
      ("datatype", .string(spec.datatype.name)),
      ("shape", .array(spec.shape.map { .integer(Int64($0)) })),
    ])
  }

  static let links: [(name: String, path: String)] = [
    ("health", "/healthz"), ("ready", "/readyz"), ("metrics", "/metrics"), ("openapi", "/openapi.yaml"),
    ("open_inference_protocol", "/v2"), ("tensorflow_serving", "/v1/models"),
  ]

  static let summary =
    "A model server: the Open Inference Protocol under /v2, TensorFlow Serving's REST under /v1."

  static func index(_ identity: ServerIdentity, _ models: [any InferenceModel]) -> JSONValue {
    .object([
      ("name", .string(identity.name)),
      ("version", .string(identity.version)),
      // KServe's client of protocol v1 asks this for whether the server is live.
      ("status", "alive"),
      ("description", .string(summary)),
      ("models", .array(models.map(entry))),
      ("links", .object(links.map { ($0.name, .string($0.path)) })),
    ])
  }

  private static func entry(_ model: any InferenceModel) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("name", .string(model.name)), ("version", .string(String(model.version))),
      ("state", .string(model.state.name)),
    ]
    if case .failed(let reason) = model.state { members.append(("reason", .string(reason))) }
    let base = "/v2/models/\(PathText.encoded(model.name))/versions/\(model.version)"
    members.append(
      (
        "links",
        .object([
          ("metadata", .string(base)), ("infer", .string(base + "/infer")),
          ("openapi", .string(base + "/openapi.json")),
        ])
      ))
    return .object(members)
  }
}

/// Text for a path.
enum PathText {
  /// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3).
  static func encoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let hex = String(byte, radix: 16, uppercase: true)
        result += hex.utf8.count == 1 ? "%0" + hex : "%" + hex
      }
    }
    return result
  }
}
