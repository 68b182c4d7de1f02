import Tensors

/// The names of the classes that a classifier of ai.onnx.ml tells apart: integers or texts.
enum ClassLabels: Sendable {
  case integers([Int])
  case texts([String])

  init(_ reader: NodeReader, integers: String) throws {
    if let texts = try reader.strings("classlabels_strings"), !texts.isEmpty {
      self = .texts(texts)
    } else if let list = try reader.ints(integers), !list.isEmpty {
      self = .integers(list)
    } else {
      throw ONNXError(.invalid, "neither classlabels_strings nor \(integers)")
    }
  }

  var count: Int {
    switch self {
    case .integers(let list): list.count
    case .texts(let list): list.count
    }
  }

  var datatype: Datatype {
    switch self {
    case .integers: .int64
    case .texts: .bytes
    }
  }

  /// The labels of classes, one a row.
  func tensor(_ node: EvaluationRequest, _ classes: [Int]) throws -> Value {
    switch self {
    case .integers(let list): try node.tensor(.int64, [classes.count], integers: classes.map { list[$0] })
    case .texts(let list): try node.tensor([classes.count], texts: classes.map { Array(list[$0].utf8) })
    }
  }

  /// The facts of a classifier's labels and scores.
  func facts(_ x: TensorFact, scores: Int) throws -> [TensorFact] {
    guard x.rank == 1 || x.rank == 2 else { throw ONNXError(.invalid, "features of shape \(x.shapeText)") }
    let rows = x.rank == 2 ? x.dimensions[0] : .one
    let kept = x.rank == 2 ? rowsOfImages(x, others: []) : (x.rows == .shared ? .shared : .mixed)
    return [
      TensorFact(datatype, [rows], rows: kept), TensorFact(.fp32, [rows, Dimension(scores)], rows: kept),
    ]
  }
}

extension EvaluationRequest {
  /// Rows of features: their number, their width and the numbers.
  func features() throws -> (rows: Int, width: Int, values: [Double]) {
    try requireNumber(0)
    let x = try input(0)
    guard x.shape.rank == 1 || x.shape.rank == 2, let width = x.shape.last else {
      throw ONNXError(.invalid, "features of shape \(x.shape)")
    }
    return (x.shape.rank == 2 ? x.shape[0] : 1, width, x.doubles())
  }
}
