import Glibc

/// What Prometheus' client libraries tell of a process: CPU time, memory, descriptors, start time.
public enum ProcessMetrics {
  /// Adds the `process_…` metrics to `metrics`; they are read when the page is written.
  public static func register(in metrics: Metrics) {
    metrics.observe(
      "process_cpu_seconds_total", help: "User and system CPU time.", isCounter: true, read: cpuSeconds)
    metrics.observe("process_resident_memory_bytes", help: "Resident memory.") {
      residentPages() * Double(getpagesize())
    }
    metrics.observe("process_open_fds", help: "Open file descriptors.", read: openDescriptors)
    metrics.observe("process_max_fds", help: "File descriptors that may be open.", read: descriptorLimit)
    let started = startTime()
    metrics.observe("process_start_time_seconds", help: "When the process began, since 1970.") { started }
  }

  private static func cpuSeconds() -> Double {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }

  private static func residentPages() -> Double {
    guard let file = fopen("/proc/self/statm", "re") else { return .nan }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, Int32(line.count), file) != nil else { return .nan }
    let fields = line.prefix { $0 != 0 }.split(separator: CChar(UInt8(ascii: " ")))
    guard fields.count > 1 else { return .nan }
    return fields[1].reduce(0) { $0 * 10 + Double($1 - CChar(UInt8(ascii: "0"))) }
  }

  private static func openDescriptors() -> Double {
    guard let directory = opendir("/proc/self/fd") else { return .nan }
    defer { closedir(directory) }
    var count = -3.0
    while readdir(directory) != nil { count += 1 }
    return count
  }

  private static func descriptorLimit() -> Double {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return Double(limit.rlim_cur)
  }

  private static func startTime() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Double(now.tv_sec)
  }
}
