import Tensors

/// Slices of one axis, taken apart and put together: what loops over tensors do.
extension EvaluationRequest {
  /// Slices `index` to `index + count` of an axis.
  func slices(of x: Tensor, axis: Int, from index: Int, count: Int) throws -> Tensor {
    var shape = x.shape
    shape[axis] = count
    let layout = AxisLayout(x.shape, axis)
    let rowBytes = layout.inner * x.datatype.byteCount
    let y = try Tensor.make(x.datatype, shape, engine.limits)
    for block in 0..<layout.outer where count * rowBytes > 0 {
      (y.data + block * count * rowBytes).copyMemory(
        from: x.data + (block * layout.length + index) * rowBytes, byteCount: count * rowBytes)
    }
    return x.datatype == .bytes ? try y.packed(engine.limits) : y
  }

  /// One slice of an axis, without the axis.
  func slice(of x: Tensor, axis: Int, at index: Int) throws -> Tensor {
    let part = try slices(of: x, axis: axis, from: index, count: 1)
    var sizes = Array(x.shape)
    sizes.remove(at: axis)
    return part.viewed(as: part.datatype, Shape(sizes))
  }

  /// Tensors one behind the other along an axis. Precondition: there is one at least.
  func joined(_ tensors: [Tensor], axis: Int) throws -> Tensor {
    var shape = tensors[0].shape
    for tensor in tensors {
      guard tensor.datatype == tensors[0].datatype, tensor.shape.rank == shape.rank,
        shape.indices.allSatisfy({ $0 == axis || tensor.shape[$0] == tensors[0].shape[$0] })
      else {
        throw ONNXError(
          .invalid,
          "\(tensor.datatype.name)\(tensor.shape) does not join \(tensors[0].datatype.name)\(tensors[0].shape)"
        )
      }
    }
    shape[axis] = tensors.reduce(0) { $0 + $1.shape[axis] }
    _ = try count(shape)
    let y = try Tensor.make(tensors[0].datatype, shape, engine.limits)
    let outer = shape.count(0..<axis)
    var offset = 0
    for tensor in tensors where tensor.byteCount > 0 {
      let rowBytes = tensor.byteCount / outer
      for block in 0..<outer {
        (y.data + block * (y.byteCount / outer) + offset).copyMemory(
          from: tensor.data + block * rowBytes, byteCount: rowBytes)
      }
      offset += rowBytes
    }
    return y.datatype == .bytes ? try withExtendedLifetime(tensors) { try y.packed(engine.limits) } : y
  }

  /// Tensors of one shape along a new axis. Precondition: there is one at least.
  func stacked(_ tensors: [Tensor], axis: Int) throws -> Tensor {
    guard tensors[0].shape.rank < Shape.maximumRank else {
      throw ONNXError(.limit, "a tensor of \(tensors[0].shape.rank + 1) dimensions")
    }
    return try joined(
      tensors.map { tensor in
        var sizes = Array(tensor.shape)
        sizes.insert(1, at: axis)
        return tensor.viewed(as: tensor.datatype, Shape(sizes))
      }, axis: axis)
  }
}
