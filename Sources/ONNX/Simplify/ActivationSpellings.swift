import Glibc
import Kernels
import Tensors

/// Finds activations that the model spells out: GELU by the error function or by tanh, HardSwish and SiLU.
struct ActivationSpellings: SimplificationPass {
  let name = "activations that are spelled out"

  func apply(to inferred: inout InferredGraph, _ engine: Engine) throws {
    let matcher = ExpressionMatcher(inferred.graph)
    for index in inferred.graph.nodes.indices {
      let node = inferred.graph.nodes[index]
      guard let output = node.outputs.first ?? nil, inferred.fact(output)?.datatype == .fp32,
        let product = matcher.product(node), let (function, x) = found(product, matcher),
        inferred.fact(x)?.dimensions == inferred.fact(output)?.dimensions
      else { continue }
      inferred.graph.nodes[index].operation = function
      inferred.graph.nodes[index].inputs = [x]
    }
  }

  private func found(_ product: ExpressionMatcher.Product, _ matcher: ExpressionMatcher)
    -> (UnaryFunction, ValueID)?
  {
    guard product.factors.count == 2 else { return nil }
    for (x, other) in [(0, 1), (1, 0)].map({ (product.factors[$0], product.factors[$1]) }) {
      if let function = gelu(product.scale, x, other, matcher) ?? hardSwish(product.scale, x, other, matcher)
        ?? silu(product.scale, x, other, matcher)
      {
        return (function, x)
      }
    }
    return nil
  }

  /// x · (1 + erf(x / √2)) / 2, or x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))) / 2
  private func gelu(_ scale: Float, _ x: ValueID, _ other: ValueID, _ matcher: ExpressionMatcher)
    -> UnaryFunction?
  {
    guard scale.isClose(to: 0.5), let sum = matcher.sum(matcher.inner(other)), sum.number == 1,
      let node = matcher.inner(sum.value), let function = node.operation as? UnaryFunction,
      let argument = node.inputs[0]
    else { return nil }
    let inside = matcher.factors(argument)
    guard inside.factors.count == 1 else { return nil }
    if function.name == "Erf", inside.factors == [x], inside.scale.isClose(to: Float(0.5).squareRoot()) {
      return Gelu.exact
    }
    guard function.name == "Tanh", inside.scale.isClose(to: 0.797_884_6),
      let (a, b) = matcher.operands(matcher.inner(inside.factors[0]), .add)
    else { return nil }
    let isCubic =
      a == x && isCube(matcher.factors(b), x, matcher) || b == x && isCube(matcher.factors(a), x, matcher)
    return isCubic ? Gelu.byTanh : nil
  }

  /// 0.044715 · x³
  private func isCube(_ product: ExpressionMatcher.Product, _ x: ValueID, _ matcher: ExpressionMatcher)
    -> Bool
  {
    guard product.scale.isClose(to: 0.044715) else { return false }
    if product.factors == [x, x, x] { return true }
    guard product.factors.count == 1, let power = matcher.inner(product.factors[0]), power.operation is Pow
    else { return false }
    return power.inputs[0] == x && matcher.scalar(power.inputs[1]) == 3
  }

  /// x · min(max(x + 3, 0), 6) / 6
  private func hardSwish(_ scale: Float, _ x: ValueID, _ other: ValueID, _ matcher: ExpressionMatcher)
    -> UnaryFunction?
  {
    guard let node = matcher.inner(other) else { return nil }
    if let function = node.operation as? UnaryFunction, scale == 1, node.inputs[0] == x,
      case .activation(.hardSigmoid(let slope, let offset)) = function.function
    {
      return slope.isClose(to: 1 / 6) && offset == 0.5 ? HardSwish.function : nil
    }
    guard scale.isClose(to: 1 / 6), let clip = node.operation as? Clip, let inside = node.inputs[0],
      let sum = matcher.sum(matcher.inner(inside)), sum.value == x, sum.number == 3
    else { return nil }
    let bounds = (1...2).map { place in
      place < node.inputs.count ? node.inputs[place].flatMap { matcher.graph.constants[$0] } : nil
    }
    return clip.activation(low: bounds[0], high: bounds[1]) == .clip(low: 0, high: 6)
      ? HardSwish.function : nil
  }

  /// x · sigmoid(x)
  private func silu(_ scale: Float, _ x: ValueID, _ other: ValueID, _ matcher: ExpressionMatcher)
    -> UnaryFunction?
  {
    guard scale == 1, let node = matcher.inner(other), let function = node.operation as? UnaryFunction,
      function.name == "Sigmoid", node.inputs[0] == x
    else { return nil }
    return UnaryFunction(name: "SiLU", function: .activation(.silu)) { $0 / (1 + exp(-$0)) }
  }
}
