/// What the control groups around a process, of version 1 or 2, say of its share of the machine.
///
/// Every limit is the least of the process's own group and those around it, as far as they can be seen: in a
/// container the outermost one is often the container's.
struct ControlGroups {
  private let read: (String) -> String?
  private let memberships: [(controllers: [Substring], path: String)]

  /// - Parameter read: gives the text of a file; nil if there is none.
  init(read: @escaping (String) -> String?) {
    self.read = read
    memberships = (read("/proc/self/cgroup") ?? "").split(separator: "\n").compactMap { line in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return nil }
      return (parts[1].split(separator: ","), parts[2] == "/" ? "" : String(parts[2]))
    }
  }

  /// Processors' worth of time that the group gets, 1.5 for instance; nil without a quota.
  var quota: Double? {
    let second = unified { group in read("\(group)/cpu.max").flatMap(Self.quota(ofVersion2:)) }
    let first = controlled(by: "cpu") { group -> Double? in
      guard let time = number("\(group)/cpu.cfs_quota_us"), let period = number("\(group)/cpu.cfs_period_us"),
        time > 0, period > 0
      else { return nil }
      return Double(time) / Double(period)
    }
    return (second + first).min()
  }

  /// Bytes of memory that the group may use before it is held back or ended; nil without a limit.
  var memory: Int? {
    let second = unified { group in
      [number("\(group)/memory.max"), number("\(group)/memory.high")].compactMap(\.self).min()
    }
    let first = controlled(by: "memory") { group in number("\(group)/memory.limit_in_bytes") }
    // Version 1 writes "no limit" as a number that no machine has.
    return (second + first).filter { $0 < 1 << 60 }.min()
  }

  /// Reads `cpu.max`: the microseconds of processor time in a period, and the period.
  static func quota(ofVersion2 text: String) -> Double? {
    let numbers = text.split { $0 == " " || $0 == "\n" }
    guard numbers.count == 2, let time = Int(numbers[0]), let period = Int(numbers[1]), time > 0, period > 0
    else { return nil }
    return Double(time) / Double(period)
  }

  private func number(_ path: String) -> Int? {
    read(path).flatMap { text in Int(text.prefix { !$0.isWhitespace }) }
  }

  /// What `value` says of each group of version 2 that the process is in.
  private func unified<Value>(_ value: (String) -> Value?) -> [Value] {
    memberships.filter { $0.controllers.isEmpty }.flatMap { membership in
      ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].flatMap { walk($0, membership.path, value) }
    }
  }

  /// What `value` says of each group of version 1 that `controller` holds the process in.
  private func controlled<Value>(by controller: String, _ value: (String) -> Value?) -> [Value] {
    memberships.filter { $0.controllers.contains { $0 == controller } }.flatMap { membership in
      Set([membership.controllers.joined(separator: ","), controller]).flatMap {
        walk("/sys/fs/cgroup/\($0)", membership.path, value)
      }
    }
  }

  /// Asks the group at `path` below `root`, and each around it.
  private func walk<Value>(_ root: String, _ path: String, _ value: (String) -> Value?) -> [Value] {
    var path = path
    var values: [Value] = []
    while true {
      if let found = value(root + path) { values.append(found) }
      guard let slash = path.lastIndex(of: "/") else { return values }
      path = String(path[..<slash])
    }
  }
}
