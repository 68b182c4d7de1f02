/// The operators that there are: this list is the support table.
public enum OperatorRegistry {
  /// Opsets of the default domain that are supported.
  public static let oldestOpset = 1
  public static let newestOpset = 28

  /// The newest version of a domain that is supported.
  static func newestOpset(_ domain: String) -> Int {
    switch domain {
    case "": newestOpset
    case "ai.onnx.ml": 6
    default: 1
    }
  }

  static let all: [OperatorDescription] = [
    Abs.description, Add.description, AveragePool.description, BatchNormalization.description,
    Cast.description, Ceil.description, Clip.description, Concat.description, ConstantNode.description,
    ConstantOfShape.description, Conv.description, Div.description, Dropout.description, Equal.description,
    Erf.description, Exp.description, Expand.description, Flatten.description, Floor.description,
    Gather.description, Gelu.description, Gemm.description, GlobalAveragePool.description,
    GlobalMaxPool.description, HardSigmoid.description, HardSwish.description, Identity.description,
    LayerNormalization.description, LeakyRelu.description, Log.description, MatMul.description,
    Max.description, MaxPool.description, Min.description, Mul.description, Neg.description, Pad.description,
    Pow.description, Reciprocal.description, Reduce.maximum, Reduce.mean, Reduce.minimum, Reduce.product,
    Reduce.sum, Reduce.sumOfSquares, Relu.description, Reshape.description, ShapeOf.description,
    Sigmoid.description, Slice.description, Softmax.description, Softmax.logarithmDescription,
    Split.description, Sqrt.description, Squeeze.description, Sub.description, Sum.description,
    Tanh.description, Transpose.description, Unsqueeze.description, Where.description,
  ]

  private static let byName: [String: OperatorDescription] = Dictionary(
    uniqueKeysWithValues: all.map { ($0.domain + "/" + $0.type, $0) })

  static func `operator`(_ type: String, domain: String) -> OperatorDescription? {
    byName[domain + "/" + type]
  }

  /// The support table as Markdown, as docs/onnx-operators.md shows it.
  public static func markdownTable() -> String {
    var lines = [
      "# ONNX operators", "",
      "Opset \(oldestOpset) to \(newestOpset) of the default domain. Written by the registry "
        + "(`OperatorRegistry.markdownTable()`); do not edit.", "",
      "| operator | domain | supported |", "|---|---|---|",
    ]
    for description in all.sorted(by: { $0.type < $1.type }) {
      let domain = description.domain.isEmpty ? "ai.onnx" : description.domain
      lines.append("| \(description.type) | \(domain) | \(description.support) |")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
