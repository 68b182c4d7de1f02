import HTTP

/// What a route leads to.
enum Endpoint: Sendable {
  case index, openAPI, metrics
  case live, ready, health
  case serverMetadata, modelNames, modelMetadata, modelReady, modelStatistics, infer
  case repositoryIndex, repositoryLoad, repositoryUnload
  case batching
  case modelList, modelStatus, servableMetadata, predict
}

/// Every route of the server. `openapi.yaml` describes each; a test holds the two together.
enum Routes {
  static let all: [Route<Endpoint>] = [
    Route(.get, "/", .index),
    Route(.get, "/openapi.yaml", .openAPI),
    Route(.get, "/metrics", .metrics),
    Route(.get, "/monitoring/prometheus/metrics", .metrics),
    Route(.get, "/livez", .live),
    Route(.get, "/readyz", .ready),
    Route(.get, "/healthz", .health),

    Route(.get, "/v2/health/live", .live),
    Route(.get, "/v2/health/ready", .ready),
    Route(.get, "/v2", .serverMetadata),
    Route(.get, "/v2/models", .modelNames),
    Route(.get, "/v2/models/{model}", .modelMetadata),
    Route(.get, "/v2/models/{model}/versions/{version}", .modelMetadata),
    Route(.get, "/v2/models/{model}/ready", .modelReady),
    Route(.get, "/v2/models/{model}/versions/{version}/ready", .modelReady),
    Route(.get, "/v2/models/{model}/stats", .modelStatistics),
    Route(.get, "/v2/models/{model}/versions/{version}/stats", .modelStatistics),
    Route(.post, "/v2/models/{model}/infer", .infer),
    Route(.post, "/v2/models/{model}/versions/{version}/infer", .infer),

    Route(.post, "/v2/repository/index", .repositoryIndex),
    Route(.post, "/v2/repository/models/{model}/load", .repositoryLoad),
    Route(.post, "/v2/repository/models/{model}/unload", .repositoryUnload),

    Route(.get, "/admin/models/{model}/batching", .batching),

    Route(.get, "/v1/models", .modelList),
    Route(.get, "/v1/models/{model}", .modelStatus),
    Route(.get, "/v1/models/{model}/versions/{version}", .modelStatus),
    Route(.get, "/v1/models/{model}/metadata", .servableMetadata),
    Route(.get, "/v1/models/{model}/versions/{version}/metadata", .servableMetadata),
    Route(.post, "/v1/models/{model}:predict", .predict),
    Route(.post, "/v1/models/{model}/versions/{version}:predict", .predict),
  ]

  /// The dialect whose words suit `path`.
  static func dialect(of path: String) -> Dialect {
    path.hasPrefix("/v1/") || path == "/v1" ? .tensorFlowServing : .openInference
  }
}
