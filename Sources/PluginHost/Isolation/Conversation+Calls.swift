internal import Tensors

/// Calls of other models.
extension Conversation {
  /// Runs a model for the plugin, and hands it the answer.
  func runModel(_ call: CallMessage) throws(MessageFault) {
    do throws(PluginError) {
      let outputs = try run(call, copies(of: call.inputs))
      answer(with: AnswerMessage(outputs: try place(outputs)))
    } catch {
      switch error {
      case let error where error.status == .pending: throw MessageFault()
      default: answer(with: AnswerMessage(error))
      }
    }
  }

  /// The inputs in the server's own memory: a worker may write into its while others read.
  private func copies(of inputs: [NamedTensorMessage]) throws(PluginError) -> [Tensor] {
    var copies: [Tensor] = []
    for input in inputs {
      guard let tensor = tensor(input.tensor, name: input.name) else {
        // No status that a call can end with: the message makes no sense.
        throw PluginError(status: .pending, message: "")
      }
      guard
        let copy = TensorCopy.copy(
          tensor.data, name: tensor.name, datatype: tensor.datatype, shape: tensor.shape, limit: .max)
      else { throw noMemory(input.name) }
      copies.append(copy)
    }
    return copies
  }

  private func place(_ outputs: [Tensor]) throws(PluginError) -> [NamedTensorMessage] {
    var messages: [NamedTensorMessage] = []
    for output in outputs {
      guard let message = place(output, position: 0) else { throw noMemory(output.name) }
      messages.append(NamedTensorMessage(name: output.name, tensor: message))
    }
    return messages
  }

  private func noMemory(_ name: String) -> PluginError {
    PluginError(status: .outOfMemory, message: "no memory to hand '\(name)' of a called model over")
  }
}
