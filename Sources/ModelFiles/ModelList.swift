public import Serving

/// TensorFlow Serving's `model_config_list`: models by name and folder.
public enum ModelList {
  /// The models that `text`, the file at `path`, lists. Folders that do not begin with a slash are taken from
  /// the file's own.
  public static func read(text: [UInt8], path: String) throws(ConfigurationFault) -> [ListedModel] {
    let file = MessageReader(try ProtobufText.fields(of: text))
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    var models: [ListedModel] = []
    for field in file.fields {
      guard field.name == "model_config_list" else {
        throw ConfigurationFault(file.sentence(field, "is not known here; expected model_config_list"))
      }
      let list = try file.message(field)
      for entry in list.fields {
        guard entry.name == "config" else { throw list.fault(entry, "config { … }") }
        models.append(try model(try list.message(entry, index: models.count), folder))
      }
    }
    return models
  }

  private static func model(
    _ message: MessageReader, _ folder: String
  ) throws(ConfigurationFault) -> ListedModel {
    var model = ListedModel(name: "", path: "")
    for field in message.fields {
      switch field.name {
      case "name": model.name = try message.text(field)
      case "base_path":
        let path = try message.text(field)
        let whole = path.hasPrefix("/") ? path : folder + "/" + path
        model.path = whole.count > 1 && whole.hasSuffix("/") ? String(whole.dropLast()) : whole
      case "model_version_policy":
        model.versionPolicy = try TritonConfiguration(configuration: ModelConfiguration(), folder: "")
          .versionPolicy(try message.message(field))
      case "version_labels":
        let (key, value, entry) = try message.entry(field)
        model.versionLabels[try label(key, entry)] = try entry.integer(value, 1...Int.max)
      case "model_platform", "model_type": break
      case "logging_config", "source_adapter_config":
        model.notes.append(message.ignored(field, because: "the server has flags for it"))
      default: model.notes.append(message.unknown(field))
      }
    }
    guard !model.name.isEmpty, !model.path.isEmpty else {
      throw ConfigurationFault("'\(message.place)': expected name and base_path")
    }
    return model
  }

  private static func label(_ field: ProtobufField, _ message: MessageReader) throws(ConfigurationFault)
    -> String
  {
    let label = try message.text(field)
    guard !label.isEmpty, label.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }) else {
      throw message.fault(field, "letters, digits and '_'")
    }
    return label
  }
}
