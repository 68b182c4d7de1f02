import HTTP
import Serving

extension InferenceService {
  /// Whether the request is for a model that sleeps: then that is loaded first, and the request handled again.
  func awakens(_ endpoint: Endpoint, _ parameters: PathParameters, _ exchange: Exchange) -> Bool {
    guard catalog.letsModelsSleep, endpoint.needsModel, parameters["model"] != nil else { return false }
    let dialect = Routes.dialect(of: exchange.path)
    guard let reference = try? reference(exchange, parameters, dialect),
      let model = try? model(reference, dialect), model.isAsleep
    else { return false }
    catalog.awaken(model.name, version: model.version) { error in
      exchange.loop.run {
        guard let error else { return self.handle(exchange) }
        self.refuse(exchange, APIFailure(error, dialect: dialect, model: reference))
      }
    }
    return true
  }
}

extension Endpoint {
  /// Whether its answer comes from a loaded model.
  fileprivate var needsModel: Bool {
    switch self {
    case .modelMetadata, .servableMetadata, .modelConfiguration, .modelOpenAPI: true
    default: isInference
    }
  }
}
