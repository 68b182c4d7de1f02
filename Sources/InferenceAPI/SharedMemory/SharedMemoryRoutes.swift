import HTTP
import JSON

/// The routes below `/v2/systemsharedmemory`, and those of `/v2/cudasharedmemory` on a server without such devices.
extension InferenceService {
  func answerSharedMemoryStatus(_ exchange: Exchange, _ parameters: PathParameters) throws(APIFailure) {
    let regions = try enabledSharedMemory()
    let listed =
      if let name = parameters["region"] { [try regions.region(name)] } else { regions.all }
    exchange.respond(.array(listed.map(SharedMemoryDocuments.entry)))
  }

  func registerSharedMemory(_ exchange: Exchange, _ parameters: PathParameters) throws(APIFailure) {
    let regions = try enabledSharedMemory()
    let name = parameters["region"] ?? ""
    guard name.utf8.count <= limits.maximumNameLength else {
      throw .badRequest(
        "the region's name has \(name.utf8.count) bytes; at most \(limits.maximumNameLength) are allowed")
    }
    let members = JSONValue.object(try exchange.documentMembers())
    guard let key = try members["key"]?.text(at: "key"),
      let byteCount = try members["byte_size"]?.natural(at: "byte_size")
    else {
      throw .badRequest("'key' and 'byte_size' are needed; expected {\"key\", \"offset\", \"byte_size\"}")
    }
    let offset = try members["offset"]?.natural(at: "offset") ?? 0
    try regions.register(name, key: key, offset: offset, byteCount: byteCount)
    exchange.respondEmpty()
  }

  func unregisterSharedMemory(_ exchange: Exchange, _ parameters: PathParameters) throws(APIFailure) {
    try enabledSharedMemory().unregister(parameters["region"])
    exchange.respondEmpty()
  }

  private func enabledSharedMemory() throws(APIFailure) -> SharedMemoryRegions {
    guard let sharedMemory else {
      throw APIFailure(501, "shared memory is not enabled; start the server with --shared-memory")
    }
    return sharedMemory
  }

  /// None can be registered, so none is known and all that there are can be forgotten.
  func answerDeviceMemory(
    _ endpoint: Endpoint, _ exchange: Exchange, _ parameters: PathParameters
  ) throws(APIFailure) {
    let region = parameters["region"].map { excerpt($0) }
    switch endpoint {
    case .registerDeviceMemory:
      throw .badRequest("failed to register CUDA shared memory region: '\(region ?? "")', GPUs not supported")
    case .unregisterDeviceMemory: exchange.respondEmpty()
    default:
      if let region { throw APIFailure(404, "Unable to find cuda shared memory region: '\(region)'") }
      exchange.respond(.array([]))
    }
  }
}

enum SharedMemoryDocuments {
  static func entry(_ region: SharedMemoryRegions.Region) -> JSONValue {
    .object([
      ("name", .string(region.name)), ("key", .string(region.key)),
      ("offset", .integer(Int64(region.offset))),
      ("byte_size", .integer(Int64(region.byteCount))),
    ])
  }
}
