import ArgumentParser
import HTTP
import InferenceAPI

/// What clients may ask for at most; everything a client can send has a limit here or in `ServeOptions`.
struct LimitOptions: ParsableArguments {
  @Option(help: "Fields that the header of a request may have.")
  var maxHeaderFields = 128

  @Option(help: "Bytes that the target of a request, path and query, may have.")
  var maxTargetBytes = 16 << 10

  @Option(help: "Chunks that a chunked body may have.")
  var maxChunks = 262_144

  @Option(
    help:
      "Bytes that the bodies of all requests together may have; by default 4 GiB, or a quarter of the memory."
  )
  var maxBodyBytesInAll: Int?

  @Option(help: "Requests that may be worked on at once; more are answered 503.")
  var maxRequestsInFlight = 10_000

  @Option(help: "Bytes of replies that may wait for one client before no more of its requests are begun.")
  var maxBacklogBytes = 1 << 20

  @Option(help: "Seconds a body may take beside what --min-body-rate gives it.")
  var bodySeconds = 10.0

  @Option(help: "Bytes a second that a body must come at.")
  var minBodyRate = 1024

  @Option(help: "Seconds that a reply may wait for its client to take any of it.")
  var stallSeconds = 30.0

  @Option(help: "Bytes a second that a client must take its replies at, after --stall-seconds.")
  var minReplyRate = 1024

  @Option(
    help:
      "Seconds that a request is worked on after its client closed its sending side; it may wait or be gone.")
  var halfCloseSeconds = 30.0

  @Option(help: "Inputs, or requested outputs, that an inference may have.")
  var maxTensors = 256

  @Option(name: .customLong("max-json-depth"), help: "Levels that the JSON of a request may be nested.")
  var maxJSONDepth = 64

  @Option(help: "Regions of shared memory that clients may have registered at once.")
  var maxSharedMemoryRegions = 256

  @Option(help: "Bytes that the inputs of a request may have in shared memory.")
  var maxSharedMemoryBytes = 1 << 30

  @Option(help: "Seconds an inference may take if its request does not say; 0: no limit.")
  var requestSeconds = 0.0

  static let optionNames = [
    "max-header-fields", "max-target-bytes", "max-chunks", "max-body-bytes-in-all", "max-requests-in-flight",
    "max-backlog-bytes", "body-seconds", "min-body-rate", "stall-seconds", "min-reply-rate",
    "half-close-seconds", "max-tensors", "max-json-depth", "max-shared-memory-regions",
    "max-shared-memory-bytes", "request-seconds",
  ]

  mutating func validate() throws {
    let day = 86_400.0
    try check("max-header-fields", maxHeaderFields, 1...65_536)
    try check("max-target-bytes", maxTargetBytes, 64...(1 << 20))
    try check("max-chunks", maxChunks, 1...(1 << 30))
    try check("max-body-bytes-in-all", maxBodyBytesInAll ?? 1, 1...(1 << 50))
    try check("max-requests-in-flight", maxRequestsInFlight, 1...(1 << 30))
    try check("max-backlog-bytes", maxBacklogBytes, 1024...(1 << 40))
    try check("body-seconds", bodySeconds, 0.01...day)
    try check("min-body-rate", minBodyRate, 1...(1 << 40))
    try check("stall-seconds", stallSeconds, 0.01...day)
    try check("min-reply-rate", minReplyRate, 1...(1 << 40))
    try check("half-close-seconds", halfCloseSeconds, 0.01...day)
    try check("max-tensors", maxTensors, 1...65_536)
    try check("max-json-depth", maxJSONDepth, 8...64)
    try check("max-shared-memory-regions", maxSharedMemoryRegions, 1...65_536)
    try check("max-shared-memory-bytes", maxSharedMemoryBytes, 1...(1 << 40))
    try check("request-seconds", requestSeconds, 0...day)
  }

  private func check<Value: Comparable>(_ name: String, _ value: Value, _ range: ClosedRange<Value>) throws {
    guard range.contains(value) else {
      throw ValidationError("--\(name) \(value): expected \(range.lowerBound) to \(range.upperBound)")
    }
  }

  func apply(to configuration: inout ServerConfiguration) {
    configuration.fieldCount = maxHeaderFields
    configuration.targetBytes = maxTargetBytes
    configuration.chunkCount = maxChunks
    configuration.requestsInFlight = maxRequestsInFlight
    configuration.backlogBytes = maxBacklogBytes
    configuration.bodyTime = Int64(bodySeconds * 1e9)
    configuration.bodyBytesPerSecond = Int64(minBodyRate)
    configuration.writeStallTime = Int64(stallSeconds * 1e9)
    configuration.replyBytesPerSecond = Int64(minReplyRate)
    configuration.halfCloseTime = Int64(halfCloseSeconds * 1e9)
  }

  /// The limits of the API.
  var api: APILimits {
    var limits = APILimits()
    limits.maximumTensors = maxTensors
    limits.maximumJSONDepth = maxJSONDepth
    limits.defaultTimeout = Int64(requestSeconds * 1e9)
    return limits
  }
}
