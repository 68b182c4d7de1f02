internal import Tensors

/// A batch, as a worker is told of it.
struct JobMessage {
  struct Request {
    var id: String
    var parameters: String
    var deadline: Int64
    var rows: Int
  }

  /// Tells the lane's batches apart.
  var number: Int
  /// Whether requests of a batch that fails as a whole are to be left open.
  var isRetried: Bool
  var requests: [Request]
  var inputs: [TensorMessage]

  init(number: Int, isRetried: Bool, requests: [Request], inputs: [TensorMessage]) {
    self.number = number
    self.isRetried = isRetried
    self.requests = requests
    self.inputs = inputs
  }

  init(_ reader: inout MessageReader) throws(MessageFault) {
    number = try reader.int()
    isRetried = try reader.bool()
    requests = try reader.list { reader throws(MessageFault) in
      Request(
        id: try reader.string(), parameters: try reader.string(), deadline: Int64(try reader.int()),
        rows: try reader.int())
    }
    inputs = try reader.list { reader throws(MessageFault) in try TensorMessage(&reader) }
  }

  func write(to message: inout MessageWriter) {
    message.put(number)
    message.put(isRetried)
    message.put(requests) {
      $0.put($1.id)
      $0.put($1.parameters)
      $0.put(Int($1.deadline))
      $0.put($1.rows)
    }
    message.put(inputs) { $1.write(to: &$0) }
  }
}

/// How one request ended, as the server is told of it.
struct EndMessage {
  /// In place of a status: the batch failed as a whole, and the request may be executed again with fewer others.
  static let leftOpen = -1

  /// Its place in the batch.
  var index: Int
  var status: Int
  var message: String
  var outputs: [TensorMessage]

  init(index: Int, status: Int, message: String, outputs: [TensorMessage]) {
    self.index = index
    self.status = status
    self.message = message
    self.outputs = outputs
  }

  init(_ reader: inout MessageReader) throws(MessageFault) {
    index = try reader.int()
    status = try reader.int()
    message = try reader.string()
    outputs = try reader.list { reader throws(MessageFault) in try TensorMessage(&reader) }
  }

  func write(to message: inout MessageWriter) {
    message.put(index)
    message.put(status)
    message.put(self.message)
    message.put(outputs) { $1.write(to: &$0) }
  }
}

/// A part of a streamed answer.
struct ChunkMessage {
  var index: Int
  var tensors: [TensorMessage]

  init(index: Int, tensors: [TensorMessage]) {
    self.index = index
    self.tensors = tensors
  }

  init(_ reader: inout MessageReader) throws(MessageFault) {
    index = try reader.int()
    tensors = try reader.list { reader throws(MessageFault) in try TensorMessage(&reader) }
  }

  func write(to message: inout MessageWriter) {
    message.put(index)
    message.put(tensors) { $1.write(to: &$0) }
  }
}
