import JSON

/// What the server itself reads of a request's `parameters`; all of them go to the model too.
struct RequestParameters {
  /// Nanoseconds; 0 for none.
  var timeout: Int64 = 0
  /// 1 is the most important, 0 stands for the model's default.
  var priority = 0
  var prefersBinaryOutputs = false

  init(reading reader: inout JSONReader) throws {
    try reader.beginObject()
    while let key = try reader.nextMember() {
      switch key {
      case "timeout":
        let microseconds = try reader.readInt()
        guard microseconds >= 0 else {
          throw APIFailure.badRequest(
            "parameters.timeout: \(microseconds) microseconds; expected 0 (none) or more")
        }
        let (nanoseconds, overflow) = microseconds.multipliedReportingOverflow(by: 1000)
        timeout = overflow ? Int64.max : nanoseconds
      case "priority":
        priority = Int(clamping: try reader.readUInt())
      case "binary_data_output":
        prefersBinaryOutputs = try reader.readBool()
      default:
        try RequestParameters.check(key.string, &reader)
      }
    }
  }

  private static func check(_ key: String, _ reader: inout JSONReader) throws {
    if key.hasPrefix("triton_") {
      throw APIFailure.badRequest(
        "parameter keys starting with 'triton_' are reserved for Triton usage and should not be specified. "
          + "(parameters.\(excerpt(key)))")
    }
    switch try reader.peekKind() {
    case .string, .number, .bool:
      _ = try reader.skipValue()
    case let kind:
      throw APIFailure.badRequest(
        "parameters.\(excerpt(key)): expected a string, a number or a boolean, got \(kind)")
    }
  }
}

/// The `parameters` of one input or one requested output.
struct TensorParameters {
  static let sharedMemoryRefusal =
    "shared memory is not supported by this server; send the tensor in the request, as 'data' or in the "
    + "binary form"

  var binaryDataSize: Int?
  var isBinary: Bool?
  var usesSharedMemory = false
  var usesClassification = false

  init() {}

  init(reading reader: inout JSONReader) throws {
    try reader.beginObject()
    while let key = try reader.nextMember() {
      switch key {
      case "binary_data_size":
        let size = try reader.readUInt()
        binaryDataSize = Int(clamping: size)
      case "binary_data":
        isBinary = try reader.readBool()
      case "classification":
        usesClassification = try reader.readUInt() > 0
      case "shared_memory_region", "shared_memory_byte_size", "shared_memory_offset":
        usesSharedMemory = true
        _ = try reader.skipValue()
      default:
        _ = try reader.skipValue()
      }
    }
  }
}
