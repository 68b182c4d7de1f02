import CSwervePlugin
import Foundation
import Locks
import PluginHost
import PluginKit
import Synchronization
import Tensors
import Testing

/// A model whose `execute` a test writes.
class ScriptedModel: InferenceModel {
  let host: ModelHost
  required init(path: String, configuration: String, host: ModelHost) throws { self.host = host }
  var signature: ModelSignature {
    ModelSignature(
      inputs: [TensorDescription("x", .float32, [-1])], outputs: [TensorDescription("y", .float32, [-1])],
      maximumBatch: 8, concurrency: .concurrent)
  }
  func execute(_ batch: Batch) throws -> Completion { .done }
  func cancel(_ request: Request.ID) {}
}

private func table<Model: InferenceModel>(_ model: Model.Type) -> PluginTable {
  PluginTable(name: "scripted", version: "1.0.0", model: model)
}

@Suite struct PluginKitTests {
  final class Doubling: ScriptedModel {
    override func execute(_ batch: Batch) throws -> Completion {
      let x = try batch.input("x").elements(as: Float.self)
      let y = try batch.output("y", .float32, batch.input(0).dimensions).elements(as: Float.self)
      for index in x.indices { y[index] = 2 * x[index] }
      return .done
    }
  }

  @Test func aSwiftModelComputesABatch() throws {
    let model = try InProcess.model(table(Doubling.self))
    let answers = model.answer([Tensor("x", [1, 2, 3])], rows: [1, 2])
    #expect(answers.map { $0?.outputs[0].floats } == [[2], [4, 6]])
  }

  final class Calling: ScriptedModel {
    override func execute(_ batch: Batch) throws -> Completion {
      let added = Float(host.number("add.0") ?? 0) + Float(host.integer("add.1") ?? 0)
      #expect(host.text("name") == "grün" && host.boolean("yes") == true && host.count("add") == 2)
      #expect(host.number("name") == nil && host.text("no") == nil && host.count("yes") == nil)
      let x = try batch.input("x")
      let answer = try batch.run(
        "other", version: 2,
        inputs: [CallInput("a", x), CallInput("b", x.elements(as: Float.self), [x.dimensions[0]])],
        for: batch.requests[0], parameters: #"{"p": 1}"#)
      let sums = try answer.output("a").elements(as: Float.self)
      let y = try batch.output("y", .float32, [sums.count]).elements(as: Float.self)
      for index in y.indices { y[index] = sums[index] + added }
      return .done
    }
  }

  /// Answers with its first input; refuses a call that is not the one above.
  final class FirstInput: ModelRunner {
    func run(_ call: ModelCall) throws(PluginError) -> [Tensor] {
      guard call.model == "other", call.version == 2, call.inputs.map(\.name) == ["a", "b"],
        call.parameters == #"{"p": 1}"#,
        call.inputs[0].floats == call.inputs[1].floats
      else { throw PluginError(status: .notFound, message: "\(call)") }
      guard call.inputs[0].floats != [0] else { throw PluginError(status: .unavailable, message: "not now") }
      return [call.inputs[0]]
    }
  }

  @Test func aSwiftModelRunsAnotherAndReadsItsConfiguration() throws {
    let services = HostServices()
    let runner = FirstInput()
    services.runModels(by: runner)
    let model = try InProcess.model(
      table(Calling.self), services, configuration: #"{"add": [0.5, 2], "name": "grün", "yes": true}"#)
    #expect(model.answer([1, 2])?.outputs[0].floats == [3.5, 4.5])
    let refused = model.answer([0])
    #expect(refused?.status == .unavailable && refused?.message == "not now", "\(refused?.message ?? "")")
  }

  final class Described: ScriptedModel {
    override var signature: ModelSignature {
      ModelSignature(
        inputs: [TensorDescription("ids", .int64, [-1, -1], isOptional: true, padValue: 9)],
        outputs: [TensorDescription("class", .float16, [-1, 3], labels: ["a", "b", "c"])],
        maximumBatch: 5, concurrency: .serial, isSafeToRetry: true, memoryEstimate: 77, platform: "mine")
    }
  }

  @Test func aSignatureBecomesADescription() throws {
    let description = try InProcess.model(table(Described.self)).description
    #expect(
      description.inputs == [
        TensorSpec(name: "ids", datatype: .int64, shape: [-1, -1], isOptional: true, padValue: 9)
      ])
    #expect(
      description.outputs == [
        TensorSpec(name: "class", datatype: .fp16, shape: [-1, 3], labels: ["a", "b", "c"])
      ])
    #expect(description.maximumBatch == 5)
    #expect(description.concurrency == .serial)
    #expect(description.isSafeToRetry)
    #expect(description.memoryEstimate == 77)
    #expect(description.platform == "mine")
  }

  @Test func elementTypesAreTheDatatypes() {
    #expect(ElementType.allCases.map(\.rawValue) == Datatype.allCases.map(\.rawValue))
    let statuses: [ModelError.Status] = [
      .invalidArgument, .notFound, .unsupported, .outOfMemory, .cancelled, .unavailable, .internalFault,
    ]
    for status in statuses { #expect("\(PluginStatus(rawValue: status.rawValue)!)" == "\(status)") }
  }

  final class NineDimensions: ScriptedModel {
    override var signature: ModelSignature {
      ModelSignature(
        inputs: [], outputs: [TensorDescription("y", .float32, Array(repeating: 1, count: 9))])
    }
  }

  final class Unloadable: ScriptedModel {
    required init(path: String, configuration: String, host: ModelHost) throws {
      throw ModelError(.notFound, "no weights in \(path), asked by \(configuration)")
    }
  }

  @Test func aModelThatCannotBeLoadedSaysWhy() throws {
    let error = #expect(throws: PluginError.self) {
      _ = try InProcess.model(table(Unloadable.self), path: "/p", configuration: "{\"a\":1}")
    }
    #expect(error?.status == .notFound)
    #expect(error?.message == "plugin scripted cannot load /p: no weights in /p, asked by {\"a\":1}")
    let other = #expect(throws: PluginError.self) { _ = try InProcess.model(table(NineDimensions.self)) }
    #expect(other?.message.contains("9 dimensions") == true)
  }

  final class Failing: ScriptedModel {
    struct Odd: Error {}
    override func execute(_ batch: Batch) throws -> Completion {
      switch try batch.input("x").elements(as: Float.self)[0] {
      case 0: throw ModelError(.unavailable, "come back later")
      case 1: throw Odd()
      case 2: throw ModelError(.internalFault, String(repeating: "é", count: 1000))
      case 3: _ = try batch.input("x").elements(as: Double.self)
      case 4: _ = try batch.output("z", .float32, [1])
      case 5: _ = try batch.output("y", .float32, Array(repeating: 1, count: 9))
      default: _ = try batch.input("absent")
      }
      return .done
    }
  }

  @Test(arguments: [
    (0, PluginStatus.unavailable, "come back later"), (1, .internalFault, "Odd()"),
    (2, .internalFault, String(repeating: "é", count: 255)),
    (3, .internalFault, "input \"x\" holds float32, not float64"),
    (4, .internalFault, "the server refused output \"z\" float32 [1]; see its log"),
    (5, .internalFault, "output \"y\" has 9 dimensions; at most 8 are possible"),
    (6, .invalidArgument, "input \"absent\" is missing"),
  ])
  func errorsReachTheClient(_ value: Float, _ status: PluginStatus, _ message: String) throws {
    let answer = try #require(InProcess.model(table(Failing.self)).answer([value]))
    #expect(answer.status == status)
    #expect(answer.message == message)
  }

  final class Picky: ScriptedModel {
    override func execute(_ batch: Batch) throws -> Completion {
      let x = try batch.input("x").elements(as: Float.self)
      let y = try batch.output("y", .float32, [x.count]).elements(as: Float.self)
      var row = 0
      for request in batch.requests {
        if x[row] < 0 { request.fail(ModelError(.invalidArgument, "negative")) }
        for index in row..<row + request.rows { y[index] = x[index] }
        row += request.rows
      }
      return .done
    }
  }

  @Test func aRequestMayFailAlone() throws {
    let answers = try InProcess.model(table(Picky.self)).answer([Tensor("x", [1, -1, 3])], rows: [1, 1, 1])
    #expect(answers.map { $0?.status } == [.ok, .invalidArgument, .ok])
    #expect(answers[1]?.message == "negative")
    #expect(answers[2]?.outputs[0].floats == [3])
  }

  final class Greeting: ScriptedModel {
    override var signature: ModelSignature {
      ModelSignature(
        inputs: [TensorDescription("x", .bytes, [-1])], outputs: [TensorDescription("y", .bytes, [-1])],
        maximumBatch: 8)
    }
    override func execute(_ batch: Batch) throws -> Completion {
      let names = try batch.input("x").strings()
      try batch.output("y", .bytes, [names.count]).set(names.map { $0.isEmpty ? "" : "Hello, \($0)" })
      return .done
    }
  }

  @Test func textGoesInAndOut() throws {
    let model = try InProcess.model(table(Greeting.self))
    let answers = model.answer([Tensor("x", texts: ["Ada", "", "Zoë"])], rows: [1, 2])
    #expect(answers.map { $0?.outputs[0].strings } == [["Hello, Ada"], ["", "Hello, Zoë"]])
  }

  final class Later: ScriptedModel {
    override func execute(_ batch: Batch) throws -> Completion {
      Thread.detachNewThread {
        for request in batch.requests {
          do {
            try request.send("y", [Float(request.rows)], shape: [1])
            try request.send("y", [Float(-request.rows)], shape: [1])
            request.finish()
          } catch {
            request.fail(error as? ModelError ?? ModelError(.internalFault, "\(error)"))
          }
        }
      }
      return .pending
    }
  }

  @Test func aModelMayStreamLater() throws {
    let model = try InProcess.model(table(Later.self))
    let recorders = [Recorder(), Recorder()]
    model.execute(
      inputs: [Tensor("x", [1, 2, 3])],
      requests: zip([1, 2], recorders).map {
        PluginRequest(id: "", parameters: "{}", deadline: 0, rows: $0, receiver: $1)
      })
    #expect(recorders.map { $0.wait()?.status } == [.ok, .ok])
    #expect(recorders.map { $0.chunks.map { $0[0].floats[0] } } == [[1, -1], [2, -2]])
  }

  final class Informed: ScriptedModel {
    override func execute(_ batch: Batch) throws -> Completion {
      let request = batch.requests[0]
      throw ModelError(
        .unsupported,
        "\(request.clientID) \(request.parameters) \(request.deadline ?? -1) \(request.isCancelled) \(host.serverVersion)"
      )
    }
  }

  @Test func aModelSeesWhatIsKnownOfARequest() throws {
    let model = try InProcess.model(table(Informed.self), HostServices(serverVersion: "8.1"))
    let recorder = Recorder()
    let request = PluginRequest(id: "q7", parameters: "{\"a\":2}", deadline: 55, rows: 1, receiver: recorder)
    request.cancel()
    model.execute(inputs: [Tensor("x", [1])], requests: [request])
    #expect(recorder.wait()?.message == "q7 {\"a\":2} 55 true 8.1")
  }

  final class Waiting: ScriptedModel {
    private let open = Lock<[Request.ID: Request]>([:])
    override func execute(_ batch: Batch) throws -> Completion {
      for request in batch.requests { open.withLock { $0[request.id] = request } }
      return .pending
    }
    override func cancel(_ request: Request.ID) {
      open.withLock { $0.removeValue(forKey: request) }?.fail(ModelError(.cancelled, "let go"))
    }
  }

  @Test func aModelIsToldThatTheClientHasGone() throws {
    let model = try InProcess.model(table(Waiting.self))
    let recorders = [Recorder(), Recorder()]
    let requests = recorders.map {
      PluginRequest(id: "", parameters: "{}", deadline: 0, rows: 1, receiver: $0)
    }
    model.execute(inputs: [Tensor("x", [1, 2])], requests: requests)
    requests[1].cancel()
    #expect(recorders[1].wait()?.message == "let go")
    requests[0].cancel()
    #expect(recorders[0].wait()?.status == .cancelled)
  }

  @Test func aModelGoesWithItsLastHolder() throws {
    final class Counted: ScriptedModel {
      static let alive = Atomic<Int>(0)
      required init(path: String, configuration: String, host: ModelHost) throws {
        try super.init(path: path, configuration: configuration, host: host)
        Counted.alive.add(1, ordering: .relaxed)
      }
      deinit { Counted.alive.subtract(1, ordering: .relaxed) }
    }
    var model: PluginModel? = try InProcess.model(table(Counted.self))
    #expect(model != nil)
    #expect(Counted.alive.load(ordering: .relaxed) == 1)
    model = nil
    #expect(Counted.alive.load(ordering: .relaxed) == 0)
  }
}
