import HTTP
import JSON
import PluginHost
import Tensors

extension InferenceService {
  /// A description of one model's own routes, made from what the model says of itself.
  func answerModelOpenAPI(_ exchange: Exchange, _ parameters: PathParameters) throws(APIFailure) {
    let reference = try reference(exchange, parameters, .openInference)
    let ready = try readyModel(reference, .openInference)
    let (model, description) = (ready.model, ready.description)
    exchange.respond(
      ModelOpenAPI(
        name: model.name, version: reference.isNewest ? nil : model.version, served: model.version,
        description: description
      ).document)
  }
}

/// An OpenAPI document of one model: its paths, with schemas in which its inputs and outputs have their names,
/// datatypes and shapes.
struct ModelOpenAPI {
  let name: String
  /// Set if the paths name the version.
  let version: Int?
  /// The version that the description is of.
  let served: Int
  let description: ModelDescription

  var document: JSONValue {
    let encoded = PathText.encoded(name) + (version.map { "/versions/\($0)" } ?? "")
    let paths: [(String, JSONValue)] = [
      ("/v2/models/\(encoded)", get("Model metadata", response(.object([])))),
      ("/v2/models/\(encoded)/ready", get("Whether the model is ready", response(.object([])))),
      ("/v2/models/\(encoded)/infer", post("Infer", inferRequest, inferResponse)),
      ("/v2/models/\(encoded)/generate", post("Generate, in one answer", generateRequest, generateResponse)),
      ("/v1/models/\(encoded):predict", post("Predict", predictRequest, predictResponse)),
    ]
    return [
      "openapi": "3.1.0",
      "info": [
        "title": .string(name), "version": .string(String(served)),
        "description": "One model of a model server; /openapi.yaml describes the whole server.",
      ],
      "paths": .object(paths),
      "components": [
        "schemas": ["Error": ModelOpenAPI.object([("error", ["type": "string"])], required: ["error"])]
      ],
    ]
  }

  // MARK: - Operations

  private func get(_ summary: String, _ response: JSONValue) -> JSONValue {
    ["get": ["summary": .string(summary), "responses": responses(response)]]
  }

  private func post(_ summary: String, _ request: JSONValue, _ answer: JSONValue) -> JSONValue {
    [
      "post": [
        "summary": .string(summary),
        "requestBody": ["required": true, "content": ["application/json": ["schema": request]]],
        "responses": responses(response(answer)),
      ]
    ]
  }

  private func response(_ schema: JSONValue) -> JSONValue {
    ["description": "The answer.", "content": ["application/json": ["schema": schema]]]
  }

  private func responses(_ success: JSONValue) -> JSONValue {
    [
      "200": success,
      "default": [
        "description": "What was expected, what came, where, and what to do.",
        "content": ["application/json": ["schema": ["$ref": "#/components/schemas/Error"]]],
      ],
    ]
  }

  // MARK: - Schemas

  private static func object(_ properties: [(String, JSONValue)], required: [String]) -> JSONValue {
    [
      "type": "object", "required": .array(required.map(JSONValue.string)), "properties": .object(properties),
    ]
  }

  private var inferRequest: JSONValue {
    ModelOpenAPI.object(
      [
        ("id", ["type": ["string", "null"]]),
        ("parameters", ["type": ["object", "null"]]),
        ("inputs", list(of: description.inputs.map { tensor($0) }, isWhole: false)),
        (
          "outputs",
          [
            "type": ["array", "null"],
            "items": ModelOpenAPI.object(
              [("name", ["enum": .array(description.outputs.map { .string($0.name) })])], required: ["name"]),
          ]
        ),
      ], required: ["inputs"])
  }

  private var inferResponse: JSONValue {
    ModelOpenAPI.object(
      [
        ("id", ["type": "string"]), ("model_name", ["const": .string(name)]),
        ("model_version", ["type": "string"]),
        ("outputs", list(of: description.outputs.map { tensor($0) }, isWhole: true)),
      ], required: ["model_name", "model_version", "outputs"])
  }

  private func list(of tensors: [JSONValue], isWhole: Bool) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("type", "array"), ("maxItems", .integer(Int64(tensors.count))),
    ]
    // A schema of no alternatives is none.
    if !tensors.isEmpty { members.append(("items", ["oneOf": .array(tensors)])) }
    if !isWhole { members.append(("minItems", .integer(Int64(description.inputs.count { !$0.isOptional })))) }
    return .object(members)
  }

  private func tensor(_ spec: TensorSpec) -> JSONValue {
    let rank = JSONValue.integer(Int64(spec.shape.rank))
    let shape: JSONValue = [
      "type": "array", "minItems": rank, "maxItems": rank, "items": ["type": "integer", "minimum": 0],
      "description": .string("\(spec.shape); -1 is any size."),
    ]
    return ModelOpenAPI.object(
      [
        ("name", ["const": .string(spec.name)]), ("datatype", ["const": .string(spec.datatype.name)]),
        ("shape", shape),
        ("data", ["type": "array", "description": "Flat in row-major order, or nested as the shape."]),
      ], required: ["name", "datatype", "shape"])
  }

  private var generateRequest: JSONValue {
    ModelOpenAPI.object(
      [("id", ["type": "string"]), ("parameters", ["type": "object"])]
        + description.inputs.map { ($0.name, [:]) },
      required: description.inputs.filter { !$0.isOptional }.map(\.name))
  }

  private var generateResponse: JSONValue {
    ModelOpenAPI.object(
      [
        ("id", ["type": "string"]), ("model_name", ["const": .string(name)]),
        ("model_version", ["type": "string"]),
      ]
        + description.outputs.map { ($0.name, [:]) },
      required: ["model_name", "model_version"])
  }

  private var predictRequest: JSONValue {
    [
      "type": "object",
      "properties": [
        "signature_name": ["type": "string"],
        "instances": ["type": "array", "minItems": 1],
        "inputs": ["description": .string("A value for " + inputNames + ", or an object of all inputs.")],
      ],
      "oneOf": [["required": ["instances"]], ["required": ["inputs"]]],
    ]
  }

  private var inputNames: String { description.inputs.map { "'\($0.name)'" }.joined(separator: ", ") }

  private var predictResponse: JSONValue {
    [
      "type": "object", "properties": ["predictions": ["type": "array"], "outputs": [:]],
      "oneOf": [["required": ["predictions"]], ["required": ["outputs"]]],
    ]
  }
}
