import Bytes
import HTTP
import JSON
import Telemetry

/// Which endpoint is answered by what.
extension InferenceService {
  func answer(
    _ endpoint: Endpoint, _ parameters: PathParameters, _ exchange: Exchange
  ) throws(APIFailure) {
    switch endpoint {
    case .index, .openAPI, .metrics, .live, .ready, .health: answerPage(endpoint, exchange)
    case .serverMetadata: exchange.respond(ServerDocuments.metadata(identity, extensions: extensions))
    case .modelNames: exchange.respond(.object([("models", ServerDocuments.names(catalog.allModels))]))
    case .modelMetadata: try answerModelMetadata(exchange, parameters)
    case .modelReady: try answerModelReady(exchange, parameters)
    case .modelConfiguration: try answerModelConfiguration(exchange, parameters)
    case .modelOpenAPI: try answerModelOpenAPI(exchange, parameters)
    case .modelStatistics: try answerStatistics(exchange, parameters)
    case .batching: try answerBatching(exchange, parameters)
    case .repositoryIndex: try answerRepositoryIndex(exchange)
    case .repositoryLoad: try answerRepositoryLoad(exchange, parameters)
    case .repositoryUnload: try answerRepositoryUnload(exchange, parameters)
    case .logSettings, .setLogSettings: try answerLogSettings(exchange)
    case .traceSettings, .setTraceSettings: try answerTraceSettings(exchange, parameters)
    case .sharedMemoryStatus: try answerSharedMemoryStatus(exchange, parameters)
    case .registerSharedMemory: try registerSharedMemory(exchange, parameters)
    case .unregisterSharedMemory: try unregisterSharedMemory(exchange, parameters)
    case .deviceMemoryStatus, .registerDeviceMemory, .unregisterDeviceMemory:
      try answerDeviceMemory(endpoint, exchange, parameters)
    case .modelList: exchange.respond(ModelStatus.list(catalog.allModels, identity))
    case .modelStatus: try answerModelStatus(exchange, parameters)
    case .servableMetadata: try answerServableMetadata(exchange, parameters)
    case .infer, .generate, .generateStream, .predict, .classify, .regress, .explain:
      answerInference(endpoint, parameters, exchange)
    }
  }

  private func answerPage(_ endpoint: Endpoint, _ exchange: Exchange) {
    switch endpoint {
    case .openAPI: exchange.respond(status: 200, contentType: "application/yaml") { $0.append(openAPI) }
    case .metrics:
      let format = exchange.metricsFormat
      exchange.respond(status: 200, contentType: format.contentType) { metrics.write(format, to: $0) }
    case .live: exchange.respond(.object([("live", .bool(true))]))
    case .ready: answerReady(exchange)
    case .health: answerHealth(exchange)
    default: answerIndex(exchange)
    }
  }

  private func answerInference(_ endpoint: Endpoint, _ parameters: PathParameters, _ exchange: Exchange) {
    let dialect = Routes.dialect(of: exchange.path)
    do throws(APIFailure) {
      let resolved = try resolve(try reference(exchange, parameters, dialect), dialect, exchange)
      TargetCache.of(exchange.loop).store(exchange.targetBytes, endpoint, resolved)
      answer(endpoint, exchange, resolved)
    } catch {
      CallContext(exchange, self, metrics: requestMetrics.unknownModel(dialect)).fail(exchange, error)
    }
  }

  /// A request whose model is known.
  func answer(_ endpoint: Endpoint, _ exchange: Exchange, _ resolved: ResolvedModel) {
    guard exchange.announcesBody else {
      let failure = APIFailure(
        411, "Length Required: an inference has a body; send Content-Length or Transfer-Encoding: chunked")
      return CallContext(exchange, self, metrics: resolved.metrics).fail(exchange, failure)
    }
    switch endpoint {
    case .infer: infer(exchange, resolved)
    case .predict: predict(exchange, resolved)
    case .generate: generate(exchange, resolved)
    case .generateStream: generateStream(exchange, resolved)
    case .classify: classify(exchange, resolved)
    case .regress: regress(exchange, resolved)
    default: explain(exchange, resolved)
    }
  }

  /// Extensions of the Open Inference Protocol that work here; clients read this list.
  private var extensions: [String] {
    ServerDocuments.extensions + (sharedMemory == nil ? [] : ["system_shared_memory"])
      + (tracer.path == nil ? [] : ["trace"])
  }
}

extension Endpoint {
  /// Whether a model executes requests of this endpoint.
  var isInference: Bool {
    switch self {
    case .infer, .generate, .generateStream, .predict, .classify, .regress, .explain: true
    default: false
    }
  }
}
