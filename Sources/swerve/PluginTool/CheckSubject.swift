import Glibc
import InferenceAPI
import Locks
import ModelFiles
import PluginHost
import Telemetry
import Tensors

/// The plugin under test, and how a stage calls it.
final class CheckSubject: Sendable {
  let file: String
  let folder: String
  let configuration: String
  let example: String?
  let seed: UInt64
  let services: HostServices
  private let faultLines = FaultLines()

  init(file: String, folder: String, configuration: String, example: String?, seed: UInt64) {
    self.file = file
    self.folder = folder
    self.configuration = configuration
    self.example = example
    self.seed = seed
    services = HostServices(
      serverVersion: Build.version, metrics: Metrics(), faults: { [faultLines] in faultLines.add($0) })
  }

  /// Where the plugin broke the rules of the ABI so far.
  var faults: [String] { faultLines.all }

  func load() throws(PluginError) -> PluginModel {
    let plugin = try Plugin(path: file, services: services)
    return try plugin.makeModel(path: folder, configuration: configuration, name: "checked")
  }

  /// The inputs of the example, if there is one.
  func exampleInputs() throws -> [Tensor]? {
    guard let example else { return nil }
    guard let bytes = Files.bytes(example) else { throw Refusal("\(example): cannot be read") }
    do throws(ExampleRequest.Fault) { return try ExampleRequest.inputs(in: bytes) } catch {
      throw Refusal("\(example): \(error.message)")
    }
  }

  /// Executes one request and waits for its answer; nil if none comes within ten seconds.
  static func answer(_ model: PluginModel, _ inputs: [Tensor], rows: Int) -> CheckedAnswer.Answer? {
    let receiver = CheckedAnswer()
    model.execute(inputs: inputs, requests: [request(rows, receiver)])
    return receiver.wait()
  }

  static func request(_ rows: Int, _ receiver: CheckedAnswer) -> PluginRequest {
    PluginRequest(id: "check", parameters: "{}", deadline: 0, rows: rows, receiver: receiver)
  }

  static func now() -> Int64 { MonotonicClock.system.now() }
}

/// Waits for the answer of one request and counts how often it ends.
final class CheckedAnswer: PluginRequestReceiver {
  struct Answer: Sendable {
    var status: PluginStatus
    var message: String
    var outputs: [Tensor]
    var wasStreamed: Bool
  }

  private let state = Lock<(answer: Answer?, chunks: Int, ends: Int)>((nil, 0, 0))

  func receive(chunk: [Tensor]) -> Bool {
    state.withLock { $0.chunks += 1 }
    return true
  }

  func finish(status: PluginStatus, message: String, outputs: [Tensor]) {
    state.withLock {
      $0.ends += 1
      $0.answer = Answer(status: status, message: message, outputs: outputs, wasStreamed: $0.chunks > 0)
    }
  }

  /// How often the request has ended.
  var ends: Int { state.withLock { $0.ends } }

  /// The answer once it is there; nil after ten seconds.
  func wait() -> Answer? {
    let end = CheckSubject.now() + 10_000_000_000
    while CheckSubject.now() < end {
      if let answer = state.withLock({ $0.answer }) { return answer }
      usleep(50)
    }
    return nil
  }
}

/// Sentences from any thread.
private final class FaultLines: Sendable {
  private let lines = Lock<[String]>([])

  var all: [String] { lines.withLock { $0 } }

  func add(_ line: String) { lines.withLock { if $0.count < 20 { $0.append(line) } } }
}
