import PluginHost
import Tensors

/// Stages that look at what is answered.
struct AnswerStages {
  private let subject: CheckSubject
  private let model: PluginModel

  init(_ subject: CheckSubject, _ model: PluginModel) {
    self.subject = subject
    self.model = model
  }

  /// Inputs that the model answers with success: the example's, or random ones that it does not refuse.
  static func accepted(_ subject: CheckSubject, _ model: PluginModel) throws -> (inputs: [Tensor], rows: Int)?
  {
    var candidates: [(inputs: [Tensor], rows: Int)] = []
    if let example = try subject.exampleInputs() {
      candidates.append((example, rows(of: example, model)))
    } else {
      var random = RandomInputs(model.description, seed: subject.seed)
      for _ in 0..<50 {
        let rows = random.rows()
        if let inputs = random.inputs(.tame, rows: rows) { candidates.append((inputs, rows)) }
      }
    }
    return candidates.first { CheckSubject.answer(model, $0.inputs, rows: $0.rows)?.status == .ok }
  }

  private static func rows(of inputs: [Tensor], _ model: PluginModel) -> Int {
    model.description.maximumBatch > 1 ? inputs.first?.shape.first ?? 1 : 1
  }

  func example(_ outcome: inout StageOutcome) throws {
    if let inputs = try subject.exampleInputs() {
      guard let answer = CheckSubject.answer(model, inputs, rows: Self.rows(of: inputs, model)) else {
        return outcome.find("the example is not answered within ten seconds")
      }
      outcome.expect(answer.status == .ok, "the example is answered with \(answer.status): \(answer.message)")
      outcome.note(answer.wasStreamed ? "streamed" : Self.summary(answer.outputs))
    } else if let (inputs, rows) = try Self.accepted(subject, model),
      let answer = CheckSubject.answer(model, inputs, rows: rows)
    {
      outcome.note("random inputs: " + Self.summary(inputs))
      outcome.note(answer.wasStreamed ? "streamed" : Self.summary(answer.outputs))
    } else {
      outcome.find("none of 50 random requests was answered with success; give one that is: --example FILE")
    }
  }

  func shapes(_ outcome: inout StageOutcome) {
    var random = RandomInputs(model.description, seed: subject.seed)
    var counts: [String: Int] = [:]
    for round in 0..<300 {
      let rows = round % 10 == 9 ? max(1, model.description.maximumBatch) : random.rows()
      guard let inputs = random.inputs(round % 2 == 0 ? .tame : .hostile, rows: rows) else { continue }
      guard let answer = CheckSubject.answer(model, inputs, rows: rows) else {
        return outcome.find("no answer within ten seconds to \(Self.summary(inputs))")
      }
      counts["\(answer.status)", default: 0] += 1
      if answer.status == .internalFault {
        outcome.find(
          "an internal fault is the answer to \(Self.summary(inputs)): \(answer.message). What a client may not send "
            + "is SWERVE_INVALID_ARGUMENT")
      }
    }
    outcome.note(counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", "))
  }

  func batches(_ outcome: inout StageOutcome) throws {
    let most = model.description.maximumBatch
    guard most > 1 else { return outcome.note("not batched across requests") }
    guard let (one, rows) = try Self.accepted(subject, model) else {
      return outcome.note("no accepted inputs")
    }
    var random = RandomInputs(model.description, seed: subject.seed)
    for _ in 0..<20 {
      let count = min(most / max(rows, 1), Int(random.next() % 4) + 2)
      guard count > 1, let stacked = Self.stacked(one, count) else { return }
      let receivers = (0..<count).map { _ in CheckedAnswer() }
      model.execute(inputs: stacked, requests: receivers.map { CheckSubject.request(rows, $0) })
      let alone = CheckSubject.answer(model, one, rows: rows)
      for (index, receiver) in receivers.enumerated() {
        guard let answer = receiver.wait() else {
          return outcome.find("request \(index) of \(count) is not answered")
        }
        outcome.expect(receiver.ends == 1, "request \(index) of \(count) ended \(receiver.ends) times")
        outcome.expect(
          answer.status == .ok, "request \(index) of \(count) ended with \(answer.status): \(answer.message)")
        guard let alone, answer.status == .ok, !answer.wasStreamed else { continue }
        if let difference = Self.difference(answer.outputs, alone.outputs) {
          outcome.find(
            "request \(index) of a batch of \(count) is answered otherwise than alone: \(difference)")
        }
      }
    }
    outcome.note("20 batches")
  }

  /// `inputs` as many times under one another. Nil if there is no memory.
  private static func stacked(_ inputs: [Tensor], _ count: Int) -> [Tensor]? {
    var result: [Tensor] = []
    for input in inputs {
      var shape = input.shape
      guard shape.rank > 0 else { return nil }
      shape[0] *= count
      guard let tensor = Tensor(name: input.name, datatype: input.datatype, shape: shape) else { return nil }
      for index in 0..<count {
        (tensor.data + index * input.byteCount).copyMemory(from: input.data, byteCount: input.byteCount)
      }
      result.append(
        Tensor(
          name: input.name, datatype: input.datatype, shape: shape, memory: tensor.memory,
          payload: input.payload ?? input.memory))
    }
    return result
  }

  /// Where two answers differ by more than rounding; nil if they do not.
  static func difference(_ a: [Tensor], _ b: [Tensor]) -> String? {
    guard a.count == b.count else { return "\(a.count) outputs, not \(b.count)" }
    for (x, y) in zip(a, b) {
      guard x.name == y.name, x.shape == y.shape else {
        return "\(x.name) \(x.shape), not \(y.name) \(y.shape)"
      }
      for index in 0..<x.elementCount where !isSame(x, y, index) { return "\(x.name), element \(index)" }
    }
    return nil
  }

  private static func isSame(_ x: Tensor, _ y: Tensor, _ index: Int) -> Bool {
    switch x.datatype {
    case .fp32:
      isClose(Double(x.elements(as: Float.self)[index]), Double(y.elements(as: Float.self)[index]), 1e-4)
    case .fp64: isClose(x.elements(as: Double.self)[index], y.elements(as: Double.self)[index], 1e-9)
    // A half's last bits are rounding.
    case .fp16, .bf16:
      abs(Int(x.elements(as: UInt16.self)[index]) - Int(y.elements(as: UInt16.self)[index])) <= 8
    case .bytes:
      x.elements(as: BytesElement.self)[index].bytes.elementsEqual(
        y.elements(as: BytesElement.self)[index].bytes)
    default:
      (0..<x.datatype.byteCount).allSatisfy { byte in
        let place = index * x.datatype.byteCount + byte
        return x.data.load(fromByteOffset: place, as: UInt8.self)
          == y.data.load(fromByteOffset: place, as: UInt8.self)
      }
    }
  }

  private static func isClose(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool {
    a == b || a.isNaN && b.isNaN || abs(a - b) <= tolerance * max(1, abs(a), abs(b))
  }

  static func summary(_ tensors: [Tensor]) -> String {
    tensors.map { "\($0.name) \($0.datatype.name) \($0.shape)" }.joined(separator: ", ")
  }
}
