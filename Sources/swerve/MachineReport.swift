import Telemetry

/// What the server found of the machine and made of it, for the log and the metrics.
struct MachineReport {
  let limits: ProcessLimits
  let budgets: Budgets
  let options: ServeOptions

  private var loops: Int { options.loops > 0 ? options.loops : limits.processors }
  private var workers: Int { options.workers > 0 ? options.workers : limits.processors }

  func publish(to metrics: Metrics, _ log: Log) {
    ProcessMetrics.register(in: metrics)
    metrics.gauge(
      "swerve_build_info", help: "1, with the version as a label.", labels: [("version", Build.version)]
    ).set(1)
    metrics.gauge("swerve_usable_cores", help: "Cores that affinity and control group allow.").set(
      Double(limits.processors))
    if let quota = limits.quota {
      metrics.gauge("swerve_cpu_quota_cores", help: "Cores' worth of time that the control group gives.").set(
        quota)
    }
    metrics.gauge("swerve_usable_memory_bytes", help: "Memory that machine and control group allow.").set(
      Double(limits.memory))
    for (use, count) in [("loop", loops), ("worker", workers)] {
      metrics.gauge("swerve_threads", help: "Threads by what they do.", labels: [("use", use)]).set(
        Double(count))
    }
    for (use, bytes) in shares {
      metrics.gauge(
        "swerve_budget_bytes", help: "Memory that requests may take, by use.", labels: [("use", use)]
      ).set(Double(bytes))
    }
    log.write(.info, "machine", fields)
  }

  private var shares: [(String, Int)] {
    [
      ("body", budgets.bodyBytes), ("bodies", budgets.bodyBytesInAll), ("queue", budgets.queueBytes),
      ("requests", budgets.requestBytes),
      ("buffers", budgets.keptBytes),
    ]
  }

  private var fields: [(String, String)] {
    [
      ("processors", String(limits.processors)), ("allowed", String(limits.allowedProcessors)),
      ("quota", limits.quota.map { "\($0)" } ?? "none"), ("memory", String(limits.memory)),
      ("memory_limit", limits.memoryLimit.map { "\($0)" } ?? "none"), ("loops", String(loops)),
      ("workers", String(workers)),
    ] + shares.map { ("\($0.0)_bytes", String($0.1)) }
  }
}
