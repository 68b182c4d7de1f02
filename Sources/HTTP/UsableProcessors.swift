import CEvent
import Glibc

/// The processors that this process may really use: its affinity, and the quota of its control groups.
public enum UsableProcessors {
  /// At least 1; a quota of part of a processor counts as a whole one.
  public static var count: Int { max(1, min(affinityCount, quotaCount ?? .max)) }

  private static var affinityCount: Int {
    var mask = InlineArray<128, UInt64>(repeating: 0)
    let size = MemoryLayout<InlineArray<128, UInt64>>.size
    let copied = withUnsafeMutablePointer(to: &mask) { swerve_affinity_mask($0, size) }
    guard copied > 0 else { return max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
    var bits = 0
    for index in mask.indices { bits += mask[index].nonzeroBitCount }
    return bits
  }

  /// The smallest quota of this process's control group (version 2) and those around it.
  private static var quotaCount: Int? {
    var group = ""
    for line in read("/proc/self/cgroup").split(separator: "\n") where line.hasPrefix("0::") {
      group = String(line.dropFirst(3))
    }
    var smallest: Int?
    while true {
      if let quota = quota(read("/sys/fs/cgroup\(group == "/" ? "" : group)/cpu.max")) {
        smallest = min(smallest ?? .max, quota)
      }
      guard let slash = group.lastIndex(of: "/") else { return smallest }
      group = String(group[..<slash])
    }
  }

  /// Reads `cpu.max`: the microseconds of processor time in a period, and the period.
  static func quota(_ text: String) -> Int? {
    let numbers = text.split { $0 == " " || $0 == "\n" }
    guard numbers.count == 2, let time = Int(numbers[0]), let period = Int(numbers[1]), time > 0, period > 0
    else { return nil }
    return (time - 1) / period + 1
  }

  private static func read(_ path: String) -> String {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return "" }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 4_096)
    let count = Glibc.read(descriptor, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }
}
