import HTTP
import PluginHost
import Serving
import Tensors

/// The verbs of TensorFlow Serving that take examples, and KServe's that a model here does not have.
extension InferenceService {
  func classify(_ exchange: Exchange, _ resolved: ResolvedModel) { examine(.classify, exchange, resolved) }

  func regress(_ exchange: Exchange, _ resolved: ResolvedModel) { examine(.regress, exchange, resolved) }

  private func examine(_ method: ExamplesAnswer.Method, _ exchange: Exchange, _ resolved: ResolvedModel) {
    var context = CallContext(exchange, self, metrics: resolved.metrics)
    do throws(APIFailure) {
      var reader = ExamplesReader(
        text: JSONText.body(of: exchange), description: resolved.description, limits: limits,
        verb: method.rawValue)
      let inputs = try reader.read()
      context.finishedReading()
      let answer = ExamplesAnswer(
        method: method, rowCount: inputs.first?.shape.first ?? 0,
        labels: Dictionary(
          resolved.description.outputs.map { ($0.name, $0.labels) }, uniquingKeysWith: { first, _ in first }),
        reference: resolved.reference)
      try submit(
        exchange, answer, context, to: resolved, .tensorFlowServing,
        InferenceArguments(
          inputs: inputs, deadline: try deadline(of: exchange, timeout: 0), client: exchange.clientKey))
    } catch {
      context.fail(exchange, error)
    }
  }

  func explain(_ exchange: Exchange, _ resolved: ResolvedModel) {
    let name = excerpt(resolved.reference.name)
    CallContext(exchange, self, metrics: resolved.metrics).fail(
      exchange, APIFailure(501, "model '\(name)' does not explain its predictions; ask :predict"))
  }
}
