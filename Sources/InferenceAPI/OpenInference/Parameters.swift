import JSON

/// What the server itself reads of a request's `parameters`; all of them go to the model too.
struct RequestParameters {
  /// Nanoseconds; 0 for none.
  var timeout: Int64 = 0
  /// 1 is the most important, 0 stands for the model's default.
  var priority = 0
  var prefersBinaryOutputs = false

  /// - Parameter allowsLists: whether the model may be passed lists and objects too, as generating ones are.
  init(reading reader: inout JSONReader, allowsLists: Bool = false) throws {
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
        try RequestParameters.check(key.string, &reader, allowsLists)
      }
    }
  }

  private static func check(_ key: String, _ reader: inout JSONReader, _ allowsLists: Bool) throws {
    if key.hasPrefix("triton_") {
      throw APIFailure.badRequest(
        "parameter keys starting with 'triton_' are reserved for Triton usage and should not be specified. "
          + "(parameters.\(excerpt(key)))")
    }
    switch try reader.peekKind() {
    case .string, .number, .bool:
      _ = try reader.skipValue()
    case .array where allowsLists, .object where allowsLists:
      _ = try reader.skipValue()
    case let kind:
      throw APIFailure.badRequest(
        "parameters.\(excerpt(key)): expected a string, a number or a boolean, got \(kind)")
    }
  }
}

/// The `parameters` of one input or one requested output.
struct TensorParameters {
  /// A part of a region that was registered before.
  struct SharedMemory {
    var region: String?
    var byteCount: Int?
    var offset = 0
  }

  var binaryDataSize: Int?
  var isBinary: Bool?
  var sharedMemory: SharedMemory?
  /// How many classes are wanted; 0 for the output as it is.
  var classCount = 0

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
        classCount = Int(clamping: try reader.readUInt())
      case "shared_memory_region":
        sharedMemory = sharedMemory ?? SharedMemory()
        sharedMemory?.region = try reader.readString()
      case "shared_memory_byte_size":
        sharedMemory = sharedMemory ?? SharedMemory()
        sharedMemory?.byteCount = Int(clamping: try reader.readUInt())
      case "shared_memory_offset":
        sharedMemory = sharedMemory ?? SharedMemory()
        sharedMemory?.offset = Int(clamping: try reader.readUInt())
      default:
        _ = try reader.skipValue()
      }
    }
  }
}
