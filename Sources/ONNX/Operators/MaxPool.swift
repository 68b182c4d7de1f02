import Kernels
import Tensors

/// The ONNX operator MaxPool. What the kernels have not, the places and other datatypes than FP32, is
/// computed by `WindowPool`.
struct MaxPool: Operation {
  static let description = OperatorDescription(
    "MaxPool", inputs: 1...1, outputs: 1...2,
    support: "all numbers; 1 to 3 spatial dimensions, dilations, ceil_mode; Indices"
  ) { reader in
    let window = try WindowAttributes(reader)
    let columns = try reader.flag("storage_order", default: false)
    let general = WindowPool(name: "MaxPool", kind: .maximum(columnMajor: columns), window: window)
    if reader.hasOutput(1) { return general }
    return MaxPool(fast: Pool(name: "MaxPool", kind: .max, window: window), general: general)
  }

  let name = "MaxPool"
  var fast: Pool
  let general: WindowPool
  var computesInFloat: Bool { true }

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.input(0).datatype == .fp32 ? try fast.infer(node) : [try general.infer(node)[0]]
  }

  func step(_ node: StepRequest) throws -> Step {
    try node.input(0).datatype == .fp32 ? try fast.step(node) : try general.step(node)
  }
}

extension MaxPool: ChannelsLastCapable {
  func channelsLast(_ inputs: [TensorFact?]) -> ChannelsLastForm? {
    guard let form = fast.channelsLast(inputs), let pool = form.operation as? Pool else { return nil }
    var operation = self
    operation.fast = pool
    return ChannelsLastForm(operation: operation, inputs: form.inputs)
  }
}
