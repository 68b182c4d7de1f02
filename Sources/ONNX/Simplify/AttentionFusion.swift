import Kernels
import Tensors

/// Finds attention as models spell it, softmax(Q · Kᵀ · scale + mask) · V with transpositions around, and
/// makes one step of it, which never holds all scores and reads heads where the projections left them.
struct AttentionFusion: SimplificationPass {
  let name = "fusion of attention"

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    let matcher = ExpressionMatcher(inferred.graph)
    for index in inferred.graph.nodes.indices {
      let node = inferred.graph.nodes[index]
      guard let found = Attention(node, matcher, inferred) else { continue }
      inferred.graph.nodes[index].operation = found.operation
      inferred.graph.nodes[index].inputs = found.inputs
    }
    foldTranspositions(&inferred)
  }

  /// A transposition of the result to [batch, sequence, heads, size] is written that way at once.
  private func foldTranspositions(_ inferred: inout InferredGraph) {
    let chains = Chains(inferred.graph)
    var removed: Set<Int> = []
    for index in inferred.graph.nodes.indices {
      let node = inferred.graph.nodes[index]
      guard let transpose = node.operation as? Transpose, transpose.permutation == [0, 2, 1, 3],
        let value = node.inputs[0], let place = chains.soleProducer(of: value, in: inferred.graph),
        var attention = inferred.graph.nodes[place].operation as? FusedAttention,
        attention.output == .headsFirst
      else { continue }
      attention.output = .sequenceFirst
      inferred.graph.nodes[place].operation = attention
      inferred.graph.nodes[place].outputs = node.outputs
      removed.insert(index)
    }
    inferred.graph.removeNodes(at: removed)
  }

  private struct Attention {
    let operation: FusedAttention
    let inputs: [ValueID?]

    /// - Parameter node: the product with the values.
    init?(_ node: Graph.Node, _ matcher: ExpressionMatcher, _ inferred: InferredGraph) {
      guard let product = node.operation as? MatMul, product.isPlain, node.inputs.count == 2,
        let chances = node.inputs[0], let values = node.inputs[1],
        let softmax = matcher.inner(chances), let operation = softmax.operation as? Softmax,
        !operation.logarithm, !operation.isMatrix, operation.axis == -1 || operation.axis == 3,
        var scores = softmax.inputs[0], inferred.fact(scores)?.rank == 4,
        inferred.fact(scores)?.datatype == .fp32
      else { return nil }
      var mask: ValueID?
      if let (a, b) = matcher.operands(matcher.inner(scores), .add) {
        let isScores = { (value: ValueID) in Attention.products(value, matcher) != nil }
        guard isScores(a) != isScores(b) else { return nil }
        (scores, mask) = isScores(a) ? (a, b) : (b, a)
      }
      guard let (q, k, scale) = Attention.products(scores, matcher),
        mask.map({ inferred.fact($0)?.rank ?? 5 <= 4 }) ?? true,
        mask.map({ inferred.fact($0)?.datatype == .fp32 }) ?? true
      else { return nil }
      let query = Operand(q, matcher)
      let key = Operand(k, matcher)
      let value = Operand(values, matcher)
      guard [query, key, value].allSatisfy({ inferred.fact($0.source)?.rank == 4 }), value.scale == 1,
        let queryLayout = query.layout(transposed: false), let keyLayout = key.layout(transposed: true),
        let valueLayout = value.layout(transposed: false),
        Attention.sharesHeads(query, queryLayout, key, keyLayout, value, valueLayout, inferred)
      else { return nil }
      self.operation = FusedAttention(
        scale: scale * query.scale * key.scale, query: queryLayout, key: keyLayout, value: valueLayout,
        output: .headsFirst)
      inputs = [query.source, key.source, value.source] + (mask.map { [$0] } ?? [])
    }

    /// Queries and keys of scores, and what their products are multiplied with.
    private static func products(_ value: ValueID, _ matcher: ExpressionMatcher)
      -> (q: ValueID, k: ValueID, scale: Float)?
    {
      let factors = matcher.factors(value)
      guard factors.factors.count == 1, let node = matcher.inner(factors.factors[0]),
        let product = node.operation as? MatMul, product.isPlain, node.inputs.count == 2,
        let q = node.inputs[0], let k = node.inputs[1]
      else { return nil }
      return (q, k, factors.scale)
    }

    /// The kernel takes operands that agree in batch and heads; products that broadcast them stay.
    private static func sharesHeads(
      _ q: Operand, _ qLayout: AttentionLayout, _ k: Operand, _ kLayout: AttentionLayout, _ v: Operand,
      _ vLayout: AttentionLayout, _ inferred: InferredGraph
    ) -> Bool {
      let heads = [(q, qLayout), (k, kLayout), (v, vLayout)].map { operand, layout -> [Dimension] in
        let dimensions = inferred.fact(operand.source)?.dimensions ?? []
        return [dimensions[0], dimensions[layout == .headsFirst ? 1 : 2]]
      }
      return heads[0] == heads[1] && heads[0] == heads[2]
    }
  }

  /// An operand without the transpositions and factors before it.
  private struct Operand {
    private(set) var source: ValueID
    private(set) var scale: Float = 1
    /// Axis i of the operand is the source's axis `axes[i]`.
    private var axes = [0, 1, 2, 3]

    init(_ value: ValueID, _ matcher: ExpressionMatcher) {
      source = value
      while true {
        let factors = matcher.factors(source)
        if factors.factors.count == 1, factors.factors[0] != source {
          source = factors.factors[0]
          scale *= factors.scale
        } else if let node = matcher.node(source), let transpose = node.operation as? Transpose,
          let permutation = transpose.permutation, permutation.count == 4, let input = node.inputs[0]
        {
          axes = axes.map { permutation[$0] }
          source = input
        } else {
          return
        }
      }
    }

    /// How the source lies, of an operand [batch, heads, sequence, size]; of [batch, heads, size, sequence]
    /// where it is `transposed`.
    func layout(transposed: Bool) -> AttentionLayout? {
      let order = transposed ? [axes[0], axes[1], axes[3], axes[2]] : axes
      return order == [0, 1, 2, 3] ? .headsFirst : order == [0, 2, 1, 3] ? .sequenceFirst : nil
    }
  }
}

extension MatMul {
  /// Nothing is fused to it.
  var isPlain: Bool { activation == .none && packed == nil }
}
