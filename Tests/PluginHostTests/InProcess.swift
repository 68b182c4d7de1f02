import CSwervePlugin
import Foundation
import Locks
import PluginKit
import Tensors

@testable import PluginHost

/// Loads a plugin whose table was made in this process, as if it came from a file.
enum InProcess {
  /// All that were made, since a table lives as long as the process; the last is the one being loaded.
  private static let tables = Lock<[PluginTable]>([])
  private static let oneAtATime = Lock<Void>(())

  static func model(
    _ table: PluginTable, _ services: HostServices = HostServices(), path: String = "/models/m/1",
    configuration: String = "{}", threads: Int = .max
  ) throws -> PluginModel {
    let library = try oneAtATime.withLock { _ in
      tables.withLock { $0.append(table) }
      return try PluginLibrary(
        entry: { _ in InProcess.tables.withLock { $0.last?.pointer } },
        host: services.takeBinding(plugin: "in-process", model: ""))
    }
    return try Plugin(library: library, path: "in-process", services: services)
      .makeModel(path: path, configuration: configuration, threads: threads)
  }
}

/// Keeps what a request was answered.
final class Recorder: PluginRequestReceiver {
  struct Answer: Sendable {
    var status: PluginStatus
    var message: String
    var outputs: [Tensor]
  }

  private let state = Lock<(answer: Answer?, chunks: [[Tensor]])>((nil, []))
  private let ended = DispatchSemaphore(value: 0)

  func receive(chunk: [Tensor]) -> Bool {
    state.withLock { $0.chunks.append(chunk) }
    return true
  }

  func finish(status: PluginStatus, message: String, outputs: [Tensor]) {
    state.withLock { $0.answer = Answer(status: status, message: message, outputs: outputs) }
    ended.signal()
  }

  var chunks: [[Tensor]] { state.withLock { $0.chunks } }

  /// The answer, once it is there; nil after a minute.
  func wait() -> Answer? {
    guard ended.wait(timeout: .now() + 60) == .success else { return nil }
    return state.withLock { $0.answer }
  }
}

/// Keeps what plugins log.
final class LogRecorder: Sendable {
  private let lines = Lock<[String]>([])
  var text: String { lines.withLock { $0.joined(separator: "\n") } }
  func add(_ line: String) { lines.withLock { $0.append(line) } }
}

extension Tensor {
  init(_ name: String, _ values: [Float]) {
    self.init(name: name, datatype: .fp32, shape: [values.count])!
    _ = elements(as: Float.self).initialize(from: values)
  }

  init(_ name: String, texts: [String]) {
    let payload = TensorMemory(byteCount: texts.reduce(0) { $0 + $1.utf8.count })!
    let memory = TensorMemory(byteCount: texts.count * 16)!
    var next = payload.base.assumingMemoryBound(to: UInt8.self)
    let elements = memory.base.bindMemory(to: BytesElement.self, capacity: max(texts.count, 1))
    for (index, text) in texts.enumerated() {
      elements[index] = BytesElement(data: next, count: text.utf8.count)
      for byte in text.utf8 {
        next.pointee = byte
        next += 1
      }
    }
    self.init(name: name, datatype: .bytes, shape: [texts.count], memory: memory, payload: payload)
  }

  var floats: [Float] { Array(elements(as: Float.self)) }
  var strings: [String] { elements(as: BytesElement.self).map { String(decoding: $0.bytes, as: UTF8.self) } }
}

extension PluginModel {
  func answer(_ inputs: [Tensor], rows: [Int]) -> [Recorder.Answer?] {
    let recorders = rows.map { _ in Recorder() }
    execute(
      inputs: inputs,
      requests: zip(rows, recorders).map {
        PluginRequest(id: "", parameters: "{}", deadline: 0, rows: $0, receiver: $1)
      })
    return recorders.map { $0.wait() }
  }

  func answer(_ values: [Float]) -> Recorder.Answer? {
    answer([Tensor("x", values)], rows: [values.count])[0]
  }
}
