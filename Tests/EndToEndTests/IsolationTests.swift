import Foundation
import TestSupport
import Testing

/// What happens when a plugin in a process of its own goes wrong, as clients and operators see it.
@Suite(.serialized) struct IsolationTests {
  /// The plugin half_plus_two, in which `fault` is executed where an element is below 0.
  private func folder(fault: String, settings: String = "", retries: Bool = true) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    var source = try String(
      contentsOfFile: Checkout.root + "/plugins/half_plus_two/half_plus_two.c", encoding: .utf8)
    source =
      "#include <stdio.h>\n#include <string.h>\n#include <unistd.h>\n"
      + source.replacingOccurrences(
        of: "to[i] = from[i] / 2 + 2;", with: "{ if (from[i] < 0) { \(fault) } to[i] = from[i] / 2 + 2; }")
    if !retries {
      source = source.replacingOccurrences(of: ", .flags = SWERVE_SAFE_TO_RETRY", with: "")
    }
    let file = try folder.write("broken.c", source)
    try folder.write("models/m/model.json", "{\"isolation\": {\"mode\": \"process\"\(settings)}}")
    try folder.write("models/m/1/README.md", "broken")
    let built = try Command([
      "cc", "-shared", "-fPIC", "-I", Checkout.root + "/Sources/CSwervePlugin/include", file, "-o",
      folder.path + "/models/m/1/plugin.so",
    ])
    try #require(built.status == 0, "\(built.error)")
    try folder.copy("models/half_plus_two", to: "models/other")
    return folder
  }

  private func server(
    _ folder: TemporaryFolder, _ arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> ServerProcess {
    try ServerProcess(models: [folder.path + "/models"], arguments: arguments, environment: environment)
  }

  private func ask(_ client: HTTPClient, _ value: Double, model: String = "m") throws -> HTTPResponse {
    try client.post("/v1/models/\(model):predict", "{\"inputs\":[\(value)]}")
  }

  /// The process ids of the server's workers.
  private func workers(of server: ServerProcess) -> [Int32] {
    let path = "/proc/\(server.process.processIdentifier)/task"
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return threads.flatMap { thread in
      let text = (try? String(contentsOfFile: "\(path)/\(thread)/children", encoding: .utf8)) ?? ""
      return text.split(separator: " ").compactMap { Int32($0) }
    }
  }

  /// Whether a process has not ended; one that nobody takes leave of has.
  private func isRunning(_ process: Int32) -> Bool {
    guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let name = text.lastIndex(of: ")")
    else { return false }
    return !text[name...].hasPrefix(") Z")
  }

  /// Whether all threads of a process are stopped.
  private func isStopped(_ process: Int32) -> Bool {
    let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
    return !threads.isEmpty
      && threads.allSatisfy { thread in
        let text =
          (try? String(contentsOfFile: "/proc/\(process)/task/\(thread)/stat", encoding: .utf8)) ?? ""
        return text.lastIndex(of: ")").map { text[$0...].hasPrefix(") T") } == true
      }
  }

  private func expectServed(by server: ServerProcess) throws {
    #expect(try server.waits { try ask(server.client(), 1).status == 200 }, "\(server.log)")
    #expect(try ask(server.client(), 1, model: "other").status == 200)
  }

  @Test func answersAreThoseOfAnInProcessPlugin() throws {
    let folder = try folder(fault: "abort();")
    let server = try server(folder)
    #expect(workers(of: server).count == 1, "\(server.log)")
    for count in [0, 1, 3, 200_000] {
      let values = (0..<count).map { Double($0) }
      let body = "{\"inputs\":[\(values.map { String($0) }.joined(separator: ","))]}"
      let mine = try server.post("/v1/models/m:predict", body)
      let other = try server.post("/v1/models/other:predict", body)
      #expect(mine.status == 200 && mine.text == other.text, "\(count) elements: \(mine.text.prefix(200))")
    }
  }

  @Test func crashesLoseNothingButWhatCausesThem() throws {
    let folder = try folder(fault: "*(volatile int *)8 = 1;")
    let server = try server(folder)
    let descriptors = "/proc/\(server.process.processIdentifier)/fd"
    let before = try FileManager.default.contentsOfDirectory(atPath: descriptors).count
    #expect(crash(server, rounds: 0..<1000) == [], "\(server.log.suffix(2000))")
    try expectServed(by: server)
    #expect(server.log.contains("SIGSEGV at address 0x8"))
    // A static function, whose name only the library's own table of symbols has.
    #expect(
      server.log.contains("execute+0x") && server.log.contains("(plugin.so+0x"), "\(server.log.suffix(2000))")
    let page = try server.get("/metrics").text
    #expect(page.contains("\nswerve_worker_restarts_total{model=\"m\",version=\"1\"} "))
    #expect(
      !page.contains("\nswerve_worker_restarts_total{model=\"m\",version=\"1\"} 0\n"), "the crashes count")
    #expect(
      try server.waits {
        try FileManager.default.contentsOfDirectory(atPath: descriptors).count <= before + 2
      })
    #expect(workers(of: server).count == 1)
  }

  @Test func crashesLeaveNoMemoryBehind() throws {
    let folder = try folder(fault: "*(volatile int *)8 = 1;")
    // The Address Sanitizer keeps what is freed, to find who still uses it.
    let server = try server(
      folder,
      environment: ["ASAN_OPTIONS": "detect_leaks=0:quarantine_size_mb=0:thread_local_quarantine_size_kb=0"])
    #expect(crash(server, rounds: 0..<1000) == [], "\(server.log.suffix(2000))")
    try expectServed(by: server)
    let memory = try residentKilobytes(of: server)
    #expect(crash(server, rounds: 1000..<2000) == [], "\(server.log.suffix(2000))")
    try expectServed(by: server)
    let grown = try residentKilobytes(of: server) - memory
    #expect(grown < 4096, "\(grown) kB more after a thousand requests and twenty crashes")
  }

  /// Asks from 16 clients, in turns the model that crashes on every fiftieth request and another; what went wrong.
  private func crash(_ server: ServerProcess, rounds: Range<Int>) -> [String] {
    let tally = Tally()
    let port = server.port
    DispatchQueue.concurrentPerform(iterations: 16) { index in
      guard let client = try? HTTPClient(port: port, timeoutSeconds: 30) else {
        return tally.add("no connection")
      }
      for round in stride(from: rounds.lowerBound + index, to: rounds.upperBound, by: 16) {
        let isPoison = round % 50 == 49
        guard let answer = try? ask(client, isPoison ? -1 : Double(round)) else {
          tally.add("no answer")
          continue
        }
        let isRight =
          isPoison ? answer.status == 503 : answer.object["outputs"] as? [Double] == [Double(round) / 2 + 2]
        if !isRight { tally.add("\(round): \(answer.status) \(answer.text)") }
        if (try? ask(client, 2, model: "other"))?.status != 200 { tally.add("\(round): the other model") }
      }
    }
    return tally.faults
  }

  /// Memory of the server's own; what it shares with workers does not count.
  private func residentKilobytes(of server: ServerProcess) throws -> Int {
    let text = try String(
      contentsOfFile: "/proc/\(server.process.processIdentifier)/status", encoding: .utf8)
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("RssAnon:") })
    return try #require(Int(line.split(whereSeparator: { $0 == " " || $0 == "\t" })[1]))
  }

  private final class Tally: @unchecked Sendable {  // the list is behind the lock
    private let lock = NSLock()
    private var list: [String] = []
    var faults: [String] { lock.withLock { list } }
    func add(_ fault: String) { lock.withLock { list.append(fault) } }
  }

  @Test(arguments: [
    ("abort();", "SIGABRT"), ("exit(3);", "exit code 3"),
    ("for (;;) ; ", "did not answer within"),
    (
      "for (;;) { char *more = malloc(1 << 20); memset(more, 1, 1 << 20); }",
      // A malloc of its own ends the process.
      Sanitizer.isPresent ? "exit code" : "SIGSEGV"
    ),
  ])
  func aFaultEndsTheWorkerOnly(_ fault: String, _ reason: String) throws {
    let folder = try folder(
      fault: fault,
      settings: ", \"timeout_seconds\": \(reason.hasPrefix("did not") ? 1 : 30), \"memory_bytes\": 200000000",
      retries: false)
    let server = try server(folder)
    let answer = try ask(server.client(), -1)
    #expect(answer.status == 503 && answer.text.contains(reason), "\(answer.text) \(server.log)")
    try expectServed(by: server)
  }

  @Test func aKilledWorkerIsReplacedAndAStoppedOneIsEndedAsHung() throws {
    let folder = try folder(fault: "abort();", settings: ", \"timeout_seconds\": 1")
    let server = try server(folder)
    for signal in [SIGKILL, SIGSTOP] {
      let worker = try #require(workers(of: server).first)
      kill(worker, signal)
      // The others of a process run on until the thread that gets the signal has a processor.
      if signal == SIGSTOP { #expect(server.waits { isStopped(worker) }) }
      let answer = try ask(server.client(), 1)
      #expect(signal == SIGKILL ? answer.status == 200 : answer.status == 503, "\(answer.text) \(server.log)")
      try expectServed(by: server)
      #expect(!workers(of: server).contains(worker))
    }
  }

  @Test func aWorkerServesOnWhenItIsAskedToEnd() throws {
    let folder = try folder(fault: "sleep(1);")
    let server = try server(folder)
    let worker = try #require(workers(of: server).first)
    let asked = try server.client()
    asked.send(request(-1))
    Thread.sleep(forTimeInterval: 0.3)
    // As service managers do it: to the server and all that it has started.
    for signal in [SIGTERM, SIGINT, SIGHUP] { kill(worker, signal) }
    server.process.terminate()
    #expect(try asked.response(to: "POST").status == 200, "\(server.log)")
    server.process.waitUntilExit()
    #expect(server.process.terminationStatus == 0, "\(server.log)")
    #expect(!isRunning(worker))
  }

  @Test func aWorkerThatHangsDoesNotKeepTheServerFromStopping() throws {
    let folder = try folder(fault: "for (;;) ;", settings: ", \"timeout_seconds\": 60")
    let server = try server(folder, ["--grace-seconds", "2"])
    let worker = try #require(workers(of: server).first)
    let asked = try server.client()
    asked.send(request(-1))
    Thread.sleep(forTimeInterval: 0.3)
    let start = Date()
    server.process.terminate()
    server.process.waitUntilExit()
    #expect(Date().timeIntervalSince(start) < 20)
    Thread.sleep(forTimeInterval: 0.2)
    #expect(!isRunning(worker))
  }

  private func request(_ value: Double) -> String {
    let body = "{\"inputs\":[\(value)]}"
    return
      "POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
  }

  /// A plugin that writes nonsense wherever it shares memory with the server, now and while that answers.
  @Test func nonsenseInSharedMemoryEndsTheWorkerOnly() throws {
    let folder = try folder(
      fault: """
        FILE *maps = fopen("/proc/self/maps", "r");
        char line[512];
        unsigned long long state = 88172645463325252ull ^ (unsigned)(-from[i]);
        while (fgets(line, sizeof line, maps)) {
          unsigned long start, end;
          if (!strstr(line, "swerve-") || sscanf(line, "%lx-%lx rw", &start, &end) != 2) continue;
          if (!strstr(line, " rw")) continue;
          for (unsigned long at = start; at < end && at < start + (1 << 20); at += 8) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            *(volatile unsigned long long *)at = state % 3 == 0 ? state : state % 3 == 1 ? state % 4096 : *(volatile unsigned long long *)at;
          }
        }
        fclose(maps);
        """, settings: ", \"timeout_seconds\": 1, \"crashes\": 1000", retries: false)
    let server = try server(folder)
    let noticed = "broke the server's protocol"
    // Most workers fall over their own nonsense before the server sees any.
    for round in 1...200 where round <= 20 || !server.log.contains(noticed) {
      let answer = try ask(server.client(), -Double(round))
      #expect(answer.status == 503 || answer.status == 200, "\(answer.status) \(answer.text)")
      try expectServed(by: server)
    }
    #expect(server.process.isRunning)
    #expect(server.log.contains(noticed), "\(server.log.suffix(2000))")
  }

  @Test func manyCancelledRequestsOfAStoppedWorkerBlockNobody() throws {
    let folder = try folder(fault: "abort();", settings: ", \"timeout_seconds\": 3")
    let server = try server(folder)
    kill(try #require(workers(of: server).first), SIGSTOP)
    for _ in 0..<600 { try server.client().send(request(1)) }
    for _ in 0..<20 { #expect(try ask(server.client(), 1, model: "other").status == 200) }
    try expectServed(by: server)
  }

  @Test func repeatedCrashesAreQuarantined() throws {
    let folder = try folder(
      fault: "abort();", settings: ", \"crashes\": 2, \"quarantine_seconds\": 2", retries: false)
    let server = try server(folder)
    for _ in 0..<2 { #expect(try ask(server.client(), -1).status == 503) }
    #expect(try server.waits { try server.get("/readyz").text.contains("quarantined") }, "\(server.log)")
    let answer = try ask(server.client(), 1)
    #expect(answer.status == 503 && answer.text.contains("quarantined"), "\(answer.text)")
    #expect(try server.get("/metrics").text.contains("swerve_worker_up{model=\"m\",version=\"1\"} 0"))
    try expectServed(by: server)
    #expect(try server.get("/readyz").status == 200)
  }

  @Test func aWorkerMayNeitherWriteFilesNorConnectNorSignalTheServer() throws {
    let folder = try folder(
      fault: """
        extern int open(const char *, int, ...), socket(int, int, int), kill(int, int);
        const char *path = "/tmp/swerve-worker-was-here";
        extern int fcntl(int, int, ...), prctl(int, ...), prlimit(int, int, const void *, void *), setpriority(int, int, int);
        char limits[16] = {0};
        to[i] = (open(path, 0101, 0600) < 0) + 2 * (socket(2, 1, 0) < 0) + 4 * (kill(getppid(), 0) < 0)
          + 8 * (fcntl(3, 8, getppid()) < 0) + 16 * (prctl(1, 0) < 0) + 32 * (prlimit(getppid(), 7, limits, 0) < 0)
          + 64 * (setpriority(0, getppid(), 19) < 0) + 128 * (fcntl(3, 3) >= 0) + 256 * (prlimit(0, 7, 0, limits) == 0);
        continue;
        """)
    let server = try server(folder)
    #expect(try ask(server.client(), -1).object["outputs"] as? [Double] == [511])
  }
}
