import Telemetry

/// How much memory requests may take: what the options say, else a share of what the process may use.
struct Budgets {
  /// The body of one request.
  var bodyBytes: Int
  /// The bodies of all requests together.
  var bodyBytesInAll: Int
  /// The inputs that wait for one model.
  var queueBytes: Int
  /// The inputs of all requests that wait or run; 0 for no limit.
  var requestBytes: Int
  /// Buffers that the event loops keep for coming requests.
  var keptBytes: Int

  init(_ options: ServeOptions, limits: ProcessLimits) {
    let memory = limits.memory
    bodyBytes = options.maxBodyBytes ?? min(64 << 20, memory / 8)
    bodyBytesInAll = options.limits.maxBodyBytesInAll ?? min(4 << 30, memory / 4)
    queueBytes = options.queueBytes ?? min(1 << 30, memory / 8)
    requestBytes = options.requestBytes ?? min(4 << 30, memory / 4)
    keptBytes = min(64 << 20 * max(1, limits.processors), memory / 16)
  }
}
