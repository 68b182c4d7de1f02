import Bytes
import Foundation
import Kernels
import PluginHost
import PluginKit
import Synchronization
import Telemetry
import Tensors
import Testing

/// The host services, as a Swift plugin calls them.
@Suite struct HostServicesTests {
  final class Parallel: ScriptedModel {
    override func execute(_ batch: Batch) throws -> Completion {
      let y = try batch.output("y", .float32, [1000]).elements(as: Float.self)
      y.initialize(repeating: 0)
      host.parallelFor(1000) { index in
        self.host.parallelFor(3) { inner in y[index] += Float(index * inner) }
      }
      host.parallelFor(0) { _ in y[0] = -1 }
      return host.parallelWidth == 4 ? .done : .pending
    }
  }

  @Test func parallelLoopsRunEveryBodyOnceOnThePoolAndInsideOneAnother() throws {
    let services = HostServices(threadPool: ThreadPool(workerCount: 3))
    let model = try InProcess.model(PluginTable(name: "p", version: "1", model: Parallel.self), services)
    #expect(model.answer([1])?.outputs[0].floats == (0..<1000).map { Float($0 * 3) })
  }

  final class Limited: ScriptedModel {
    override func execute(_ batch: Batch) throws -> Completion {
      let width = Int(host.parallelWidth)
      let runs = (0..<200).map { _ in Counter() }
      let (atOnce, most) = (Counter(), Counter())
      host.parallelFor(200) { index in
        most.raise(to: atOnce.add(1))
        usleep(50)
        runs[index].add(1)
        atOnce.add(-1)
      }
      let y = try batch.output("y", .float32, [3]).elements(as: Float.self)
      y[0] = Float(width)
      y[1] = Float(runs.count { $0.value == 1 })
      y[2] = most.value <= width ? 1 : 0
      return .done
    }
  }

  final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .relaxed) }
    @discardableResult func add(_ number: Int) -> Int {
      count.wrappingAdd(number, ordering: .relaxed).newValue
    }
    func raise(to number: Int) { count.max(number, ordering: .relaxed) }
  }

  @Test(arguments: [1, 2, 3]) func aModelUsesNoMoreThreadsThanItMay(threads: Int) throws {
    let services = HostServices(threadPool: ThreadPool(workerCount: 3))
    let table = PluginTable(name: "p", version: "1", model: Limited.self)
    let model = try InProcess.model(table, services, threads: threads)
    #expect(model.answer([1])?.outputs[0].floats == [Float(threads), 200, 1])
  }

  final class Multiplying: ScriptedModel {
    override func execute(_ batch: Batch) throws -> Completion {
      let a: [Float] = [1, 2, 3, 4]
      let b: [Float] = [5, 6, 7, 8]
      let y = try batch.output("y", .float32, [4]).elements(as: Float.self)
      try host.multiply(m: 2, n: 2, k: 2, a, lda: 2, b, ldb: 2, into: y.baseAddress!, ldc: 2)
      #expect(throws: ModelError.self) {
        try host.multiply(m: 2, n: 2, k: 2, a, lda: 1, b, ldb: 2, into: y.baseAddress!, ldc: 2)
      }
      return .done
    }
  }

  @Test func matricesAreMultiplied() throws {
    let model = try InProcess.model(PluginTable(name: "p", version: "1", model: Multiplying.self))
    #expect(model.answer([1])?.outputs[0].floats == [19, 22, 43, 50])
  }

  final class Measured: ScriptedModel {
    override func execute(_ batch: Batch) throws -> Completion {
      host.counter("rows", help: "Rows seen.").record(3)
      host.counter("rows", help: "Rows seen.").record(2)
      host.counter("rows", help: "Rows seen.").record(-1)
      host.gauge("heat", help: "How hot.").record(36.5)
      host.histogram("length", help: "Lengths.", bounds: [1, 10]).record(4)
      host.gauge("rows", help: "Of another kind.").record(1)
      host.gauge("bad name", help: "").record(1)
      host.histogram("none", help: "", bounds: []).record(1)
      host.histogram("descending", help: "", bounds: [2, 1]).record(1)
      for index in 0..<100 { host.gauge("many_\(index)", help: "").record(1) }
      throw ModelError(.unsupported, "enough")
    }
  }

  @Test func metricsArriveUnderThePluginAndTheModel() throws {
    let metrics = Metrics()
    let log = LogRecorder()
    let services = HostServices(metrics: metrics) { log.add("\($0) \($1) \($2): \($3)") }
    let model = try InProcess.model(PluginTable(name: "p", version: "1", model: Measured.self), services)
    #expect(model.answer([1])?.status == .unsupported)
    let page = ByteBuffer()
    metrics.write(to: page)
    let text = String(decoding: page.bytes, as: UTF8.self)
    #expect(text.contains("# HELP swerve_plugin_rows Rows seen.\n# TYPE swerve_plugin_rows counter"))
    #expect(text.contains("swerve_plugin_rows{plugin=\"p\",model=\"p\"} 5"))
    #expect(text.contains("swerve_plugin_heat{plugin=\"p\",model=\"p\"} 36.5"))
    #expect(text.contains("swerve_plugin_length_count{plugin=\"p\",model=\"p\"} 1"))
    #expect(!text.contains("bad name"))
    #expect(text.contains("many_60") && !text.contains("many_61"))
    for reason in [
      "\"rows\" was refused: there is one of another kind", "1 to 100 letters", "1 to 64 bounds", "ascending",
      "has 64 already",
    ] {
      #expect(log.text.contains(reason), "\(log.text)")
    }
  }

  final class Remembering: ScriptedModel {
    private let block: UnsafeMutableRawPointer?
    required init(path: String, configuration: String, host: ModelHost) throws {
      block = host.allocate(byteCount: 100)
      guard block != nil, host.allocate(byteCount: 1) == nil, host.allocate(byteCount: -1) == nil else {
        throw ModelError(.internalFault, "the limit was not kept")
      }
      try super.init(path: path, configuration: configuration, host: host)
    }
    deinit { host.release(block) }
  }

  @Test func memoryIsCountedWhileTheModelLives() throws {
    let services = HostServices(memoryLimit: 100)
    var model: PluginModel? = try InProcess.model(
      PluginTable(name: "p", version: "1", model: Remembering.self), services)
    #expect(model != nil && services.pluginMemoryInUse == 100)
    model = nil
    #expect(services.pluginMemoryInUse == 0)
  }

  final class Talking: ScriptedModel {
    override func execute(_ batch: Batch) throws -> Completion {
      host.log(.info, "one\ntwo")
      throw ModelError(.unsupported, "enough")
    }
  }

  @Test func linesArriveAsTheyWereWritten() throws {
    let log = LogRecorder()
    let services = HostServices { log.add("\($0) \($1) \($2): \($3)") }
    _ = try InProcess.model(PluginTable(name: "p", version: "1", model: Talking.self), services).answer([1])
    #expect(log.text == "info p p: one\ntwo")
  }
}
