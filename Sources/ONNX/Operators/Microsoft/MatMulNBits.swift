import Tensors

/// The operator MatMulNBits of com.microsoft: a product with weights of 2, 4 or 8 bits in blocks.
enum MatMulNBits {
  static let expansion = OperatorExpansion(
    "MatMulNBits", inputs: 3...6, support: "FP16, BF16, FP32 by 2, 4 or 8 bits; without g_idx"
  ) { writer in
    guard writer.optional(4) == nil else { throw ONNXError(.unsupported, "g_idx") }
    guard try writer.reader.int("weight_prepacked", default: 0) == 0 else {
      throw ONNXError(.unsupported, "weight_prepacked")
    }
    let own = writer.node.attributes.filter { ["K", "N", "bits", "block_size"].contains($0.key) }
    let weights: String = writer.add(
      "DequantizeBlocks", [try writer.input(1), try writer.input(2), writer.optional(3)], own,
      domain: ExpansionWriter.ownDomain)
    var y: String = writer.add("MatMul", [try writer.input(0), weights])
    if let bias = writer.optional(5) { y = writer.add("Add", [y, bias]) }
    writer.give(y)
  }
}

/// The weights [K,N] that MatMulNBits keeps in blocks: [N, blocks, bytes of a block], the low bits first.
///
/// Inputs: the bytes, scales [N, blocks] or flat, and zero points, packed by row as the weights are or of the
/// scales' datatype; without them zero is the middle.
struct DequantizeBlocks: Evaluation {
  static let description = OperatorDescription(
    "DequantizeBlocks", domain: ExpansionWriter.ownDomain, inputs: 2...3, support: "UINT8"
  ) { reader in
    let operation = DequantizeBlocks(
      k: try reader.required("K", try reader.int("K")), n: try reader.required("N", try reader.int("N")),
      bits: try reader.int("bits", default: 4),
      block: try reader.required("block_size", try reader.int("block_size")))
    guard [2, 4, 8].contains(operation.bits), operation.block >= 8, operation.block % 8 == 0,
      (1...1 << 32).contains(operation.k), (1...1 << 32).contains(operation.n)
    else {
      throw ONNXError(
        .unsupported,
        "\(operation.bits) bits in blocks of \(operation.block), a matrix [\(operation.k),\(operation.n)]")
    }
    return operation
  }

  let name = "DequantizeBlocks"
  let k: Int
  let n: Int
  let bits: Int
  let block: Int

  func infer(_ node: NodeFacts) throws -> [TensorFact] {
    try node.require(0, .uint8)
    try node.require(1, .fp32, .fp16, .bf16)
    return [
      TensorFact(try node.input(1).datatype, [Dimension(k), Dimension(n)], rows: node.rowsOfMixture)
    ]
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let (stored, scales, zeros) = (try node.input(0), try node.input(1), try node.optional(2))
    let blocks = (k + block - 1) / block
    let (blockBytes, zeroBytes) = (block * bits / 8, (blocks * bits + 7) / 8)
    guard stored.elementCount == n * blocks * blockBytes, scales.elementCount == n * blocks,
      zeros.map({ $0.elementCount == ($0.datatype == .uint8 ? n * zeroBytes : n * blocks) }) ?? true
    else {
      throw ONNXError(
        .invalid, "\(stored.elementCount) bytes and \(scales.elementCount) scales for [\(k),\(n)]")
    }
    let result = try Tensor.make(.fp32, [k, n], node.engine.limits)
    let target = result.elements(as: Float.self)
    let bytes = stored.elements(as: UInt8.self)
    let factors = scales.doubles().map { Float($0) }
    let mask = (1 << bits) - 1
    func level(_ bytes: UnsafeMutableBufferPointer<UInt8>, _ row: Int, _ place: Int) -> Int {
      let bit = place * bits
      return Int(bytes[row + bit / 8]) >> (bit % 8) & mask
    }
    let given = zeros?.datatype == .uint8 ? nil : zeros?.doubles().map { Float($0) }
    let packed = zeros?.datatype == .uint8 ? zeros?.elements(as: UInt8.self) : nil
    for column in 0..<n {
      for group in 0..<blocks {
        var zero = Float(1 << (bits - 1))
        if let packed { zero = Float(level(packed, column * zeroBytes, group)) }
        if let given { zero = given[column * blocks + group] }
        let factor = factors[column * blocks + group]
        let start = (column * blocks + group) * blockBytes
        for place in 0..<min(block, k - group * block) {
          target[(group * block + place) * n + column] = (Float(level(bytes, start, place)) - zero) * factor
        }
      }
    }
    if scales.datatype == .fp32 { return [.tensor(result)] }
    return [try node.tensor(scales.datatype, result.shape, result.doubles())]
  }
}
