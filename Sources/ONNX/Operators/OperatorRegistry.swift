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
    Abs.description, Acos.description, Acosh.description, Add.description, And.description, ArgReduction.maximumDescription, ArgReduction.minimumDescription, Asin.description, Asinh.description, Atan.description, Atanh.description, Attention.description, AveragePool.description, BatchNormalization.description, BitCast.description, BitShift.description, BitwiseAnd.description, BitwiseNot.description, BitwiseOr.description, BitwiseXor.description, Cast.description, CastLike.description, CausalConvWithState.description, Ceil.description, Celu.description, CenterCropPad.description, Clip.description, Compress.description, Concat.description, ConcatFromSequence.description, ConstantNode.description, ConstantOfShape.description, Conv.description, ConvInteger.description, ConvTranspose.description, Cos.description, Cosh.description, CumProd.description, CumSum.description, DepthToSpace.description, DequantizeLinear.description, Div.description, Dropout.description, DynamicQuantizeLinear.description, Elu.description, Equal.description, Erf.description, Exp.description, Expand.description, EyeLike.description, Flatten.description, FlexAttention.description, Floor.description, FoldReduction.absoluteDescription, FoldReduction.euclideanDescription, FoldReduction.exponentialDescription, FoldReduction.logarithmDescription, GRU.description, Gather.description, GatherElements.description, GatherND.description, Gelu.description, Gemm.description, GlobalAveragePool.description, GlobalMaxPool.description, Greater.description, GreaterOrEqual.description, HardSigmoid.description, HardSwish.description, Hardmax.description, Identity.description, If.description, IsInf.description, IsNaN.description, LSTM.description, LayerNormalization.description, LeakyRelu.description, Less.description, LessOrEqual.description, LinearAttention.description, Log.description, Loop.description, MatMul.description, MatMulInteger.description, Max.description, MaxPool.description, Mean.description, Min.description, Mish.description, Mod.description, Mul.description, Neg.description, NonZero.description, Not.description, OneHot.description, OptionalGetElement.description, OptionalHasElement.description, OptionalNode.description, Or.description, PRelu.description, Pad.description, Pow.description, QLinearConv.description, QLinearMatMul.description, QuantizeLinear.description, RNN.description, RangeNode.description, Reciprocal.description, Reduce.maximum, Reduce.mean, Reduce.minimum, Reduce.product, Reduce.sum, Reduce.sumOfSquares, Relu.description, Reshape.description, Resize.description, Resize.upsampleDescription, ReverseSequence.description, RotaryEmbedding.description, Round.description, Scan.description, ScatterElements.description, ScatterElements.scatterDescription, ScatterND.description, Selu.description, SequenceAt.description, SequenceConstruct.description, SequenceEmpty.description, SequenceErase.description, SequenceInsert.description, SequenceLength.description, SequenceMap.description, ShapeOf.description, Shrink.description, Sigmoid.description, Sign.description, Sin.description, Sinh.description, Size.description, Slice.description, Softmax.description, Softmax.logarithmDescription, Softplus.description, Softsign.description, SpaceToDepth.description, Split.description, SplitToSequence.description, Sqrt.description, Squeeze.description, Sub.description, Sum.description, SwiGLU.description, Swish.description, Tan.description, Tanh.description, TensorScatter.description, ThresholdedRelu.description, Tile.description, TopK.description, Transpose.description, Trilu.description, Unique.description, Unsqueeze.description, Where.description, Xor.description,
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
