import Glibc

/// The cores that this process may really use: the fewest that affinity and the control group allow.
enum AvailableCores {
  /// At least 1. A quota of 1.5 cores counts as 2.
  static func count(readFile: (String) -> String? = Files.text) -> Int {
    var cores = affinity(readFile: readFile)
    if let quota = quota(readFile: readFile) { cores = min(cores, Int(quota.rounded(.up))) }
    return max(cores, 1)
  }

  /// The CPUs that the scheduler may put the process on.
  private static func affinity(readFile: (String) -> String?) -> Int {
    let status = readFile("/proc/self/status") ?? ""
    let mask = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") }?.dropFirst(13)
    let cores = mask.map { $0.reduce(0) { $0 + ($1.hexDigitValue ?? 0).nonzeroBitCount } } ?? 0
    return cores > 0 ? cores : sysconf(Int32(_SC_NPROCESSORS_ONLN))
  }

  /// The CPU quota in cores: the least along the way from the process's own control group to the
  /// root (version 2), or of the process's group (version 1). Nil: no quota.
  static func quota(readFile: (String) -> String?) -> Double? {
    var least: Double?
    for group in (readFile("/proc/self/cgroup") ?? "").split(separator: "\n") {
      let fields = group.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let found =
        fields[1].isEmpty
        ? unifiedQuota(of: String(fields[2]), readFile: readFile)
        : fields[1].split(separator: ",").contains("cpu")
          ? legacyQuota(of: String(fields[2]), readFile: readFile) : nil
      if let found { least = min(least ?? found, found) }
    }
    return least
  }

  private static func unifiedQuota(of group: String, readFile: (String) -> String?) -> Double? {
    var least: Double?
    var parts = group.split(separator: "/")
    while true {
      let path = "/sys/fs/cgroup/" + parts.map { $0 + "/" }.joined() + "cpu.max"
      let numbers = (readFile(path) ?? "").split(whereSeparator: \.isWhitespace).map { Double($0) }
      if numbers.count == 2, let quota = numbers[0], let period = numbers[1], period > 0 {
        least = min(least ?? .infinity, quota / period)
      }
      guard !parts.isEmpty else { return least }
      parts.removeLast()
    }
  }

  private static func legacyQuota(of group: String, readFile: (String) -> String?) -> Double? {
    for folder in ["/sys/fs/cgroup/cpu" + group, "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct"] {
      guard let quota = number(readFile(folder + "/cpu.cfs_quota_us")),
        let period = number(readFile(folder + "/cpu.cfs_period_us"))
      else { continue }
      return quota > 0 && period > 0 ? quota / period : nil
    }
    return nil
  }

  private static func number(_ text: String?) -> Double? {
    text.flatMap { Double($0.split(whereSeparator: \.isWhitespace).first ?? "") }
  }
}
