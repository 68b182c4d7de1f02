import Testing

/// A request, and what its answer must be.
struct Transcript: Sendable, CustomTestStringConvertible {
  enum Expected: Sendable {
    /// The whole body, white space aside.
    case body(String)
    /// `{"error": …}` whose message begins so.
    case error(String)
    /// Any body that contains this text.
    case part(String)
  }

  var method: String
  var path: String
  var headers: [String] = []
  var requestBody: [UInt8] = []
  var status: Int
  var expected: Expected
  /// Lines that must be among the answer's header fields.
  var answerHeaders: [String] = []

  var testDescription: String {
    "\(method) \(path) \(String(decoding: requestBody.prefix(80), as: UTF8.self)) -> \(status)"
  }

  static func get(_ path: String, _ status: Int, _ expected: Expected, headers: [String] = []) -> Transcript {
    Transcript(method: "GET", path: path, headers: headers, status: status, expected: expected)
  }

  static func post(
    _ path: String, _ body: String, _ status: Int, _ expected: Expected, headers: [String] = [],
    answerHeaders: [String] = []
  ) -> Transcript {
    Transcript(
      method: "POST", path: path, headers: headers, requestBody: Array(body.utf8), status: status,
      expected: expected, answerHeaders: answerHeaders)
  }
}

/// What TensorFlow Serving and Triton answer, for the routes that are here, and what Swerve answers
/// on purpose otherwise (client faults are 4xx).
enum GoldenTranscripts {
  private static let half = "/v1/models/half_plus_two"
  private static let simple = "/v2/models/simple/infer"
  private static let sixteen = (0..<16).map(String.init).joined(separator: ",")
  private static let ones = [String](repeating: "1", count: 16).joined(separator: ",")
  private static let sums = (1...16).map(String.init).joined(separator: ",")
  private static let differences = (-1...14).map(String.init).joined(separator: ",")

  static let tensorFlowServing: [Transcript] = [
    .post("\(half):predict", #"{"instances":[1.0,2.0,5.0]}"#, 200, .body(#"{"predictions":[2.5,3.0,4.5]}"#)),
    .post("\(half):predict", #"{"inputs":[1.0,2.0]}"#, 200, .body(#"{"outputs":[2.5,3.0]}"#)),
    .post(
      "\(half):predict", #"{"inputs":{"x":[1.0,2.0]},"signature_name":"serving_default"}"#, 200,
      .body(#"{"outputs":[2.5,3.0]}"#)),
    .post("\(half):predict", #"{"instances":[{"x":1.0}]}"#, 200, .body(#"{"predictions":[2.5]}"#)),
    .post("\(half)/versions/123:predict", #"{"instances":[0]}"#, 200, .body(#"{"predictions":[2.0]}"#)),
    .post("\(half):predict", "", 400, .error("JSON Parse error: The document is empty")),
    .post("\(half):predict", "[1]", 400, .error("JSON Value: [1] Is not object")),
    .post("\(half):predict", "{}", 400, .error("Missing 'inputs' or 'instances' key")),
    .post(
      "\(half):predict", #"{"instances":["a"]}"#, 400,
      .error(
        "Failed to process element: 0 of 'instances' list. Error: INVALID_ARGUMENT: JSON Value: \"a\" Type: "
          + "String is not of expected type: float")),
    .post(
      "/v1/models/nope:predict", #"{"instances":[1]}"#, 404,
      .error("Servable not found for request: Latest(nope)")),
    .post(
      "\(half)/versions/7:predict", #"{"instances":[1]}"#, 404,
      .error("Servable not found for request: Specific(half_plus_two, 7)")),
    .post(
      "\(half)/versions/99999999999999999999:predict", #"{"instances":[1]}"#, 400,
      .error("Failed to convert version: 99999999999999999999 to numeric.")),
    .post("/v1/models/broken:predict", #"{"instances":[1]}"#, 503, .part("model.onnx is cut off")),
    .post("/v1/models/busy:predict", #"{"instances":[1]}"#, 429, .error("Exceeds maximum queue size")),
    .post("\(half):frobnicate", "{}", 400, .error("Malformed request: POST \(half):frobnicate")),
    .get("/v1/foo", 400, .error("Malformed request: GET /v1/foo")),
    .get("\(half):predict", 405, .error("Method Not Allowed")),
    .get(
      half, 200,
      .part(
        #""model_version_status":[{"version":"123","state":"AVAILABLE","status":{"error_code":"OK","error_message":""}}]"#
      )),
    .get("\(half)/versions/123", 200, .part(#""ready":true"#)),
    .get("\(half)/versions/7", 404, .error("Could not find version 7 of model half_plus_two")),
    .get("/v1/models/nope", 404, .error("Could not find any versions of model nope")),
    .get(
      "/v1/models/broken", 200,
      .part(
        #"[{"version":"1","state":"END","status":{"error_code":"INTERNAL","error_message":"model.onnxiscutoff"}}]"#
      )),
    .get("/v1/models", 200, .part(#""models":["broken","busy","half_plus_two","identity_fp32","simple"]"#)),
    .get(
      "/v1/models", 200,
      .part(
        #"{"object":"list","data":[{"id":"broken","object":"model","created":1700000000,"owned_by":"swerve"}"#
      )),
    .get(
      "\(half)/metadata", 200,
      .part(
        #""serving_default":{"inputs":{"x":{"dtype":"DT_FLOAT","tensor_shape":{"dim":[{"size":"-1","name":""}],"#
          + #""unknown_rank":false},"name":"x:0"}}"#)),
    .get(
      "\(half)/metadata", 200,
      .part(
        #"{"model_spec":{"name":"half_plus_two","signature_name":"","version":"123"}"#)),
  ]

  private static func simpleBody(_ first: String, _ second: String, extra: String = "") -> String {
    #"{"id":"7",\#(extra)"inputs":[{"name":"INPUT0","shape":[1,16],"datatype":"INT32","data":\#(first)},"#
      + #"{"name":"INPUT1","shape":[1,16],"datatype":"INT32","data":\#(second)}]}"#
  }

  static let openInference: [Transcript] = [
    .post(
      simple, simpleBody("[[\(sixteen)]]", "[\(ones)]"), 200,
      .body(
        #"{"id":"7","model_name":"simple","model_version":"1","outputs":["#
          + #"{"name":"OUTPUT0","datatype":"INT32","shape":[1,16],"data":[\#(sums)]},"#
          + #"{"name":"OUTPUT1","datatype":"INT32","shape":[1,16],"data":[\#(differences)]}]}"#)),
    .post(
      simple, simpleBody("[\(sixteen)]", "[\(ones)]", extra: #""outputs":[{"name":"OUTPUT1"}],"#), 200,
      .part(#""outputs":[{"name":"OUTPUT1","datatype":"INT32","shape":[1,16],"data":[\#(differences)]}]"#)),
    .post(
      simple, simpleBody("[\(sixteen)]", "[\(ones)]", extra: #""outputs":[{"name":"nope"}],"#), 400,
      .error("unexpected inference output 'nope' for model 'simple'")),
    .post(
      simple,
      #"{"inputs":[{"name":"INPUT0","shape":[1,8],"datatype":"INT32","data":[1,1,1,1,1,1,1,1]}]}"#, 400,
      .error(
        "[request id: <id_unknown>] expected 2 inputs but got 1 inputs for model 'simple'. Got input(s) ['INPUT0'], "
          + "but missing required input(s) ['INPUT1']. Please provide all required input(s).")),
    .post(
      simple, simpleBody("[\(sixteen)]", "[1]"), 400, .error("Unable to parse 'data'")),
    .post(
      "/v2/models/identity_fp32/infer",
      #"{"id":"q","inputs":[{"name":"INPUT0","shape":[1],"datatype":"INT32","data":[1]}]}"#, 400,
      .error(
        "[request id: q] inference input 'INPUT0' data-type is 'INT32', but model 'identity_fp32' expects 'FP32' "
          + "(inputs[0])")),
    .post(
      "/v2/models/identity_fp32/infer",
      #"{"inputs":[{"name":"INPUT0","shape":[1,2],"datatype":"FP32","data":[1,2]}]}"#, 400,
      .error(
        "[request id: <id_unknown>] unexpected shape for input 'INPUT0' for model 'identity_fp32'. Expected [-1], "
          + "got [1,2].")),
    .post(simple, "{", 400, .error("failed to parse the request JSON buffer")),
    .post(
      simple, "{}", 415,
      .error("Content-Encoding \"br\" is not supported; expected gzip, deflate or identity"),
      headers: ["Content-Encoding: br"], answerHeaders: ["Accept-Encoding: gzip, deflate"]),
    .post(
      simple, "{}", 400, .error("the body is not valid gzip, which Content-Encoding says it is"),
      headers: ["Content-Encoding: gzip"]),
    .post(
      "/v2/models/busy/infer", #"{"inputs":[{"name":"x","shape":[1],"datatype":"FP32","data":[1]}]}"#, 429,
      .error("[request id: <id_unknown>] Exceeds maximum queue size")),
    .post("/v2/models/broken/infer", "{}", 503, .part("model.onnx is cut off")),
    .post("/v2/models/nope/infer", "{}", 404, .error("Request for unknown model: 'nope' is not found")),
    .get(
      "/v2/models/simple", 200,
      .body(
        #"{"name":"simple","versions":["1"],"platform":"fake","inputs":[{"name":"INPUT0","datatype":"INT32","shape":[-1,16]},"#
          + #"{"name":"INPUT1","datatype":"INT32","shape":[-1,16]}],"outputs":[{"name":"OUTPUT0","datatype":"INT32","#
          + #""shape":[-1,16]},{"name":"OUTPUT1","datatype":"INT32","shape":[-1,16]}]}"#)),
    .get("/v2/models/simple/versions/0", 200, .part(#""name":"simple""#)),
    .get("/v2/models/simple/versions/x", 404, .error("Not Found")),
    .get("/v2/models/nope", 404, .error("Request for unknown model: 'nope' is not found")),
    .get("/v2/models/simple/ready", 200, .body(#"{"name":"simple","ready":true}"#)),
    .get(
      "/v2/models/simple/versions/9/ready", 404,
      .error("Request for unknown model: 'simple' version 9 is not found")),
    .get("/v2/models/broken/ready", 503, .part(#""ready":false"#)),
    .get(
      "/v2/models/broken", 503, .error("Request for unknown model: 'broken' version 1 is not at ready state")),
    .get("/v2/x", 404, .error("Not Found")),
    .get("/v2/models/simple/infer", 405, .error("Method Not Allowed")),
    .get("/v2/models", 200, .body(#"{"models":["broken","busy","half_plus_two","identity_fp32","simple"]}"#)),
    .get("/v2", 200, .part(#""extensions":["binary_tensor_data""#)),
    .get("/v2/health/live", 200, .body(#"{"live":true}"#)),
    .get("/v2/health/ready", 503, .part("model.onnxiscutoff")),
    .get("/livez", 200, .body(#"{"live":true}"#)),
    .get("/readyz", 503, .part(#"{"ready":false,"reasons":["model'broken'version1failedtoload"#)),
    .get("/healthz", 200, .body(#"{"live":true,"ready":false}"#)),
    .get("/metrics", 200, .part("# TYPE swerve_requests_total counter")),
    .get("/openapi.yaml", 200, .part("openapi: 3.1.0")),
    .get("/", 200, .part(#"{"name":"broken","version":"1","state":"failed","reason":"model.onnxiscutoff""#)),
    .get("/", 200, .part("<td>failed: model.onnx is cut off</td>"), headers: ["Accept: text/html"]),
  ]

  static let binary: [Transcript] = {
    func int32(_ values: some Sequence<Int32>) -> [UInt8] {
      values.flatMap { withUnsafeBytes(of: $0.littleEndian, Array.init) }
    }
    let json =
      #"{"id":"7","parameters":{"binary_data_output":true},"inputs":["#
      + #"{"name":"INPUT0","shape":[1,16],"datatype":"INT32","parameters":{"binary_data_size":64}},"#
      + #"{"name":"INPUT1","shape":[1,16],"datatype":"INT32","parameters":{"binary_data_size":64}}]}"#
    let answer =
      #"{"id":"7","model_name":"simple","model_version":"1","outputs":["#
      + #"{"name":"OUTPUT0","datatype":"INT32","shape":[1,16],"parameters":{"binary_data_size":64}},"#
      + #"{"name":"OUTPUT1","datatype":"INT32","shape":[1,16],"parameters":{"binary_data_size":64}}]}"#
    let rawAnswer =
      #"{"model_name":"identity_fp32","model_version":"1","outputs":["#
      + #"{"name":"OUTPUT0","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}}]}"#
    return [
      Transcript(
        method: "POST", path: simple, headers: ["Inference-Header-Content-Length: \(json.utf8.count)"],
        requestBody: Array(json.utf8) + int32(0..<16) + int32([Int32](repeating: 1, count: 16)), status: 200,
        expected: .body(String(decoding: Array(answer.utf8) + int32(1...16) + int32(-1...14), as: UTF8.self)),
        answerHeaders: [
          "Content-Type: application/octet-stream", "Inference-Header-Content-Length: \(answer.utf8.count)",
        ]),
      Transcript(
        method: "POST", path: "/v2/models/identity_fp32/infer",
        headers: ["Inference-Header-Content-Length: 0"],
        requestBody: [0, 0, 0x80, 0x3f], status: 200,
        expected: .body(String(decoding: Array(rawAnswer.utf8) + [0, 0, 0x80, 0x3f], as: UTF8.self)),
        answerHeaders: ["Inference-Header-Content-Length: \(rawAnswer.utf8.count)"]),
      Transcript(
        method: "POST", path: simple, headers: ["Inference-Header-Content-Length: 1000000"],
        requestBody: Array("{}".utf8), status: 400,
        expected: .error("inference header size should be in range (0, 2), got: 1000000")),
      Transcript(
        method: "POST", path: simple, headers: ["Inference-Header-Content-Length: -1"],
        requestBody: Array("{}".utf8), status: 400,
        expected: .error("inference header size should be in range")),
    ]
  }()
}
