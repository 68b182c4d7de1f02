internal import CSwervePlugin
internal import Glibc
internal import Kernels
internal import Locks
internal import Synchronization
internal import Telemetry

/// The host that one model sees: a table of its own, so that what comes through it is known to be the
/// model's. Bindings live as long as the process and are used again, so that a plugin that calls its
/// host after destroy is answered, under a wrong name at worst.
///
/// Unchecked: the table is written in init only.
final class HostBinding: @unchecked Sendable {
  private struct Labels {
    var plugin = ""
    var model = ""
    var configuration: ConfigurationValues?
  }

  private static let lineLimit = 8192

  let services: HostServices
  let table: UnsafePointer<swerve_host>
  /// Bytes taken through memory/1 and not given back.
  let memoryInUse = Atomic<Int>(0)
  /// How many threads one call may use.
  private let threadLimit = Atomic<Int>(.max)
  private let labels = Lock(Labels())
  private let reported = Atomic<UInt32>(0)

  /// Every binding there is.
  private static let all = Lock<[HostBinding]>([])

  static func make(services: HostServices) -> HostBinding {
    let binding = HostBinding(services: services)
    all.withLock { $0.append(binding) }
    return binding
  }

  private init(services: HostServices) {
    self.services = services
    let table = UnsafeMutablePointer<swerve_host>.allocate(capacity: 1)
    table.initialize(to: HostTable.make(name: services.serverName, version: services.serverVersion))
    self.table = UnsafePointer(table)
    table.pointee.context = Unmanaged.passUnretained(self).toOpaque()
  }

  /// The binding behind a table or a copy of one.
  static func behind(_ table: UnsafePointer<swerve_host>?) -> HostBinding? {
    guard let context = table?.pointee.context else { return nil }
    return Unmanaged<HostBinding>.fromOpaque(context).takeUnretainedValue()
  }

  func label(plugin: String, model: String) {
    labels.withLock { $0 = Labels(plugin: plugin, model: model) }
    threadLimit.store(.max, ordering: .relaxed)
    reported.store(0, ordering: .relaxed)
  }

  func limitThreads(to count: Int) { threadLimit.store(max(count, 1), ordering: .relaxed) }

  /// The server's threads, as far as the model may use them.
  var team: ThreadTeam {
    let limit = threadLimit.load(ordering: .relaxed)
    guard limit < services.team.width else { return services.team }
    guard limit > 1 else { return .single }
    let this = UnsafeMutableRawPointer(Unmanaged.passUnretained(self).toOpaque())
    return ThreadTeam(width: limit, context: this) { this, count, body, context in
      guard let this, let body else { return }
      Unmanaged<HostBinding>.fromOpaque(this).takeUnretainedValue().runLimited(count, context, body)
    }
  }

  /// Runs a loop on so many threads only: they take its items one after the other.
  private func runLimited(_ count: Int, _ context: UnsafeMutableRawPointer?, _ body: ThreadTeam.Body) {
    let next = Atomic<Int>(0)
    services.team.parallelFor(min(threadLimit.load(ordering: .relaxed), count)) { _ in
      while true {
        let item = next.wrappingAdd(1, ordering: .relaxed).oldValue
        if item >= count { return }
        body(context, item)
      }
    }
  }

  /// What config/1 reads; nil: the host is no model's.
  var configuration: ConfigurationValues? { labels.withLock { $0.configuration } }

  func configure(_ configuration: String) {
    let values = ConfigurationValues(configuration)
    labels.withLock { $0.configuration = values }
  }

  var names: (plugin: String, model: String) { labels.withLock { ($0.plugin, $0.model) } }

  func withModelName<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
    names.model.withCString(body)
  }

  /// Gives the binding back when its model is destroyed. One whose memory was not all released is kept
  /// from further use, so that a late release is not counted as another model's.
  func retire() {
    let left = memoryInUse.load(ordering: .relaxed)
    if left != 0 {
      log(.warning, "the model was destroyed and did not release \(left) bytes of memory/1")
    } else {
      services.recycle(self)
    }
  }

  func log(_ level: Log.Level, _ message: String) {
    let names = names
    services.log(level, names.plugin, names.model, message)
  }

  func log(_ level: Int32, _ message: UnsafePointer<CChar>) {
    log(Log.Level(rawValue: Int(min(max(level, 0), 3))) ?? .error, text(message, limit: Self.lineLimit))
  }

  /// Says that the plugin did what it must not.
  func fault(_ message: String) {
    log(.error, message)
    services.faults?(message)
  }

  /// Says, once for each kind of it and model, that the plugin breaks the rules of the ABI.
  func report(_ misuse: Misuse, _ message: @autoclosure () -> String) {
    let (old, _) = reported.bitwiseOr(misuse.rawValue, ordering: .relaxed)
    guard old & misuse.rawValue == 0 else { return }
    fault("the plugin breaks the rules of the ABI: \(message())")
    if services.abortsOnMisuse { abort() }
  }
}

/// How a plugin may break the rules of the ABI.
enum Misuse: UInt32 {
  case deadRequest = 1
  case deadBatch = 2
  case nullArgument = 4
  case badStatus = 8
  case foreignMemory = 16
}
