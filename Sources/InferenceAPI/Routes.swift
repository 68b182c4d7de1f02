import HTTP

/// What a route leads to.
enum Endpoint: Sendable {
  case index, openAPI, metrics
  case live, ready, health
  case serverMetadata, modelNames, modelMetadata, modelReady, modelConfiguration, modelOpenAPI
  case modelStatistics, batching
  case infer, generate, generateStream
  case repositoryIndex, repositoryLoad, repositoryUnload
  case logSettings, setLogSettings, traceSettings, setTraceSettings
  case sharedMemoryStatus, registerSharedMemory, unregisterSharedMemory
  case deviceMemoryStatus, registerDeviceMemory, unregisterDeviceMemory
  case modelList, modelStatus, servableMetadata, predict, classify, regress, explain
}

/// Every route of the server. `openapi.yaml` describes each; a test holds the two together.
enum Routes {
  static let all = server + openInference + settings + tensorFlowServing

  private static let server: [Route<Endpoint>] = [
    Route(.get, "/", .index),
    Route(.get, "/openapi.yaml", .openAPI),
    Route(.get, "/metrics", .metrics),
    Route(.get, "/monitoring/prometheus/metrics", .metrics),
    Route(.get, "/livez", .live),
    Route(.get, "/readyz", .ready),
    Route(.get, "/healthz", .health),
    Route(.get, "/admin/models/{model}/batching", .batching),
  ]

  private static let openInference: [Route<Endpoint>] =
    [
      Route(.get, "/v2/health/live", .live),
      Route(.get, "/v2/health/ready", .ready),
      Route(.get, "/v2", .serverMetadata),
      Route(.get, "/v2/models", .modelNames),
      Route(.get, "/v2/models/stats", .modelStatistics),
    ]
    + ["/v2/models/{model}", "/v2/models/{model}/versions/{version}"].flatMap { model -> [Route<Endpoint>] in
      [
        Route(.get, model, .modelMetadata),
        Route(.get, model + "/ready", .modelReady),
        Route(.get, model + "/config", .modelConfiguration),
        Route(.get, model + "/stats", .modelStatistics),
        Route(.get, model + "/openapi.json", .modelOpenAPI),
        Route(.post, model + "/infer", .infer),
        Route(.post, model + "/generate", .generate),
        Route(.post, model + "/generate_stream", .generateStream),
      ]
    }

  private static let settings: [Route<Endpoint>] =
    [
      Route(.post, "/v2/repository/index", .repositoryIndex),
      Route(.post, "/v2/repository/models/{model}/load", .repositoryLoad),
      Route(.post, "/v2/repository/models/{model}/unload", .repositoryUnload),
      Route(.post, "/v2/repository/{repository}/index", .repositoryIndex),
      Route(.post, "/v2/repository/{repository}/models/{model}/load", .repositoryLoad),
      Route(.post, "/v2/repository/{repository}/models/{model}/unload", .repositoryUnload),
      Route(.get, "/v2/logging", .logSettings),
      Route(.post, "/v2/logging", .setLogSettings),
      Route(.get, "/v2/trace/setting", .traceSettings),
      Route(.post, "/v2/trace/setting", .setTraceSettings),
      Route(.get, "/v2/models/{model}/trace/setting", .traceSettings),
      Route(.post, "/v2/models/{model}/trace/setting", .setTraceSettings),
    ]
    + memory("/v2/systemsharedmemory", .sharedMemoryStatus, .registerSharedMemory, .unregisterSharedMemory)
    + memory("/v2/cudasharedmemory", .deviceMemoryStatus, .registerDeviceMemory, .unregisterDeviceMemory)

  private static func memory(
    _ base: String, _ status: Endpoint, _ register: Endpoint, _ unregister: Endpoint
  ) -> [Route<Endpoint>] {
    [
      Route(.get, base + "/status", status),
      Route(.get, base + "/region/{region}/status", status),
      Route(.post, base + "/region/{region}/register", register),
      Route(.post, base + "/region/{region}/unregister", unregister),
      Route(.post, base + "/unregister", unregister),
    ]
  }

  private static let tensorFlowServing: [Route<Endpoint>] =
    [Route(.get, "/v1/models", .modelList)]
    + [
      "/v1/models/{model}", "/v1/models/{model}/versions/{version}", "/v1/models/{model}/labels/{label}",
    ].flatMap { model -> [Route<Endpoint>] in
      [
        Route(.get, model, .modelStatus),
        Route(.get, model + "/metadata", .servableMetadata),
        Route(.post, model + ":predict", .predict),
        Route(.post, model + ":classify", .classify),
        Route(.post, model + ":regress", .regress),
      ]
    }
    + [Route(.post, "/v1/models/{model}:explain", .explain)]

  /// The dialect whose words suit `path`.
  static func dialect(of path: String) -> Dialect {
    let bytes = path.utf8
    guard bytes.starts(with: "/v1".utf8) || bytes.starts(with: "/V1".utf8) else { return .openInference }
    let next = bytes.dropFirst(3).first
    return next == nil || next == UInt8(ascii: "/") ? .tensorFlowServing : .openInference
  }

  /// Whether `path` is one of the Open Inference Protocol's, not of the server's own.
  static func isOpenInference(_ path: String) -> Bool { path.utf8.starts(with: "/v2".utf8) }

  /// `path` with the fixed words of TensorFlow Serving's routes in lower case, since it ignores their case; nil for
  /// another dialect's path, and if it is so already.
  static func inLowerCase(_ path: String) -> String? {
    guard dialect(of: path) == .tensorFlowServing else { return nil }
    var segments = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    guard segments.count <= maximumSegments else { return nil }
    // "", "v1", "models", NAME, "versions" or "labels" or "metadata", VERSION, "metadata"
    for index in segments.indices where ![0, 3, 5].contains(index) {
      segments[index] = segments[index].lowercased()
    }
    if let last = segments.indices.last, let colon = segments[last].lastIndex(of: ":") {
      segments[last] = segments[last][..<colon] + segments[last][colon...].lowercased()
    }
    let lowered = segments.joined(separator: "/")
    return lowered == path ? nil : lowered
  }

  private static let maximumSegments = 7
}
