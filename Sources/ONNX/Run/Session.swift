import Kernels
public import Tensors

/// How a session is made.
public struct SessionOptions: Sendable {
  public var engine: Engine
  /// Plans kept, one a set of input shapes.
  public var keptPlans = 16
  /// Memories kept for each plan: as many runs at once need no new memory.
  public var keptMemories = 4
  /// Whether a graph that cannot be planned for all shapes is planned for each set of shapes that comes.
  public var specializesShapes = true
  /// The passes that simplify the graph.
  public var passes: [any SimplificationPass] = Simplification.passes

  public init(engine: Engine) { self.engine = engine }
}

/// What a model says of one of its inputs or outputs.
public struct TensorDescription: Sendable, Equatable {
  public var name: String
  public var datatype: Datatype
  /// -1 where any size goes.
  public var shape: Shape

  public init(name: String, datatype: Datatype, shape: Shape) {
    self.name = name
    self.datatype = datatype
    self.shape = shape
  }
}

extension TensorDescription {
  /// An output of which nothing is known but what the model declares.
  fileprivate init(_ name: String, declared: ValueType?) throws {
    switch declared {
    case .tensor(let datatype, let dimensions?):
      let sizes = dimensions.map { dimension in
        if case .known(let size) = dimension { return size }
        return Shape.anySize
      }
      self.init(name: name, datatype: datatype, shape: Shape(sizes))
    case .tensor(_, nil):
      throw ONNXError(.unsupported, "output '\(name)' has no shape, not even a rank")
    case .other(let kind):
      throw ONNXError(.unsupported, "output '\(name)' is \(kind); only tensors are supported")
    case nil: throw ONNXError(.invalid, "output '\(name)' has no type")
    }
  }
}

/// An input of a run: dense elements at an address aligned for them, read only during the run.
public struct InputView {
  public var datatype: Datatype
  public var shape: Shape
  public var data: UnsafeRawPointer

  public init(datatype: Datatype, shape: Shape, data: UnsafeRawPointer) {
    self.datatype = datatype
    self.shape = shape
    self.data = data
  }

  public init(_ tensor: Tensor) {
    self.init(datatype: tensor.datatype, shape: tensor.shape, data: UnsafeRawPointer(tensor.data))
  }
}

/// The last stage: a loaded model that runs. Any number of threads may call `run` at once; each run has
/// memory of its own, weights and plans are shared.
public final class Session: Sendable {
  public let inputs: [TensorDescription]
  public let outputs: [TensorDescription]
  /// Whether requests may be stacked along dimension 0 (see `InferredGraph.isBatchable`).
  public let isBatchable: Bool
  /// `metadata_props` of the model.
  public let metadata: [String: String]

  let graph: Graph
  let engine: Engine
  private let shapeInputs: [Int]
  private let plans: PlanCache
  private let keptMemories: Int
  /// Whether a batch of images may be run image by image (see `runRows`).
  let splitsRows: Bool
  /// Runs the graph node by node; nil when it is planned.
  private let executor: GraphExecutor?
  /// Plans of such a graph, where the inputs' shapes tell enough.
  private let specialization: ShapeSpecialization?

  /// Loads the model in the file at `path`: decodes, checks, infers, simplifies. The file is not needed
  /// afterwards; one that is written to in the meantime is refused.
  public convenience init(path: String, options: SessionOptions) throws {
    let decoded = try ModelDecoder.decode(path: path, limits: options.engine.limits)
    do {
      let graph = try GraphBuilder.graph(of: decoded, limits: options.engine.limits)
      try self.init(try ShapeInference.infer(graph, options.engine), options: options)
    } catch {
      try decoded.checkUnchanged()
      throw error
    }
    try decoded.checkUnchanged()
  }

  public init(_ inferred: InferredGraph, options: SessionOptions) throws {
    let simplified = try Simplification.simplified(inferred, options.engine, passes: options.passes)
    graph = simplified.graph
    engine = options.engine
    shapeInputs = inferred.shapeInputs
    isBatchable = inferred.isBatchable
    splitsRows = inferred.isBatchable && !inferred.isOpen && simplified.graph.hasImages
    metadata = inferred.graph.metadata
    plans = PlanCache(capacity: options.keptPlans)
    keptMemories = options.keptMemories
    executor =
      inferred.isOpen
      ? try GraphExecutor(simplified.graph, inputs: simplified.graph.inputs.map(\.value)) : nil
    specialization =
      inferred.isOpen && options.specializesShapes
      ? ShapeSpecialization(try inferred.graph.withOwnConstants(), options) : nil
    inputs = inferred.graph.inputs.map { input in
      TensorDescription(
        name: inferred.graph.valueNames[input.value], datatype: input.datatype,
        shape: inferred.fact(input.value)?.describedShape ?? [])
    }
    outputs = try inferred.graph.outputs.enumerated().map { index, output in
      let name = inferred.graph.valueNames[output]
      if let fact = inferred.fact(output) {
        return TensorDescription(name: name, datatype: fact.datatype, shape: fact.describedShape)
      }
      return try TensorDescription(name, declared: inferred.graph.declaredOutputs[index])
    }
    // A model whose shapes are all known is planned now, so that its faults show at load.
    if executor == nil, inputs.allSatisfy({ $0.shape.elementCount != nil }), shapeInputs.isEmpty {
      _ = try prepared(inputs.map(\.shape), contents: [:])
    }
  }

  /// Runs the model.
  ///
  /// - Parameters:
  ///   - inputs: in the order of `self.inputs`.
  ///   - output: called once an output, in the order of `outputs`; gives memory of the datatype and
  ///     shape, aligned to 64 bytes, that the run writes.
  ///   - texts: called once an output of BYTES, behind `output`, with the output's place and a size; gives
  ///     memory for that many bytes, which the output's elements then point to.
  ///   - recorder: collects the time of each step, if there is one.
  public func run(
    _ inputs: [InputView], output: (Int, Datatype, Shape) throws -> UnsafeMutableRawPointer,
    texts: (Int, Int) throws -> UnsafeMutableRawPointer, recorder: RunRecorder? = nil
  ) throws {
    try check(inputs)
    if let session = try specialization?.session(inputs.map(\.shape)) {
      return try session.run(inputs, output: output, texts: texts, recorder: recorder)
    }
    if let executor { return try run(executor, inputs, output: output, texts: texts, recorder) }
    if let single = try rowPlan(inputs) { return try runRows(single, inputs, output: output, recorder) }
    let prepared = try prepared(inputs)
    let plan = prepared.plan
    try prepared.withMemory { memory in
      for (index, input) in inputs.enumerated() {
        for slot in plan.inputs[index] { memory.slots[slot] = UnsafeMutableRawPointer(mutating: input.data) }
      }
      try withUnsafeTemporaryAllocation(of: UnsafeMutableRawPointer.self, capacity: plan.outputs.count) {
        targets in
        for (index, planned) in plan.outputs.enumerated() {
          targets[index] = try output(index, planned.datatype, planned.shape)
          for slot in planned.slots { memory.slots[slot] = targets[index] }
        }
        try plan.run(memory, engine.kernels, engine.team, recorder)
        for (index, planned) in plan.outputs.enumerated() {
          if let slot = planned.copiedFrom {
            targets[index].copyMemory(from: memory.slots[slot], byteCount: planned.byteCount)
          }
          if planned.datatype == .bytes {
            let view = Tensor(viewing: targets[index], .bytes, planned.shape, owner: prepared)
            try view.copyTexts(to: targets[index]) { try texts(index, $0) }
          }
        }
      }
    }
  }

  /// Runs the model on tensors in the order of `inputs`, and gives new tensors in the order of `outputs`.
  public func run(_ tensors: [Tensor], recorder: RunRecorder? = nil) throws -> [Tensor] {
    var results: [Tensor] = []
    try run(
      tensors.map { InputView($0) },
      output: { index, datatype, shape in
        guard let tensor = Tensor(name: outputs[index].name, datatype: datatype, shape: shape) else {
          throw ONNXError(.outOfMemory, "no memory for output '\(outputs[index].name)' of shape \(shape)")
        }
        results.append(tensor)
        return tensor.data
      },
      texts: { index, size in
        guard let payload = TensorMemory(byteCount: size) else {
          throw ONNXError(.outOfMemory, "no memory for the texts of output '\(outputs[index].name)'")
        }
        let tensor = results[index]
        results[index] = Tensor(
          name: tensor.name, datatype: .bytes, shape: tensor.shape, memory: tensor.memory, payload: payload)
        return payload.base
      }, recorder: recorder)
    return results
  }

  /// Runs a graph that cannot be planned.
  private func run(
    _ executor: GraphExecutor, _ views: [InputView],
    output: (Int, Datatype, Shape) throws -> UnsafeMutableRawPointer,
    texts: (Int, Int) throws -> UnsafeMutableRawPointer, _ recorder: RunRecorder?
  ) throws {
    let arguments = views.map { view -> Value? in
      let data = UnsafeMutableRawPointer(mutating: view.data)
      return .tensor(Tensor(viewing: data, view.datatype, view.shape, owner: executor))
    }
    let results = try executor.run(arguments, engine, recorder)
    for (index, result) in results.enumerated() {
      guard let result else {
        throw ONNXError(.invalid, "output '\(outputs[index].name)' is given by nothing")
      }
      let tensor = try result.tensor("output '\(outputs[index].name)'")
      guard tensor.datatype == outputs[index].datatype else {
        throw ONNXError(
          .invalid,
          "output '\(outputs[index].name)' is \(tensor.datatype.name), declared \(outputs[index].datatype.name)"
        )
      }
      let target = try output(index, tensor.datatype, tensor.shape)
      if tensor.datatype == .bytes {
        try tensor.copyTexts(to: target) { try texts(index, $0) }
      } else {
        target.copyMemory(from: tensor.data, byteCount: tensor.byteCount)
      }
    }
  }

  /// Bytes of memory that a run with inputs of these shapes takes beside its inputs, outputs and weights.
  /// Nil when only a run tells.
  public func runBytes(_ shapes: [Shape]) throws -> Int? {
    if let session = try specialization?.session(shapes) { return try session.runBytes(shapes) }
    if executor != nil { return nil }
    if let (single, rows) = try rowPlan(shapes) {
      return (single.plan.arenaBytes + single.plan.scratchBytes) * min(rows, engine.team.width)
    }
    let plan = try prepared(shapes, contents: [:]).plan
    return plan.arenaBytes + plan.scratchBytes
  }

  /// The steps of the plan for inputs of these shapes, and the memory that each of them reads and writes.
  func planText(_ shapes: [Shape]) throws -> String {
    if let session = try specialization?.session(shapes) { return try session.planText(shapes) }
    if executor != nil { return "# no plan: the graph runs node by node\n" }
    let plan = try prepared(shapes, contents: [:]).plan
    let lines = plan.steps.map { step in
      "\(step.description.operation) \(step.description.node): \(step.description.bytes) bytes, \(Int(step.description.arithmetic)) operations"
    }
    let sums = [
      "# \(plan.steps.count) steps",
      "# \(plan.arenaBytes) bytes of tensors at once, \(plan.scratchBytes) bytes of scratch",
    ]
    return (lines + sums).joined(separator: "\n") + "\n"
  }

  private func check(_ views: [InputView]) throws {
    guard views.count == inputs.count else {
      throw ONNXError(.argument, "\(views.count) inputs, expected \(inputs.count)")
    }
    for (view, input) in zip(views, inputs) {
      guard view.datatype == input.datatype else {
        throw ONNXError(
          .argument, "input '\(input.name)' is \(view.datatype.name), expected \(input.datatype.name)")
      }
      guard input.shape.admits(view.shape) else {
        throw ONNXError(
          .argument, "input '\(input.name)' has shape \(view.shape), expected \(input.shape)")
      }
    }
  }

  private func prepared(_ views: [InputView]) throws -> PreparedPlan {
    let found = plans.find { key in
      !key.isSingle && key.shapes.elementsEqual(views, by: { $0 == $1.shape })
        && zip(shapeInputs, key.contents).allSatisfy { place, bytes in
          Session.bytes(of: views[place]).elementsEqual(bytes)
        }
    }
    if let found { return found }
    var contents: [Int: Constant] = [:]
    for place in shapeInputs {
      let bytes = Session.bytes(of: views[place])
      guard bytes.count / views[place].datatype.byteCount <= TensorFact.maximumContents else {
        throw ONNXError(
          .argument,
          "input '\(inputs[place].name)' has shape \(views[place].shape); a list that shapes are made from has at most \(TensorFact.maximumContents) elements"
        )
      }
      contents[place] = try Constant.make(views[place].datatype, views[place].shape) { memory in
        if let base = bytes.baseAddress { memory.copyMemory(from: base, byteCount: bytes.count) }
      }
    }
    return try prepared(views.map(\.shape), contents: contents)
  }

  /// - Parameter isSingle: the plan is for one thread.
  func prepared(_ shapes: [Shape], contents: [Int: Constant], isSingle: Bool = false) throws -> PreparedPlan {
    let key = PlanCache.Key(
      shapes: shapes, contents: shapeInputs.map { contents[$0].map { Array($0.bytes) } ?? [] },
      isSingle: isSingle)
    if let plan = plans.find({ $0 == key }) { return plan }
    var engine = engine
    if isSingle { engine.team = .single }
    let plan = try Planner.plan(graph, engine, inputs: shapes, contents: contents)
    let prepared = PreparedPlan(plan, kept: keptMemories)
    plans.insert(key, prepared)
    return prepared
  }

  private static func bytes(of view: InputView) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: view.data, count: (view.shape.elementCount ?? 0) * view.datatype.byteCount)
  }
}
