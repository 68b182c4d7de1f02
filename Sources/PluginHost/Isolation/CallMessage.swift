internal import Tensors

/// A tensor by its name, in shared memory.
struct NamedTensorMessage {
  var name: String
  var tensor: TensorMessage

  init(name: String, tensor: TensorMessage) {
    self.name = name
    self.tensor = tensor
  }

  init(_ reader: inout MessageReader) throws(MessageFault) {
    name = try reader.string()
    tensor = try TensorMessage(&reader)
  }

  func write(to message: inout MessageWriter) {
    message.put(name)
    tensor.write(to: &message)
  }
}

/// A plugin's call of another model, as the server is told of it.
struct CallMessage {
  /// In place of a request's position: on behalf of all of the batch.
  static let wholeBatch = -1

  var index: Int
  var model: String
  var version: Int
  var parameters: String
  var inputs: [NamedTensorMessage]

  init(_ call: ModelCall, index: Int?, inputs: [NamedTensorMessage]) {
    self.index = index ?? Self.wholeBatch
    model = call.model
    version = call.version
    parameters = call.parameters
    self.inputs = inputs
  }

  init(_ reader: inout MessageReader) throws(MessageFault) {
    index = try reader.int()
    model = try reader.string()
    version = try reader.int()
    parameters = try reader.string()
    inputs = try reader.list { reader throws(MessageFault) in try NamedTensorMessage(&reader) }
    guard index >= Self.wholeBatch, version >= 0 else { throw MessageFault() }
  }

  func write(to message: inout MessageWriter) {
    message.put(index)
    message.put(model)
    message.put(version)
    message.put(parameters)
    message.put(inputs) { $1.write(to: &$0) }
  }
}

/// What the called model answered, as the worker is told of it.
struct AnswerMessage {
  var status: Int
  var message: String
  var outputs: [NamedTensorMessage]

  init(outputs: [NamedTensorMessage]) {
    status = Int(PluginStatus.ok.rawValue)
    message = ""
    self.outputs = outputs
  }

  init(_ error: PluginError) {
    status = Int(error.status.rawValue)
    message = error.message
    outputs = []
  }

  init(_ reader: inout MessageReader) throws(MessageFault) {
    status = try reader.int()
    message = try reader.string()
    outputs = try reader.list { reader throws(MessageFault) in try NamedTensorMessage(&reader) }
  }

  func write(to message: inout MessageWriter) {
    message.put(status)
    message.put(self.message)
    message.put(outputs) { $1.write(to: &$0) }
  }
}
