import HTTP
import JSON
import Serving

/// The routes below `/v2/repository`.
extension InferenceService {
  func answerRepositoryIndex(_ exchange: Exchange) throws(APIFailure) {
    let control = try repositoryControl()
    let onlyReady = try RepositoryRequest.onlyReady(exchange.body)
    let entries = control.index.filter { !onlyReady || $0.state == .ready }
    exchange.respond(.array(entries.map(InferenceService.document)))
  }

  private static func document(_ entry: IndexEntry) -> JSONValue {
    var members: [(String, JSONValue)] = [("name", .string(entry.name))]
    if let version = entry.version { members.append(("version", .string(String(version)))) }
    if let state = entry.state {
      members.append(("state", .string(state.rawValue)))
      members.append(("reason", .string(entry.reason)))
    }
    return .object(members)
  }

  func answerRepositoryLoad(_ exchange: Exchange, _ parameters: PathParameters) throws(APIFailure) {
    let control = try repositoryControl()
    try InferenceService.refuseNamedRepository(parameters)
    let name = parameters["model"] ?? ""
    control.load(
      name,
      upload: { () throws(ServingError) in
        // The body stays where it is until the answer, and any thread may read it.
        do throws(APIFailure) { return try RepositoryRequest.load(exchange.body) } catch {
          throw ServingError(.invalidArgument, error.message)
        }
      }, done: repositoryAnswer(exchange, name))
  }

  func answerRepositoryUnload(_ exchange: Exchange, _ parameters: PathParameters) throws(APIFailure) {
    let control = try repositoryControl()
    try InferenceService.refuseNamedRepository(parameters)
    let name = parameters["model"] ?? ""
    try RepositoryRequest.checkUnload(exchange.body)
    control.unload(name, done: repositoryAnswer(exchange, name))
  }

  /// Answers on the exchange's loop when the order is carried out.
  private func repositoryAnswer(_ exchange: Exchange, _ name: String) -> @Sendable (ServingError?) -> Void {
    { error in
      exchange.loop.run {
        guard let error else { return exchange.respondEmpty() }
        let failure = APIFailure(error, dialect: .openInference, model: ModelReference(name: name))
        self.refuse(exchange, [400, 404].contains(failure.status) ? failure.withTritonStatus(500) : failure)
      }
    }
  }

  /// A model is found by its name alone; of two of one name the first repository's is served.
  private static func refuseNamedRepository(_ parameters: PathParameters) throws(APIFailure) {
    guard let name = parameters["repository"] else { return }
    throw APIFailure(
      501, "'repository_name' specification is not supported: leave '\(excerpt(name))/' out of the path")
  }

  private func repositoryControl() throws(APIFailure) -> any RepositoryControl {
    guard let control = repository else {
      throw APIFailure(501, "this server has a fixed set of models")
    }
    return control
  }
}

/// The bodies of the repository's routes.
enum RepositoryRequest {
  /// Whether only ready versions are asked for. Other members may have any name and value.
  static func onlyReady(_ body: UnsafeMutableRawBufferPointer) throws(APIFailure) -> Bool {
    let text = UnsafeRawBufferPointer(body)
    guard text.contains(where: { !JSONText.isSpace($0) }) else { return false }
    do throws(JSONError) {
      return try readOnlyReady(JSONReader(text))
    } catch {
      throw .badRequest(
        error.path.isEmpty
          ? "failed to parse the request JSON buffer: \(error)" : error.description
      ).withTritonStatus(500)
    }
  }

  private static func readOnlyReady(_ document: JSONReader) throws(JSONError) -> Bool {
    var reader = document
    var members = UniqueMembers()
    var onlyReady = false
    try reader.beginObject()
    while let name = try reader.nextMember() {
      guard case "ready" = name else {
        _ = try reader.skipValue()
        continue
      }
      try members.note(0, "ready", offset: reader.offset)
      do throws(JSONError) { onlyReady = try reader.readBool() } catch {
        throw JSONError(message: error.message, path: "ready", offset: error.offset)
      }
    }
    try reader.finish()
    return onlyReady
  }

  static func load(_ body: UnsafeMutableRawBufferPointer) throws(APIFailure) -> ModelUpload {
    var load = ModelUpload()
    for (name, value) in try parameters(body) {
      let text = try value.text(at: "parameters.\(name)")
      if name == "config" {
        load.configuration = text
      } else if name.hasPrefix("file:") {
        guard let bytes = value.base64Bytes else {
          throw .badRequest("parameters.\(excerpt(name)): expected base64")
        }
        load.files.append(ModelFile(path: String(name.dropFirst(5)), bytes: bytes))
      } else {
        throw .badRequest(
          "parameters.\(excerpt(name)): unrecognized load parameter; there are 'config' and 'file:VERSION/FILE'"
        ).withTritonStatus(500)
      }
    }
    return load
  }

  /// Models here have no dependents; the parameter is taken and changes nothing.
  static func checkUnload(_ body: UnsafeMutableRawBufferPointer) throws(APIFailure) {
    for (name, value) in try parameters(body) {
      guard name == "unload_dependents", case .bool = value else {
        throw .badRequest(
          "parameters.\(excerpt(name)): expected 'unload_dependents', true or false, and nothing else")
      }
    }
  }

  private static func parameters(_ body: UnsafeMutableRawBufferPointer) throws(APIFailure) -> [(
    String, JSONValue
  )] {
    guard let value = try JSONValue.members(ofBody: body).first(where: { $0.0 == "parameters" })?.1 else {
      return []
    }
    guard case .object(let parameters) = value else { throw .badRequest("'parameters': expected an object") }
    return parameters
  }
}
