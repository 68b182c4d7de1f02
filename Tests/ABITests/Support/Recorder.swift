import Foundation
import Locks
import PluginHost
import Tensors

/// Keeps what a request was answered.
final class Recorder: PluginRequestReceiver {
  struct Answer: Sendable {
    var status: PluginStatus
    var message: String
    var outputs: [Tensor]
  }

  private struct State {
    var answers: [Answer] = []
    var chunks: [[Tensor]] = []
  }

  private let state = Lock(State())
  private let ended = DispatchSemaphore(value: 0)
  /// How many chunks are taken before the client goes.
  private let chunkLimit: Int

  init(chunkLimit: Int = .max) { self.chunkLimit = chunkLimit }

  func receive(chunk: [Tensor]) -> Bool {
    state.withLock {
      $0.chunks.append(chunk)
      return $0.chunks.count < chunkLimit
    }
  }

  func finish(status: PluginStatus, message: String, outputs: [Tensor]) {
    state.withLock { $0.answers.append(Answer(status: status, message: message, outputs: outputs)) }
    ended.signal()
  }

  var answers: [Answer] { state.withLock { $0.answers } }
  var chunks: [[Tensor]] { state.withLock { $0.chunks } }

  /// The answer, once it is there; nil after a minute.
  func wait() -> Answer? {
    guard ended.wait(timeout: .now() + 60) == .success else { return nil }
    return answers.first
  }
}

/// Keeps what plugins log.
final class LogRecorder: Sendable {
  private let lines = Lock<[String]>([])

  var text: String { lines.withLock { $0.joined(separator: "\n") } }
  var count: Int { lines.withLock { $0.count } }

  func add(_ line: String) { lines.withLock { $0.append(line) } }

  /// Services that log here.
  func services(memoryLimit: Int = .max) -> HostServices {
    HostServices(memoryLimit: memoryLimit) { level, plugin, model, message in
      self.add("\(level) \(plugin) \(model): \(message)")
    }
  }
}

extension Tensor {
  init(_ name: String, _ values: [Float], _ shape: Shape? = nil) {
    self.init(name: name, datatype: .fp32, shape: shape ?? [values.count])!
    _ = elements(as: Float.self).initialize(from: values)
  }

  init(_ name: String, _ values: [Int64]) {
    self.init(name: name, datatype: .int64, shape: [values.count])!
    _ = elements(as: Int64.self).initialize(from: values)
  }

  var floats: [Float] { Array(elements(as: Float.self)) }
  var strings: [String] { elements(as: BytesElement.self).map { String(decoding: $0.bytes, as: UTF8.self) } }
}

extension PluginModel {
  /// Executes one batch of requests with so many rows each, and waits for all answers.
  @discardableResult
  func answer(_ inputs: [Tensor], rows: [Int]) -> [Recorder.Answer?] {
    let recorders = rows.map { _ in Recorder() }
    let requests = zip(rows, recorders).map { PluginRequest($0, $1) }
    execute(inputs: inputs, requests: requests)
    return recorders.map { $0.wait() }
  }

  func answer(_ values: [Float]) -> Recorder.Answer? {
    answer([Tensor("x", values)], rows: [values.count])[0]
  }
}

extension PluginRequest {
  convenience init(
    _ rows: Int, _ receiver: any PluginRequestReceiver, id: String = "", parameters: String = "{}",
    deadline: Int64 = 0
  ) {
    self.init(id: id, parameters: parameters, deadline: deadline, rows: rows, receiver: receiver)
  }
}
