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

  static let all = standard + MicrosoftOperators.descriptions

  private static let standard: [OperatorDescription] = [
    Abs.description, Acos.description, Acosh.description, Add.description, AffineGrid.description,
    And.description, ArgReduction.maximumDescription, ArgReduction.minimumDescription,
    ArrayFeatureExtractor.description, Asin.description, Asinh.description, Atan.description,
    Atanh.description, Attention.description, AveragePool.description, BatchNormalization.description,
    Bernoulli.description, Binarizer.description, BitCast.description, BitShift.description,
    BitwiseAnd.description, BitwiseNot.description, BitwiseOr.description, BitwiseXor.description,
    BlackmanWindow.description, Cast.description, CastLike.description, CategoryMapper.description,
    CausalConvWithState.description, Ceil.description, Celu.description, CenterCropPad.description,
    ClassLoss.entropyDescription, ClassLoss.likelihoodDescription, Clip.description, Col2Im.description,
    Compress.description, Concat.description, ConcatFromSequence.description, ConstantNode.description,
    ConstantOfShape.description, Conv.description, ConvInteger.description, ConvTranspose.description,
    Cos.description, Cosh.description, CumProd.description, CumSum.description, DFT.description,
    DeformConv.description, DepthToSpace.description, DequantizeLinear.description, Det.description,
    Div.description, Dropout.description, DynamicQuantizeLinear.description, Einsum.description,
    Elu.description, Equal.description, Erf.description, Exp.description, Expand.description,
    EyeLike.description, FeatureVectorizer.description, Flatten.description, FlexAttention.description,
    Floor.description, FoldReduction.absoluteDescription, FoldReduction.euclideanDescription,
    FoldReduction.exponentialDescription, FoldReduction.logarithmDescription, GRU.description,
    Gather.description, GatherElements.description, GatherND.description, Gelu.description, Gemm.description,
    GlobalAveragePool.description, GlobalLpPool.description, GlobalMaxPool.description,
    GradientDescent.adagradDescription, GradientDescent.adamDescription, GradientDescent.momentumDescription,
    Greater.description, GreaterOrEqual.description, GridSample.description, GroupNormalization.description,
    HammingWindow.description, HannWindow.description, HardSigmoid.description, HardSwish.description,
    Hardmax.description, Identity.description, If.description, Imputer.description,
    InstanceNormalization.description, IsInf.description, IsNaN.description, LRN.description,
    LSTM.description, LabelEncoder.description, LayerNormalization.description, LeakyRelu.description,
    Less.description, LessOrEqual.description, LinearAttention.description, LinearClassifier.description,
    LinearRegressor.description, Log.description, Loop.description, LpNormalization.description,
    LpPool.description, MatMul.description, MatMulInteger.description, Max.description, MaxPool.description,
    MaxUnpool.description, Mean.description, MeanVarianceNormalization.description,
    MelWeightMatrix.description, Min.description, Mish.description, Mod.description, Mul.description,
    Multinomial.description, Neg.description, NonMaxSuppression.description, NonZero.description,
    Normalizer.description, Not.description, OneHot.description, OneHotEncoder.description,
    OptionalGetElement.description, OptionalHasElement.description, OptionalNode.description, Or.description,
    PRelu.description, Pad.description, Pow.description, QLinearConv.description, QLinearMatMul.description,
    QuantizeLinear.description, RMSNormalization.description, RNN.description, RandomTensor.normalDescription,
    RandomTensor.normalLikeDescription, RandomTensor.uniformDescription, RandomTensor.uniformLikeDescription,
    RangeNode.description, Reciprocal.description, Reduce.maximum, Reduce.mean, Reduce.minimum,
    Reduce.product, Reduce.sum, Reduce.sumOfSquares, RegexFullMatch.description, Relu.description,
    Reshape.description, Resize.description, Resize.upsampleDescription, ReverseSequence.description,
    RoiAlign.description, RotaryEmbedding.description, Round.description, STFT.description,
    SVMClassifier.description, SVMRegressor.description, Scaler.description, Scan.description,
    ScatterElements.description,
    ScatterElements.scatterDescription, ScatterND.description, Selu.description, SequenceAt.description,
    SequenceConstruct.description, SequenceEmpty.description, SequenceErase.description,
    SequenceInsert.description, SequenceLength.description, SequenceMap.description, ShapeOf.description,
    Shrink.description, Sigmoid.description, Sign.description, Sin.description, Sinh.description,
    Size.description, Slice.description, Softmax.description, Softmax.logarithmDescription,
    Softplus.description, Softsign.description, SpaceToDepth.description, Split.description,
    SplitToSequence.description, Sqrt.description, Squeeze.description, StringConcat.description,
    StringNormalizer.description, StringSplit.description, Sub.description, Sum.description,
    SwiGLU.description, Swish.description, Tan.description, Tanh.description, TensorScatter.description,
    TfIdfVectorizer.description, ThresholdedRelu.description, Tile.description, TopK.description,
    Transpose.description, TreeEnsemble.description, TreeEnsembleClassifier.description,
    TreeEnsembleRegressor.description, Trilu.description, Unique.description, Unsqueeze.description,
    Where.description, Xor.description, ZipMap.description,
  ]

  /// The operators that are spelled with others.
  static let expansions = MicrosoftOperators.expansions

  private static let byName: [String: OperatorDescription] = Dictionary(
    uniqueKeysWithValues: (all + MicrosoftOperators.inner).map { ($0.domain + "/" + $0.type, $0) })
  private static let expansionsByName: [String: OperatorExpansion] = Dictionary(
    uniqueKeysWithValues: expansions.map { ($0.domain + "/" + $0.type, $0) })

  static func `operator`(_ type: String, domain: String) -> OperatorDescription? {
    byName[domain + "/" + type]
  }

  /// How an operator is spelled with others; nil for one of its own.
  static func expansion(_ type: String, domain: String) -> OperatorExpansion? {
    expansionsByName[domain + "/" + type]
  }

  /// The support table as Markdown, as docs/onnx-operators.md shows it.
  public static func markdownTable() -> String {
    var lines = [
      "# ONNX operators", "",
      "Opset \(oldestOpset) to \(newestOpset) of the default domain. Written by the registry "
        + "(`OperatorRegistry.markdownTable()`); do not edit.", "",
      "| operator | domain | supported |", "|---|---|---|",
    ]
    let rows =
      all.map { ($0.type, $0.domain, $0.support) } + expansions.map { ($0.type, $0.domain, $0.support) }
    for (type, domain, support) in rows.sorted(by: { ($0.0, $0.1) < ($1.0, $1.1) }) {
      lines.append("| \(type) | \(domain.isEmpty ? "ai.onnx" : domain) | \(support) |")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
