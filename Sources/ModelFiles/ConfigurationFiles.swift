import JSON
public import Serving

/// Reads the configurations of models from the files that operators have: `model.json`, Triton's `config.pbtxt`,
/// TensorFlow Serving's `model_config_list`.
///
/// Where a model has both of the first two, `config.pbtxt` is read first and `model.json` changes it.
public struct ConfigurationFiles: ConfigurationReading {
  public init() {}

  public func configuration(ofModel name: String, in folder: String) throws -> ModelConfiguration {
    var configuration = ModelConfiguration()
    let triton = folder + "/config.pbtxt"
    if Files.exists(triton) {
      configuration = try at(triton) { text throws(ConfigurationFault) in
        try TritonConfiguration.read(text: text, model: name, folder: folder)
      }
      configuration.notes = configuration.notes.map { "config.pbtxt: \($0)" }
    }
    let own = folder + "/model.json"
    guard Files.exists(own) else { return configuration }
    return try at(own) { text throws(ConfigurationFault) in
      var changed = configuration
      try ModelDocument.apply(try ConfigurationFiles.document(text), to: &changed)
      return changed
    }
  }

  /// Triton's configuration as JSON.
  public func configuration(ofModel name: String, in folder: String, text: String) throws
    -> ModelConfiguration
  {
    guard case .object(let members) = try ConfigurationFiles.document(Array(text.utf8)) else {
      throw ConfigurationFault("config: expected a JSON object")
    }
    do {
      let fields = try ProtobufField.fields(of: members)
      return try TritonConfiguration.read(fields: fields, model: name, folder: folder)
    } catch {
      throw ConfigurationFault("config: \(error)")
    }
  }

  public func models(listedIn path: String) throws -> [ListedModel] {
    try at(path) { text throws(ConfigurationFault) in try ModelList.read(text: text, path: path) }
  }

  /// What `read` makes of the file; its fault with the file's path before it.
  private func at<Result>(
    _ path: String, _ read: ([UInt8]) throws(ConfigurationFault) -> Result
  ) throws(ConfigurationFault) -> Result {
    guard let text = Files.bytes(path) else {
      throw ConfigurationFault("\(path): cannot be read, or is larger than \(Files.maximumBytes) bytes")
    }
    do { return try read(text) } catch { throw ConfigurationFault("\(path): \(error)") }
  }

  private static func document(_ text: [UInt8]) throws(ConfigurationFault) -> JSONValue {
    let parsed = text.withUnsafeBytes { bytes in
      Result { () throws(JSONError) in try JSONValue(parsing: bytes) }
    }
    switch parsed {
    case .success(let document): return document
    case .failure(let error): throw ConfigurationFault(error.message)
    }
  }
}
