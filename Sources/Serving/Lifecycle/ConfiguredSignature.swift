import PluginHost
import Tensors

/// The inputs and outputs that clients see: the model's own, as the operator's configuration changes them.
struct ConfiguredSignature: Sendable {
  let description: ModelDescription
  /// Reshapes of inputs and outputs by name; empty for most models.
  let inputReshapes: [String: Reshape]
  let outputReshapes: [String: Reshape]
  /// What the server fills and keeps of sequences; nil: the model takes none.
  let sequences: SequenceSignature?

  var reshapes: Bool { !inputReshapes.isEmpty || !outputReshapes.isEmpty }

  /// Throws what in the configuration does not fit the model.
  init(_ model: ModelDescription, _ configuration: ModelConfiguration) throws(PluginError) {
    var description = model
    // 0: dimension 0 is like any other to the operator.
    if configuration.maximumBatch == 0 { description.maximumBatch = 1 }
    let isBatched = configuration.maximumBatch != 0
    inputReshapes = try ConfiguredSignature.apply(
      configuration.inputs, to: &description.inputs, isBatched: isBatched, kind: "input")
    outputReshapes = try ConfiguredSignature.apply(
      configuration.outputs, to: &description.outputs, isBatched: isBatched, kind: "output")
    try ConfiguredSignature.applyPadding(configuration.padValues, to: &description.inputs)
    guard let settings = configuration.sequences else {
      sequences = nil
      self.description = description
      return
    }
    self.description = SequenceSignature.visible(description, settings, keeping: configuration.outputs)
    sequences = try SequenceSignature(settings, of: model, seenBy: self.description)
  }

  private static func apply(
    _ settings: [TensorSettings], to specs: inout [TensorSpec], isBatched: Bool, kind: String
  ) throws(PluginError) -> [String: Reshape] {
    var reshapes: [String: Reshape] = [:]
    for setting in settings {
      guard let index = specs.firstIndex(where: { $0.name == setting.name }) else {
        let known = specs.map { "'\($0.name)'" }.joined(separator: ", ")
        throw refusal("the configuration describes \(kind) '\(setting.name)'; the model has \(known)")
      }
      let spec = specs[index]
      guard setting.datatype == spec.datatype else {
        throw refusal(
          "the configuration says that \(kind) '\(setting.name)' is \(setting.datatype.name); the model says "
            + spec.datatype.name)
      }
      let inner = setting.reshaped ?? setting.dimensions
      let hasBatch = isBatched && inner.count + 1 == spec.shape.rank
      let wanted = (hasBatch ? [spec.shape[0]] : []) + inner
      guard wanted.count == spec.shape.rank, zip(wanted, spec.shape).allSatisfy(fit) else {
        throw refusal(
          "the configuration says that \(kind) '\(setting.name)' is \(Shape(wanted.prefix(Shape.maximumRank)))"
            + "\(hasBatch ? " with its batch dimension" : ""); the model says \(spec.shape)")
      }
      if let reshaped = setting.reshaped {
        let reshape = Reshape(outer: setting.dimensions, inner: reshaped, hasBatch: hasBatch)
        specs[index].shape = Shape((hasBatch ? [spec.shape[0]] : []) + setting.dimensions)
        reshapes[setting.name] = reshape
      } else {
        specs[index].shape = Shape(zip(wanted, spec.shape).map { $0 == Shape.anySize ? $1 : $0 })
      }
      if !setting.labels.isEmpty { specs[index].labels = setting.labels }
    }
    return reshapes
  }

  private static func applyPadding(
    _ values: [String: Double], to specs: inout [TensorSpec]
  ) throws(PluginError) {
    for (name, value) in values.sorted(by: { $0.key < $1.key }) {
      guard let index = specs.firstIndex(where: { $0.name == name }) else {
        throw refusal(
          "the configuration pads input '\(name)'; the model has "
            + specs.map { "'\($0.name)'" }.joined(separator: ", "))
      }
      guard specs[index].shape.dropFirst().contains(Shape.anySize) else {
        throw refusal(
          "the configuration pads input '\(name)'; the model says \(specs[index].shape), of which no dimension "
            + "but the batch varies")
      }
      specs[index].padValue = value
    }
  }

  private static func fit(_ a: Int, _ b: Int) -> Bool { a == b || a == Shape.anySize || b == Shape.anySize }

  private static func refusal(_ message: String) -> PluginError {
    PluginError(status: .invalidArgument, message: message)
  }
}

/// Two shapes of the same elements: clients see one, the model the other.
struct Reshape: Sendable, Equatable {
  /// What clients see, without the batch dimension.
  var outer: [Int]
  /// What the model sees, without the batch dimension.
  var inner: [Int]
  var hasBatch: Bool

  /// `tensor` as the model sees it; nil if its elements do not fit.
  func inward(_ tensor: Tensor) -> Tensor? { Reshape.reshape(tensor, from: outer, to: inner, hasBatch) }

  /// `tensor` as clients see it.
  func outward(_ tensor: Tensor) -> Tensor? { Reshape.reshape(tensor, from: inner, to: outer, hasBatch) }

  /// Open dimensions of `target` take the sizes of those of `pattern`, in order.
  private static func reshape(
    _ tensor: Tensor, from pattern: [Int], to target: [Int], _ hasBatch: Bool
  ) -> Tensor? {
    let sizes = tensor.shape.dropFirst(hasBatch ? 1 : 0)
    guard sizes.count == pattern.count else { return nil }
    var open = zip(pattern, sizes).filter { $0.0 == Shape.anySize }.map(\.1)[...]
    var shape: Shape = hasBatch ? [tensor.shape[0]] : []
    for dimension in target {
      guard dimension == Shape.anySize else {
        shape.append(dimension)
        continue
      }
      guard let size = open.popFirst() else { return nil }
      shape.append(size)
    }
    return shape.elementCount == tensor.elementCount ? tensor.reshaped(to: shape) : nil
  }
}

/// Answers a request whose outputs clients see in another shape.
final class ReshapingReceiver: InferenceReceiver {
  private let receiver: any InferenceReceiver
  private let reshapes: [String: Reshape]

  init(_ receiver: any InferenceReceiver, _ reshapes: [String: Reshape]) {
    self.receiver = receiver
    self.reshapes = reshapes
  }

  func receive(chunk: [Tensor]) -> Bool {
    switch reshaped(chunk) {
    case .success(let tensors): receiver.receive(chunk: tensors)
    case .failure: false
    }
  }

  func finish(_ result: Result<[Tensor], ServingError>, timing: InferenceTiming) {
    receiver.finish(result.flatMap(reshaped), timing: timing)
  }

  private func reshaped(_ tensors: [Tensor]) -> Result<[Tensor], ServingError> {
    var result: [Tensor] = []
    for tensor in tensors {
      guard let reshape = reshapes[tensor.name] else {
        result.append(tensor)
        continue
      }
      guard let outward = reshape.outward(tensor) else {
        return .failure(
          ServingError(
            .pluginFault,
            "the model gave output '\(tensor.name)' as \(tensor.shape), which has not the elements of "
              + "\(reshape.outer) that its configuration promises"))
      }
      result.append(outward)
    }
    return .success(result)
  }
}
