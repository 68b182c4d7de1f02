import HTTP
import Serving
import Tensors

extension InferenceService {
  func makeContext(_ exchange: Exchange, _ dialect: Dialect) -> CallContext {
    CallContext(exchange, metrics: requestMetrics.unknownModel(dialect), clock: clock, log: log)
  }

  /// Hands the inputs to the model; the exchange is answered later, on its loop.
  func submit<Answer: InferenceAnswer>(
    _ exchange: Exchange, _ answer: Answer, _ context: CallContext, to model: any InferenceModel, id: String,
    inputs: [Tensor], parameters: String, deadline: Int64
  ) throws(APIFailure) {
    let call = InferenceCall(exchange: exchange, answer: answer, context: context)
    do throws(ServingError) {
      call.follow(
        try model.infer(
          id: id, inputs: inputs, parameters: parameters, deadline: deadline, receiver: call))
    } catch {
      throw answer.failure(for: error)
    }
  }
}
