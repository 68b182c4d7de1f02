/// What a request may ask for at most. Each limit has its own sentence in the refusal.
public struct APILimits: Sendable {
  /// Inputs, or requested outputs, of one request.
  public var maximumTensors = 256
  /// Nesting of a request's JSON.
  public var maximumJSONDepth = 64
  /// UTF-8 bytes of a tensor's name, a signature's name or a request's id.
  public var maximumNameLength = 1024
  /// Bytes of the request-level `parameters` object.
  public var maximumParameterBytes = 65536
  /// Nanoseconds a request may take if it does not say itself; 0 for no limit.
  public var defaultTimeout: Int64 = 0
  /// Nanoseconds that a request may ask for at most; 0 for no limit.
  public var maximumTimeout: Int64 = 0

  public init() {}

  /// When a request of now that asks for `timeout` nanoseconds (0: does not ask) is too late;
  /// 0 for never.
  func deadline(now: Int64, timeout: Int64) -> Int64 {
    var allowed = timeout > 0 ? timeout : defaultTimeout
    if maximumTimeout > 0 { allowed = allowed > 0 ? min(allowed, maximumTimeout) : maximumTimeout }
    if allowed <= 0 { return 0 }
    let (sum, overflow) = now.addingReportingOverflow(allowed)
    return overflow ? 0 : sum
  }
}
