import HTTP
import JSON
import Serving

/// The index of the `model_repository` extension.
extension InferenceService {
  /// Every version known; only those that are ready if the body says `{"ready": true}`.
  func answerRepositoryIndex(_ exchange: Exchange) throws(APIFailure) {
    var isReadyOnly = false
    for (key, value) in try exchange.documentMembers() where key == "ready" {
      isReadyOnly = try value.boolean(at: key)
    }
    let models = catalog.allModels.filter { !isReadyOnly || $0.isReady }
    exchange.respond(.array(models.map(RepositoryIndex.entry)))
  }
}

/// Elements of the index of models.
enum RepositoryIndex {
  static func entry(_ model: any InferenceModel) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("name", .string(model.name)), ("version", .string(String(model.version))),
      ("state", .string(state(model.state))),
    ]
    switch model.state {
    case .failed(let reason): members.append(("reason", .string(reason)))
    case .unloaded: members.append(("reason", .string("unloaded")))
    default: break
    }
    return .object(members)
  }

  private static func state(_ state: ModelState) -> String {
    switch state {
    case .ready: "READY"
    case .loading: "LOADING"
    case .unloading: "UNLOADING"
    case .unloaded, .failed: "UNAVAILABLE"
    }
  }
}
