import Scheduling
import Tensors

/// An inference request of the Open Inference Protocol, read.
///
/// An object, since it is passed on to the answer: one reference to count instead of those of all that it holds.
///
/// Unchecked: whoever reads the request changes it, before anybody else has it; nobody does afterwards.
final class InferRequest: @unchecked Sendable {
  /// As the client gave it; the answer repeats it.
  var id: String?
  /// The request's `parameters` as JSON text, for the model.
  var parameters = "{}"
  /// Nanoseconds; 0 if the client set none.
  var timeout: Int64 = 0
  /// 1 is the most important, 0 stands for the model's default.
  var priority = 0
  /// Its place in a sequence; nil if it has none.
  var sequence: SequenceUse?
  var inputs: [Tensor] = []
  /// Empty: every output of the model.
  var outputs: [RequestedOutput] = []
  /// What `binary_data_output` says of outputs that do not say it themselves.
  var prefersBinaryOutputs = false
}

/// An element of a request's `outputs`.
struct RequestedOutput: Sendable {
  var name: String
  /// Nil if the output does not say.
  var isBinary: Bool?
  /// Set if the largest elements are wanted instead of all.
  var classification: Classification?
  /// Set if the output goes to shared memory instead of the answer.
  var sharedMemory: SharedMemorySlice?
}

/// Where a reader stands in a request, for errors: `inputs[3].shape`.
struct RequestPlace: CustomStringConvertible {
  var list: StaticString?
  var index = 0
  var field: StaticString?

  var description: String {
    let element = list.map { "\($0)[\(index)]" }
    return [element, field.map { "\($0)" }].compactMap(\.self).joined(separator: ".")
  }
}
