import Glibc

/// How much of the machine this process may use: what its affinity, its cpuset and its control groups leave.
public struct ProcessLimits: Sendable, Equatable {
  /// Processors that the process's threads may run on, by affinity or cpuset.
  public var allowedProcessors: Int
  /// Processors' worth of time that a control group's quota gives; nil without one.
  public var quota: Double?
  /// Bytes that a control group allows; nil without a limit.
  public var memoryLimit: Int?
  /// Bytes of memory of the machine.
  public var machineMemory: Int

  /// How many threads find a processor: at least 1; a quota of part of a processor counts as a whole one.
  public var processors: Int {
    max(1, min(allowedProcessors, quota.map { Int($0.rounded(.up)) } ?? .max))
  }

  /// Bytes of memory that the process may use.
  public var memory: Int { min(machineMemory, memoryLimit ?? .max) }

  /// Those of this process when it is first asked.
  public static let current = ProcessLimits(read: ProcessLimits.text)

  /// - Parameter read: gives the text of a file; nil if there is none.
  init(read: @escaping (String) -> String?) {
    let groups = ControlGroups(read: read)
    quota = groups.quota
    memoryLimit = groups.memory
    let allowed = Self.value(of: "Cpus_allowed_list:", in: read("/proc/self/status") ?? "")
    allowedProcessors = allowed.flatMap(Self.count) ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    let kibibytes = Self.value(of: "MemTotal:", in: read("/proc/meminfo") ?? "").flatMap { text in
      Int(text.prefix { $0.isNumber })
    }
    machineMemory = kibibytes.map { $0 << 10 } ?? 1 << 30
  }

  /// What stands behind `name` on its line.
  private static func value(of name: String, in text: String) -> Substring? {
    for line in text.split(separator: "\n") where line.hasPrefix(name) {
      return line.dropFirst(name.count).drop(while: \.isWhitespace)
    }
    return nil
  }

  /// How many numbers a list such as `0-3,8` has; nil if it is none.
  static func count(of list: Substring) -> Int? {
    var count = 0
    for range in list.split(separator: ",") {
      let ends = range.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, ends.count <= 2, first <= last else {
        return nil
      }
      count += last - first + 1
    }
    return count > 0 ? count : nil
  }

  private static func text(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 16_384)
    let count = read(descriptor, &bytes, bytes.count)
    return count < 0 ? nil : String(decoding: bytes.prefix(count), as: UTF8.self)
  }
}
