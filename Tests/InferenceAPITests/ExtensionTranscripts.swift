/// What Triton's extensions and TensorFlow Serving's other verbs answer.
enum ExtensionTranscripts {
  private static let half = "/v1/models/half_plus_two"

  private static func classified(_ count: Int, _ values: String, shape: String = "[1,3]") -> String {
    #"{"inputs":[{"name":"x","shape":\#(shape),"datatype":"FP32","data":\#(values)}],"#
      + #""outputs":[{"name":"p","parameters":{"classification":\#(count)}}]}"#
  }

  static let classification: [Transcript] = [
    .post(
      "/v2/models/scores/infer", classified(2, "[0.1,0.7,0.2]"), 200,
      .part(
        #""outputs":[{"name":"p","datatype":"BYTES","shape":[1,2],"data":["0.700000:1:dog","0.200000:2:fish"]}]"#
      )),
    .post(
      "/v2/models/scores/infer", classified(9, "[1,1,2,NaN,-Infinity,0]", shape: "[2,3]"), 200,
      .part(
        #""shape":[2,3],"data":["2.000000:2:fish","1.000000:0:cat","1.000000:1:dog","0.000000:2:fish","#)),
    .post(
      "/v2/models/scores/infer", classified(2, "[]", shape: "[0,3]"), 200, .part(#""shape":[0,0],"data":[]"#)),
    .post(
      "/v2/models/echo/infer",
      #"{"inputs":[{"name":"text_input","shape":[1],"datatype":"BYTES","data":["a"]}],"#
        + #""outputs":[{"name":"text_output","parameters":{"classification":1}}]}"#, 400,
      .error("class result not available for output due to unsupported type 'BYTES'")),
    .post(
      "/v2/models/scores/infer",
      #"{"inputs":[{"name":"x","shape":[1,3],"datatype":"FP32","data":[1,2,3]}],"outputs":[{"name":"p","#
        + #""parameters":{"classification":-1}}]}"#, 400,
      .error("Unable to parse 'parameters': outputs[0].parameters")),
  ]

  static let settings: [Transcript] = [
    .get(
      "/v2/models/simple/config", 200,
      .part(
        #""max_batch_size":8,"input":[{"name":"INPUT0","data_type":"TYPE_INT32","dims":[16],"format":"FORMAT_NONE""#
      )),
    .get(
      "/v2/models/echo/versions/1/config", 200,
      .part(#""max_batch_size":0,"input":[{"name":"text_input","data_type":"TYPE_STRING","dims":[1]"#)),
    .get("/v2/models/nope/config", 404, .error("Request for unknown model: 'nope' is not found")),
    .get("/v2/models/broken/config", 503, .part("model.onnx is cut off")),
    .get("/v2/models/stats", 200, .part(#"{"model_stats":[{"name":"busy","version":"1","last_inference":0"#)),
    .get("/v2/models/broken/stats", 200, .part(#"{"model_stats":[]}"#)),
    .get(
      "/v2/logging", 200,
      .body(
        #"{"log_file":"","log_info":false,"log_warning":false,"log_error":true,"log_verbose_level":0,"log_format":"ISO8601"}"#
      )),
    .post(
      "/v2/logging", #"{"log_info":true,"log_verbose_level":2,"log_format":"ISO8601"}"#, 200,
      .part(#""log_info":true,"log_warning":false,"log_error":true,"log_verbose_level":1"#)),
    .post(
      "/v2/logging", #"{"log_info":true,"log_error":"no"}"#, 400, .error("log_error: expected true or false")),
    .post(
      "/v2/logging", #"{"log_verbose_level":-1}"#, 400,
      .error("log_verbose_level: expected an integer of 0 or more")),
    .post("/v2/logging", #"{"log_file":"/etc/passwd"}"#, 400, .error("log file location can not be updated")),
    .post("/v2/logging", #"{"log_file":"","log_format":"ISO8601"}"#, 200, .part(#""log_error":true"#)),
    .post("/v2/logging", #"{"log_verbose_level":0.0}"#, 200, .part(#""log_verbose_level":0"#)),
    .post(
      "/v2/logging", #"{"log_verbose_level":0.5}"#, 400, .error("log_verbose_level: expected an integer")),
    .post("/v2/logging", #"{"log_nothing":1}"#, 400, .error("log_nothing: no such log setting")),
    .get("/v2/trace/setting", 200, .part(#""trace_level":["OFF"],"trace_rate":"1000","trace_count":"-1""#)),
    .get("/v2/models/simple/trace/setting", 200, .part(#""trace_level":["OFF"]"#)),
    .get("/v2/models/nope/trace/setting", 404, .error("Request for unknown model")),
    .post(
      "/v2/trace/setting", #"{"trace_level":["OFF"],"trace_rate":null}"#, 200, .part(#""log_frequency":"0""#)),
    .post(
      "/v2/trace/setting", #"{"trace_level":["TIMESTAMPS"]}"#, 400,
      .error("trace_level: this server has no file to write traces to; start it with --trace-file FILE")),
    .post("/v2/trace/setting", #"{"nope":1}"#, 400, .error("nope: no such trace setting")),
    .get("/v2/cudasharedmemory/status", 200, .body("[]")),
    .get(
      "/v2/cudasharedmemory/region/r/status", 404, .error("Unable to find cuda shared memory region: 'r'")),
    .post(
      "/v2/cudasharedmemory/region/r/register", "{}", 400,
      .error("failed to register CUDA shared memory region: 'r', GPUs not supported")),
    .post("/v2/cudasharedmemory/unregister", "", 200, .body("")),
    .get("/v2/systemsharedmemory/status", 501, .error("shared memory is not enabled")),
    .get("/v2/models/simple/openapi.json", 200, .part(#""/v2/models/simple/infer":{"post":"#)),
    .get("/v2/models/simple/versions/1/openapi.json", 200, .part(#""/v2/models/simple/versions/1/infer":"#)),
  ]

  static let generate: [Transcript] = [
    .post(
      "/v2/models/echo/generate", #"{"id":"7","text_input":"hé","temperature":0.5}"#, 200,
      .body(#"{"id":"7","model_name":"echo","model_version":"1","text_output":"hé"}"#)),
    .post(
      "/v2/models/echo/generate", #"{"parameters":{"text_input":["x"],"stop":["a"]}}"#, 200,
      .body(#"{"model_name":"echo","model_version":"1","text_output":"x"}"#)),
    .post(
      "/v2/models/half_plus_two/generate", #"{"x":[1,2]}"#, 200,
      .body(#"{"model_name":"half_plus_two","model_version":"123","y":[2.5,3.0]}"#)),
    .post("/v2/models/number/generate", #"{"x":1}"#, 200, .part(#""y":1.0"#)),
    .post(
      "/v2/models/echo/generate", #"{}"#, 400, .error("expected 1 inputs but got 0 inputs for model 'echo'")),
    .post("/v2/models/echo/generate", #"{"text_input":5}"#, 400, .part("text_input")),
    .post(
      "/v2/models/echo/generate", #"{"text_input":[["x"]]}"#, 400,
      .error("text_input: expected at most 1 levels of lists")),
    .post(
      "/v2/models/echo/generate", #"{"text_input":"a","text_input":"b"}"#, 400,
      .error("text_input: this input is given twice")),
    .post(
      "/v2/models/echo/generate", #"{"text_input":"a","triton_x":1}"#, 400,
      .error("parameter keys starting with 'triton_'")),
    .post("/v2/models/echo/generate", "", 400, .error("failed to parse the request JSON buffer")),
    .post("/v2/models/echo/generate", "{} x", 400, .error("failed to parse the request JSON buffer")),
    .post("/v2/models/nope/generate_stream", "{}", 404, .error("Request for unknown model")),
    .post("/v2/models/echo/generate_stream", "{", 400, .error("failed to parse the request JSON buffer")),
    .post("/v2/models/echo/generate_stream", "{}", 400, .error("expected 1 inputs")),
    .post(
      "/v2/models/busy/generate_stream", #"{"x":1}"#, 429, .error("Exceeds maximum queue size"),
      answerHeaders: ["Content-Type: application/json"]),
  ]

  static let tensorFlowServing: [Transcript] = [
    .post(
      "\(half):classify", #"{"signature_name":"classify_x_to_y","examples":[{"x":2.0}]}"#, 200,
      .body(#"{"results":[[["",3.0]]]}"#)),
    .post(
      "\(half):regress", #"{"signature_name":"regress_x_to_y","examples":[{"x":2.0},{"x":[4]}]}"#, 400,
      .error("Feature: x: Expecting shape [] but got: [1]")),
    .post(
      "\(half):regress", #"{"signature_name":"regress_x_to_y","examples":[{"x":2.0}]}"#, 200,
      .body(#"{"results":[3.0]}"#)),
    .post("\(half):regress", #"{"examples":[{"x":[2]},{"x":[4]}]}"#, 200, .body(#"{"results":[3.0,4.0]}"#)),
    .post(
      "\(half):regress", #"{"context":{"x":2},"examples":[{},{"x":4,"other":"y"}]}"#, 200,
      .body(#"{"results":[3.0,4.0]}"#)),
    .post("/v1/models/number:regress", #"{"examples":[{"x":2}]}"#, 200, .body(#"{"results":[2.0]}"#)),
    .post(
      "/v1/models/scores:classify", #"{"examples":[{"x":[0.5,0.25,0]}]}"#, 200,
      .body(#"{"results":[[["cat",0.5],["dog",0.25],["fish",0.0]]]}"#)),
    .post(
      "/v1/models/scores:regress", #"{"examples":[{"x":[0.5,0.25,0]}]}"#, 400,
      .error("Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [1,3]")),
    .post(
      "\(half):classify", "{}", 400,
      .error("When method is classify, key 'examples' is expected and was not found")),
    .post(
      "\(half):regress", #"{"examples":[]}"#, 400,
      .error("When method is regress, key 'examples' is expected and value is an empty array")),
    .post("\(half):regress", #"{"examples":[1]}"#, 400, .error("Example: 0 is no object")),
    .post("\(half):regress", #"{"examples":[{"x":null}]}"#, 400, .part("examples[0].x")),
    .post(
      "\(half):regress", #"{"examples":[{"x":1},{}]}"#, 400, .error("Feature: x is missing (examples[1])")),
    .post("\(half):regress", #"{"examples":[{"x":1,"x":1}]}"#, 400, .error("Feature: x is given twice")),
    .post("\(half):regress", "", 400, .error("JSON Parse error: The document is empty")),
    .post("\(half):regress", "[", 400, .error("JSON Parse error")),
    .post("\(half)/labels/stable:predict", #"{"instances":[0]}"#, 200, .body(#"{"predictions":[2.0]}"#)),
    .post(
      "\(half)/labels/canary:predict", #"{"instances":[0]}"#, 400,
      .error("Unrecognized servable version label: canary")),
    .post(
      "/v1/models/nope/labels/stable:predict", #"{"instances":[0]}"#, 404,
      .error("Servable not found for request: Latest(nope)")),
    .get("\(half)/labels/anything", 200, .part(#""model_version_status":[{"version":"123""#)),
    .get("\(half)/labels/stable/metadata", 200, .part(#""version":"123""#)),
    .post("/V1/Models/half_plus_two:PREDICT", #"{"instances":[0]}"#, 200, .body(#"{"predictions":[2.0]}"#)),
    .post(
      "/v1/models/half_plus_two/VERSIONS/123:Predict", #"{"instances":[0]}"#, 200,
      .body(#"{"predictions":[2.0]}"#)),
    .post(
      "/v1/models/HALF_plus_two:predict", #"{"instances":[0]}"#, 404,
      .error("Servable not found for request: Latest(HALF_plus_two)")),
    .get("/V1/models/half_plus_two/METADATA", 200, .part(#""signature_def""#)),
    .post("\(half):explain", #"{"instances":[0]}"#, 501, .error("model 'half_plus_two' does not explain")),
    .post("/v1/models/nope:explain", "{}", 404, .error("Servable not found")),
  ]
}
