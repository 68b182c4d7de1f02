import Tensors

/// What a node takes or gives in a run that makes its tensors as it goes.
///
/// A sequence's elements are tensors or optionals; an optional with an element is that element.
indirect enum Value: Sendable {
  case tensor(Tensor)
  case sequence([Value])
  /// An optional without an element.
  case nothing

  var kindName: String {
    switch self {
    case .tensor(let tensor): "\(tensor.datatype.name)\(tensor.shape)"
    case .sequence(let values): "a sequence of \(values.count)"
    case .nothing: "an empty optional"
    }
  }

  /// The tensor; throws when it is none.
  func tensor(_ what: @autoclosure () -> String) throws -> Tensor {
    guard case .tensor(let tensor) = self else {
      throw ONNXError(.invalid, "\(what()) is \(kindName), expected a tensor")
    }
    return tensor
  }
}

extension Tensor {
  /// Memory for a tensor of this datatype and shape, within the limits; the bytes of texts are zeroed.
  static func make(_ datatype: Datatype, _ shape: Shape, _ limits: Limits) throws -> Tensor {
    let (bytes, overflow) = (shape.elementCount ?? .max).multipliedReportingOverflow(by: datatype.byteCount)
    guard !overflow, bytes <= limits.tensorBytes else {
      throw ONNXError(.limit, "a tensor of shape \(shape), beyond \(limits.tensorBytes) bytes")
    }
    guard let tensor = Tensor(name: "", datatype: datatype, shape: shape) else {
      throw ONNXError(.outOfMemory, "no memory for a tensor of shape \(shape)")
    }
    return tensor
  }

  /// A tensor over elements that `owner` keeps alive and unmoved.
  init(viewing data: UnsafeMutableRawPointer, _ datatype: Datatype, _ shape: Shape, owner: AnyObject) {
    let bytes = (shape.elementCount ?? 0) * datatype.byteCount
    self.init(
      name: "", datatype: datatype, shape: shape,
      memory: TensorMemory(viewing: data, byteCount: bytes, owner: owner))
  }

  /// The same bytes as elements of another datatype or shape. Precondition: as many bytes.
  func viewed(as datatype: Datatype, _ shape: Shape) -> Tensor {
    Tensor(
      name: "", datatype: datatype, shape: shape, memory: memory, offset: data - memory.base, payload: payload
    )
  }

  /// What is known of the tensor when it comes; its elements only when `withElements`.
  func fact(withElements: Bool) -> TensorFact {
    if withElements { return TensorFact(Constant(self)) }
    return TensorFact(datatype, shape.map { Dimension($0) }, rows: .mixed)
  }
}
