import Serving
import Tensors

/// Inputs, outputs and warm-up requests.
extension TritonConfiguration {
  mutating func tensor(_ message: MessageReader) throws(ConfigurationFault) -> TensorSettings {
    var settings = TensorSettings(name: "", datatype: .fp32, dimensions: [])
    var hasDatatype = false
    for field in message.fields {
      switch field.name {
      case "name": settings.name = try message.text(field)
      case "data_type":
        settings.datatype = try datatype(field, message)
        hasDatatype = true
      case "dims": settings.dimensions.append(try message.integer(field, -1...Int.max))
      case "reshape":
        let reshape = try message.message(field)
        settings.reshaped = []
        for inner in reshape.fields where inner.name == "shape" {
          settings.reshaped?.append(try reshape.integer(inner, -1...Int.max))
        }
      case "label_filename":
        settings.labelFile = try message.text(field)
        // As in configurations that were written by a program.
        if !settings.labelFile.isEmpty { settings.labels = try labels(settings.labelFile, field, message) }
      case "optional": settings.isOptional = try message.bool(field)
      case "format":
        if try message.word(field) != "FORMAT_NONE" {
          note(message.ignored(field, because: "tensors are passed on as they come"))
        }
      case "allow_ragged_batch":
        if try message.bool(field) {
          note(message.ignored(field, because: "only requests of one shape share a batch"))
        }
      case "is_shape_tensor", "is_non_linear_format_io":
        if try message.bool(field) { note(message.ignored(field, because: "the model says this itself")) }
      default: note(message.unknown(field))
      }
    }
    guard !settings.name.isEmpty, hasDatatype, settings.dimensions.count < Shape.maximumRank,
      (settings.reshaped?.count ?? 0) < Shape.maximumRank
    else {
      throw ConfigurationFault(
        "'\(message.place)': expected name, data_type and at most \(Shape.maximumRank - 1) dims")
    }
    return settings
  }

  func datatype(_ field: ProtobufField, _ message: MessageReader) throws(ConfigurationFault)
    -> Datatype
  {
    var word = try message.word(field)
    // The text format takes the number of a value for its name.
    if let number = Int(word), TritonConfiguration.datatypes.indices.contains(number) {
      word = TritonConfiguration.datatypes[number]
    }
    if word == "TYPE_STRING" { return .bytes }
    guard word.hasPrefix("TYPE_"), let datatype = Datatype(name: String(word.dropFirst(5))),
      datatype != .bytes
    else { throw message.fault(field, "TYPE_FP32, TYPE_INT64, TYPE_STRING or the like") }
    return datatype
  }

  /// The values of Triton's `DataType`, in the order of their numbers.
  private static let datatypes = [
    "TYPE_INVALID", "TYPE_BOOL", "TYPE_UINT8", "TYPE_UINT16", "TYPE_UINT32", "TYPE_UINT64", "TYPE_INT8",
    "TYPE_INT16",
    "TYPE_INT32", "TYPE_INT64", "TYPE_FP16", "TYPE_FP32", "TYPE_FP64", "TYPE_STRING", "TYPE_BF16",
  ]

  /// The lines of a labels file in the model's folder.
  private func labels(
    _ name: String, _ field: ProtobufField, _ message: MessageReader
  ) throws(ConfigurationFault) -> [String] {
    guard TritonConfiguration.isPlain(name), let text = Files.text(folder + "/" + name) else {
      throw message.fault(field, "a file in the model's folder \(folder)")
    }
    var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
    while lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  /// Whether a path leads to a file below the folder it is taken from.
  static func isPlain(_ path: String) -> Bool {
    !path.hasPrefix("/") && !path.split(separator: "/").contains("..") && !path.utf8.contains(0)
  }

  mutating func readWarmUp(_ message: MessageReader) throws(ConfigurationFault) {
    var warmUp = WarmUp(name: "", batchSize: 0, inputs: [])
    for field in message.fields {
      switch field.name {
      case "name": warmUp.name = try message.text(field)
      case "batch_size": warmUp.batchSize = try message.integer(field, 0...65_536)
      case "count": warmUp.count = max(try message.integer(field, 0...10_000), 1)
      case "inputs":
        let (key, value, entry) = try message.entry(field)
        warmUp.inputs.append(try warmUpInput(try entry.text(key), try entry.message(value)))
      default: note(message.unknown(field))
      }
    }
    configuration.warmUps.append(warmUp)
  }

  private mutating func warmUpInput(
    _ name: String, _ message: MessageReader
  ) throws(ConfigurationFault) -> WarmUp.Input {
    var input = WarmUp.Input(name: name, datatype: .fp32, dimensions: [], filling: .zeros)
    for field in message.fields {
      switch field.name {
      case "data_type": input.datatype = try datatype(field, message)
      case "dims": input.dimensions.append(try message.integer(field, 0...Int(Int32.max)))
      case "zero_data": if try message.bool(field) { input.filling = .zeros }
      case "random_data": if try message.bool(field) { input.filling = .random }
      case "input_data_file":
        let file = try message.text(field)
        guard TritonConfiguration.isPlain(file) else {
          throw message.fault(field, "a file in the folder warmup")
        }
        input.filling = .file(path: "\(folder)/warmup/\(file)")
      default: note(message.unknown(field))
      }
    }
    guard input.dimensions.count < Shape.maximumRank else {
      throw ConfigurationFault("'\(message.place)': expected at most \(Shape.maximumRank - 1) dims")
    }
    return input
  }
}
