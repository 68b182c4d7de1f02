/// The operators of com.microsoft: what ONNX Runtime's optimiser and quantiser, and exporters for it, write.
enum MicrosoftOperators {
  /// Those that are spelled with others.
  static let expansions: [OperatorExpansion] =
    [
      FusedMatMul.expansion, FusedMatMul.transposeExpansion, FusedConv.expansion, FusedGemm.expansion,
      BiasGelu.plainExpansion, BiasGelu.expansion, BiasGelu.fastExpansion, BiasGelu.quickExpansion,
      SkipLayerNormalization.expansion, SkipLayerNormalization.simplifiedExpansion,
      SkipLayerNormalization.plainExpansion, EmbedLayerNormalization.expansion, PackedAttention.expansion,
      PackedAttention.quantizedExpansion, MultiHeadAttention.expansion, DynamicQuantizeMatMul.expansion,
      MatMulIntegerToFloat.expansion, DynamicQuantizeLSTM.expansion, MatMulNBits.expansion,
    ] + QLinearFunctions.all + RelocatedOperators.all

  /// Those of their own.
  static let descriptions: [OperatorDescription] = [
    GroupQueryAttention.description, Inverse.description, OffsetRotaryEmbedding.description,
    Tokenizer.description,
  ]

  /// What only expansions write.
  static let inner: [OperatorDescription] = [
    DequantizeBlocks.description, HeadAttention.description, MaskBias.description,
    MatrixTranspose.description, SplitHeads.description,
  ]
}
