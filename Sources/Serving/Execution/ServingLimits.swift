import Scheduling

/// What every model is served within.
struct ServingLimits: Sendable {
  var queuedRequests: Int
  var queuedBytes: Int
  var queuedNanoseconds: Int64
  /// Shared by all models.
  var budget: ByteBudget
  /// See `ServingConfiguration.inlineNanoseconds`.
  var inlineNanoseconds: Int64

  /// Requests of a model in a worker that one message to it may hold, and nanoseconds that they may take together: a
  /// message costs some ten microseconds, and the last of a train waits for the others.
  static let trainLimit = 16
  static let trainTime: Int64 = 200_000

  /// What holds for a model of this configuration.
  func policy(of configuration: ModelConfiguration, maximumRows: Int?, turnLimit: Int) -> SchedulingPolicy {
    let settings = configuration.batching ?? BatchingSettings()
    var policy = SchedulingPolicy()
    policy.maximumRows = maximumRows
    policy.turnLimit = turnLimit
    policy.requests = queuedRequests
    if let batches = settings.maximumEnqueuedBatches {
      let (limit, overflow) = batches.multipliedReportingOverflow(by: maximumRows ?? 1)
      policy.requests = overflow ? queuedRequests : min(queuedRequests, limit)
    }
    policy.bytes = queuedBytes
    policy.wait = queuedNanoseconds
    policy.linger = settings.maximumDelay
    policy.levels = settings.levels.isEmpty ? [settings.defaultQueue.policy] : settings.levels.map(\.policy)
    policy.defaultLevel =
      settings.defaultLevel > 0 ? settings.defaultLevel : (policy.levels.count + 1) / 2
    policy.sequences = configuration.sequences.map {
      SequencePolicy(limit: $0.maximumSequences, idle: $0.maximumIdle)
    }
    return policy
  }
}

extension QueueSettings {
  fileprivate var policy: LevelPolicy {
    var policy = LevelPolicy()
    policy.requests = maximumSize
    policy.timeout = timeout
    policy.timeoutAction = timeoutAction == .delay ? .delay : .reject
    return policy
  }
}
