import HTTP
import Serving

/// The `generate` extension: `generate` for one answer, `generate_stream` for events as the model sends them.
extension InferenceService {
  func generate(_ exchange: Exchange, _ resolved: ResolvedModel) {
    var context = CallContext(exchange, self, metrics: resolved.metrics)
    do throws(APIFailure) {
      let (answer, arguments) = try readGenerate(exchange, resolved)
      context.finishedReading()
      try submit(exchange, answer, context, to: resolved, .openInference, arguments)
    } catch {
      context.fail(exchange, error)
    }
  }

  func generateStream(_ exchange: Exchange, _ resolved: ResolvedModel) {
    var context = CallContext(exchange, self, metrics: resolved.metrics)
    do throws(APIFailure) {
      var (answer, arguments) = try readGenerate(exchange, resolved)
      arguments.holdsModelUp = true
      context.finishedReading()
      let call = StreamedCall(exchange: exchange, answer: answer, context: context)
      call.follow(
        try hand(arguments, to: resolved, call, exchange, .openInference) { answer.failure(for: $0) })
    } catch {
      context.fail(exchange, error)
    }
  }

  private func readGenerate(
    _ exchange: Exchange, _ resolved: ResolvedModel
  ) throws(APIFailure) -> (GenerateAnswer, InferenceArguments) {
    var reader = GenerateRequestReader(
      text: JSONText.body(of: exchange), description: resolved.description, limits: limits)
    let request = try reader.read()
    let answer = GenerateAnswer(
      id: request.id, reference: resolved.reference, version: resolved.model.version)
    return (
      answer,
      InferenceArguments(
        id: request.id ?? "", inputs: request.inputs, parameters: request.parameters,
        deadline: try deadline(of: exchange, timeout: request.timeout), priority: request.priority,
        client: exchange.clientKey, sequence: request.sequence)
    )
  }
}
