public import ArgumentParser
import HTTP
import InferenceAPI
import Kernels
public import Serving
public import Telemetry

extension Log.Level: ExpressibleByArgument {
  public init?(argument: String) { self.init(name: argument) }
  public static var allValueStrings: [String] { allCases.map { "\($0)" } }
  public var defaultValueDescription: String { "\(self)" }
}
extension Log.Format: ExpressibleByArgument {}
extension ServingConfiguration.Control: ExpressibleByArgument {}

/// What `swerve serve` may be told, on the command line or by `SWERVE_…` variables.
struct ServeOptions: ParsableArguments {
  @Option(help: "A model repository: a folder of NAME/VERSION/… folders. May be given again.")
  var models: [String] = []

  @Option(help: "The address to listen on; 0.0.0.0 or :: for all.")
  var host = "127.0.0.1"

  @Option(help: "The port to listen on; 0 for any that is free.")
  var port = 8080

  @Option(help: "A Unix-domain socket to listen on as well.")
  var unixSocket: String?

  @Option(help: "A PEM file with the server's certificate and its chain; the port then speaks https.")
  var tlsCertificate: String?

  @Option(help: "A PEM file with the private key of the certificate.")
  var tlsKey: String?

  @Option(
    name: .customLong("tls-client-ca"),
    help: "A PEM file of authorities; clients then need a certificate from one of them.")
  var tlsClientCA: String?

  @Option(help: "A folder of plugins, searched before the built-in ones. May be given again.")
  var plugins: [String] = []

  @Option(
    help:
      "A list as sha256sum writes it; only plugins whose sums are in it are loaded, the built-in ones included."
  )
  var pluginChecksums: String?

  @Flag(help: "Load plugins that everyone on the machine may write.")
  var trustWritablePlugins = false

  @OptionGroup(title: "Isolation of plugins") var isolation: IsolationOptions

  @OptionGroup(title: "Models") var repository: RepositoryOptions

  @Option(help: "Event loops, each a thread; 0: one for each core the process may use.")
  var loops = 0

  @Option(help: "Threads that execute models; 0: one for each core the process may use.")
  var workers = 0

  @Option(
    help: """
      Microseconds that a model may take and still run on the event loop of its request, for each 64 KiB of input; \
      0: none does.
      """
  )
  var inlineMicroseconds = 20

  @Option(
    help: """
      Microseconds that an event loop stays awake for the next request if a single client sends one after the other; \
      0: it sleeps at once, as it always does on one core.
      """)
  var busyPollMicroseconds = 100

  @Option(help: "Bytes that the body of a request may have; by default 64 MiB, or an eighth of the memory.")
  var maxBodyBytes: Int?

  @Option(help: "Bytes that the header of a request may have.")
  var maxHeaderBytes = 64 << 10

  @Option(help: "Connections that may be open at once.")
  var maxConnections = 10_000

  @Option(help: "Connections that one address may have open at once; 0: as many as there may be.")
  var maxConnectionsPerAddress = 0

  @Option(help: "Seconds a client may take to send the header of a request.")
  var headerSeconds = 10.0

  @Option(help: "Seconds a connection may stay open without a request.")
  var idleSeconds = 75.0

  @OptionGroup(title: "Limits on clients") var limits: LimitOptions

  @Option(help: "Bytes from which on a response is packed for a client that asks for it; 0: never.")
  var compressMinBytes = 1024

  @Flag(
    help:
      "Let clients pass tensors in shared memory. They reach all that the server's user may, so trust them.")
  var sharedMemory = false

  @Flag(help: "Answer faults of /v2 with Triton's statuses, such as 500 for a malformed request.")
  var tritonStatusCodes = false

  @Option(help: "What GET /v2 says is the server's name; some clients look for one.")
  var serverName = Build.name

  @Option(help: "Origins whose pages may use the server, separated by commas; * for any.")
  var corsOrigins = ""

  @Option(help: "Requests that may wait for one model; more are refused with 429.")
  var queueRequests = 4096

  @Option(
    help: """
      Bytes of inputs that may wait for one model; more are refused with 429. By default 1 GiB, or an eighth of \
      the memory.
      """)
  var queueBytes: Int?

  @Option(
    help:
      "Seconds that a request may be expected to wait for its model; 0: no limit. More is refused with 429.")
  var queueWaitSeconds = 30.0

  @Option(
    help: """
      Bytes that the inputs of all queued and running requests may have; 0: no limit. By default 4 GiB, or a quarter \
      of the memory.
      """)
  var requestBytes: Int?

  @Flag(help: "Tell in each answer, as Server-Timing, what its phases took.")
  var serverTiming = false

  @Option(help: "Bytes that plugins may take through the host's memory service; 0: no limit.")
  var pluginMemoryBytes = 0

  @Option(
    help: """
      Seconds that readiness says no before a stop, while all is still served, new connections too; give it what \
      your load balancer takes to notice.
      """)
  var drainSeconds = 0.0

  @Option(help: "Seconds that running requests get to end at a stop, after --drain-seconds.")
  var graceSeconds = 8.0

  @Option(help: "Other servers whose names metrics get as well, separated by commas: triton, tensorflow.")
  var metricNames = ""

  @OptionGroup(title: "Log") var logging: LogOptions

  @Option(help: "The most of the CPU to use: portable, avx2 or avx512; all of it by default.")
  var cpu: String?

  static let listOptionNames = ["models", "plugins"] + RepositoryOptions.listOptionNames
  static let flagNames =
    ["server-timing", "trust-writable-plugins", "shared-memory", "triton-status-codes"]
    + RepositoryOptions.flagNames + LogOptions.flagNames
  static let valueOptionNames =
    [
      "host", "port", "unix-socket", "tls-certificate", "tls-key", "tls-client-ca", "loops", "workers",
      "busy-poll-microseconds",
      "inline-microseconds", "max-body-bytes",
      "max-header-bytes", "max-connections", "max-connections-per-address", "header-seconds", "idle-seconds",
      "compress-min-bytes", "server-name", "cors-origins", "queue-requests", "queue-bytes",
      "queue-wait-seconds",
      "request-bytes", "plugin-memory-bytes", "plugin-checksums",
      "drain-seconds", "grace-seconds", "metric-names", "cpu",
    ] + RepositoryOptions.valueOptionNames + LimitOptions.optionNames + LogOptions.valueOptionNames
    + IsolationOptions.valueOptionNames

  mutating func validate() throws {
    let day = 86_400.0
    try require((0...65_535).contains(port), "--port \(port)", "0 to 65535")
    let sets = InstructionSet.allCases.map(\.rawValue)
    try require(cpu.map(sets.contains) ?? true, "--cpu \(cpu ?? "")", sets.joined(separator: ", "))
    try require(
      (tlsCertificate == nil) == (tlsKey == nil),
      tlsKey == nil ? "--tls-certificate alone" : "--tls-key alone",
      "--tls-certificate and --tls-key together")
    try require(
      tlsClientCA == nil || tlsCertificate != nil, "--tls-client-ca alone",
      "--tls-certificate and --tls-key with it")
    try require((0...1024).contains(loops), "--loops \(loops)", "0 to 1024")
    try require((0...1024).contains(workers), "--workers \(workers)", "0 to 1024")
    try require(
      (0...1_000_000).contains(inlineMicroseconds), "--inline-microseconds \(inlineMicroseconds)",
      "0 to 1000000")
    try require(
      (0...10_000).contains(busyPollMicroseconds), "--busy-poll-microseconds \(busyPollMicroseconds)",
      "0 to 10000")
    try require(maxBodyBytes ?? 1 > 0, "--max-body-bytes \(maxBodyBytes ?? 0)", "above 0")
    try require(maxHeaderBytes >= 1024, "--max-header-bytes \(maxHeaderBytes)", "at least 1024")
    try require(maxConnections > 0, "--max-connections \(maxConnections)", "above 0")
    try require(
      maxConnectionsPerAddress >= 0, "--max-connections-per-address \(maxConnectionsPerAddress)", "0 or above"
    )
    try require(
      headerSeconds > 0 && headerSeconds <= day, "--header-seconds \(headerSeconds)", "above 0, up to 86400")
    try require(
      idleSeconds > 0 && idleSeconds <= day, "--idle-seconds \(idleSeconds)", "above 0, up to 86400")
    try require(compressMinBytes >= 0, "--compress-min-bytes \(compressMinBytes)", "0 or above")
    for name in metricNames.split(separator: ",") {
      try require(
        PeerNames(rawValue: String(name)) != nil, "--metric-names \(name)",
        PeerNames.allCases.map(\.rawValue).joined(separator: " or "))
    }
    for origin in corsOriginList {
      try require(
        Self.isOrigin(origin), "--cors-origins \(origin)",
        "* or an origin as browsers write it, such as https://example.org:8443, without a path")
    }
    try require(queueRequests > 0, "--queue-requests \(queueRequests)", "above 0")
    try require(queueBytes ?? 1 > 0, "--queue-bytes \(queueBytes ?? 0)", "above 0")
    try require(
      (0...day).contains(queueWaitSeconds), "--queue-wait-seconds \(queueWaitSeconds)", "0 to 86400")
    try require(requestBytes ?? 0 >= 0, "--request-bytes \(requestBytes ?? 0)", "0 or above")
    try require((0...day).contains(drainSeconds), "--drain-seconds \(drainSeconds)", "0 to 86400")
    try require((0...day).contains(graceSeconds), "--grace-seconds \(graceSeconds)", "0 to 86400")
  }

  /// The entries of `corsOrigins`.
  var corsOriginList: [String] {
    corsOrigins.split(separator: ",").map { entry in
      var entry = entry.drop { $0 == " " }
      while entry.last == " " { entry.removeLast() }
      return String(entry)
    }
  }

  private static func isOrigin(_ text: String) -> Bool {
    if text == "*" { return true }
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    return parts.count == 3 && parts[0].count > 1 && parts[0].last == ":" && parts[1].isEmpty
      && !parts[2].isEmpty && text == text.lowercased() && !text.contains(where: \.isWhitespace)
  }

  private func require(_ holds: Bool, _ given: String, _ expected: String) throws {
    if !holds { throw ValidationError("\(given): expected \(expected)") }
  }
}

extension ServeOptions {
  /// Where clients register shared memory; nil if they may not.
  var sharedMemoryRegions: SharedMemoryRegions? {
    guard sharedMemory else { return nil }
    return SharedMemoryRegions(
      maximumCount: limits.maxSharedMemoryRegions, maximumInputBytes: limits.maxSharedMemoryBytes)
  }
  /// Whether the server can be reached over TCP from its own machine only.
  var isLocal: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

  /// What the options say of TLS; nil without a certificate.
  var tls: TLSConfiguration? {
    guard let tlsCertificate, let tlsKey else { return nil }
    return TLSConfiguration(certificatePath: tlsCertificate, keyPath: tlsKey, clientCAPath: tlsClientCA)
  }
}
