import Foundation
import Locks
import PluginHost
import Scheduling
import Tensors
import TestSupport
import Testing

@testable import Serving

private func sequences(_ change: (inout SequenceSettings) -> Void = { _ in }) -> ModelConfiguration {
  var settings = SequenceSettings()
  settings.controls = [
    SequenceControl(name: "start", kind: .start, datatype: .int32),
    SequenceControl(name: "id", kind: .id, datatype: .uint64),
  ]
  settings.states = [SequenceState(input: "before", output: "after", datatype: .fp32, dimensions: [1])]
  change(&settings)
  var configuration = ModelConfiguration()
  configuration.sequences = settings
  return configuration
}

extension PickyServer {
  fileprivate func add(_ value: Float, _ use: SequenceUse?) throws -> Recorder {
    let recorder = Recorder()
    let request = InferenceRequest(
      id: "", inputs: [floats([1, 1], [value])], sequence: use, receiver: recorder)
    try find().submit(request)
    return recorder
  }

  fileprivate func find() throws -> ServedModel { try manager.find("m") }

  fileprivate func sum(_ value: Float, _ id: UInt64, isStart: Bool = false, isEnd: Bool = false) throws
    -> [Float]
  {
    let use = SequenceUse(id: .number(id), isStart: isStart, isEnd: isEnd)
    let outputs = try add(value, use).answer()?.get() ?? []
    #expect(outputs.map(\.name) == ["sum"], "the client sees the state")
    return outputs.first.map(values) ?? []
  }
}

@Test func theServerKeepsTheStateOfEachSequence() throws {
  let server = try PickyServer(plugin: "running_sum", model: sequences())
  let description = try #require(try server.find().description)
  #expect(description.inputs.map(\.name) == ["x"] && description.outputs.map(\.name) == ["sum"])
  let seed = seedOfThisRun()
  var random = SeededGenerator(seed: seed)
  var sums: [UInt64: Float] = [:]
  for _ in 0..<300 {
    let id = UInt64.random(in: 1...6, using: &random)
    let isEnd = Int.random(in: 0..<5, using: &random) == 0
    let value = Float(Int.random(in: 0...9, using: &random))
    let isStart = sums[id] == nil || Int.random(in: 0..<20, using: &random) == 0
    let expected = (isStart ? 0 : sums[id] ?? 0) + value
    #expect(try server.sum(value, id, isStart: isStart, isEnd: isEnd) == [expected], "seed \(seed)")
    sums[id] = isEnd ? nil : expected
  }
}

@Test func requestsOfManySequencesAtOnceKeepTheirOrder() throws {
  let server = try PickyServer(plugin: "running_sum", model: sequences())
  var sent: [(UInt64, [Recorder])] = []
  for id in 1...20 as ClosedRange<UInt64> {
    sent.append(
      (
        id,
        try (0..<10).map { index in
          try server.add(Float(id), SequenceUse(id: .number(id), isStart: index == 0, isEnd: index == 9))
        }
      ))
  }
  for (id, recorders) in sent {
    for (index, recorder) in recorders.enumerated() {
      #expect(try recorder.answer()?.get().first.map(values) == [Float(id) * Float(index + 1)])
      #expect(recorder.count == 1)
    }
  }
  #expect(try server.find().internals.withLock { $0.sequenceStates.isEmpty })
}

@Test func aFailedRequestLeavesTheStateAsItWas() throws {
  let server = try PickyServer(plugin: "running_sum", model: sequences())
  #expect(try server.sum(5, 1, isStart: true) == [5])
  #expect(try server.add(-1, SequenceUse(id: .number(1))).answer() != nil)
  #expect(try server.sum(6, 1) == [11])
  let failed = try server.add(-1, SequenceUse(id: .number(2), isStart: true))
  #expect(failed.answer() != nil && failed.error?.message == "x must not be negative")
  #expect(throws: ServingError.self) { try server.sum(1, 2) }
}

@Test func sequencesHaveBounds() throws {
  let server = try PickyServer(
    plugin: "running_sum",
    model: sequences {
      $0.maximumSequences = 2
      $0.maximumIdle = 300_000_000
    })
  func code(_ use: SequenceUse?) -> ServingError.Code? {
    do { _ = try server.add(1, use) } catch let error as ServingError { return error.code } catch {}
    return nil
  }
  #expect(code(nil) == .invalidArgument)
  #expect(code(SequenceUse(id: .number(1))) == .invalidArgument)
  #expect(code(SequenceUse(id: .text("a"), isStart: true)) == .invalidArgument, "the model wants numbers")
  #expect(try server.sum(1, 1, isStart: true) == [1] && server.sum(1, 2, isStart: true) == [1])
  #expect(code(SequenceUse(id: .number(3), isStart: true)) == .queueFull)
  #expect(throws: ServingError.self) {
    try server.find().submit(
      InferenceRequest(
        id: "", inputs: [floats([2, 1], [1, 1])], sequence: SequenceUse(id: .number(1)), receiver: Recorder())
    )
  }
  let end = Date() + 20
  while try server.find().internals.withLock({ $0.scheduler.sequenceCount }) > 0, Date() < end {
    usleep(10_000)
  }
  #expect(
    try server.find().internals.withLock { $0.sequenceStates.isEmpty }, "an idle sequence keeps its state")
  #expect(try server.sum(1, 3, isStart: true) == [1])
}

@Test(arguments: [
  (SequenceState(input: "x", output: "gone", datatype: .fp32, dimensions: [1]), "names output 'gone'"),
  (SequenceState(input: "before", output: "after", datatype: .int32, dimensions: [1]), "is INT32"),
  (
    SequenceState(input: "before", output: "after", datatype: .fp32, dimensions: [2]), "the model says [-1,1]"
  ),
]) func aStateThatDoesNotFitIsAFailedLoad(_ state: SequenceState, _ expected: String) throws {
  let model = ModelDescription(
    inputs: ["x", "before"].map { TensorSpec(name: $0, datatype: .fp32, shape: [-1, 1]) },
    outputs: [TensorSpec(name: "after", datatype: .fp32, shape: [-1, 1])], maximumBatch: 8,
    concurrency: .concurrent)
  let configuration = sequences {
    $0.controls = []
    $0.states = [state]
  }
  let error = #expect(throws: PluginError.self) { try ConfiguredSignature(model, configuration) }
  #expect(error?.message.contains(expected) == true, "\(error?.message ?? "")")
}
