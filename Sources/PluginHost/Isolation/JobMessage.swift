internal import Tensors

/// What a worker is to execute with one message: a batch, or a train of batches of one request each.
struct JobMessage {
  struct Batch {
    var requests: [Request]
    var inputs: [TensorMessage]
  }

  struct Request {
    var id: String
    var parameters: String
    var deadline: Int64
    var rows: Int
  }

  /// Tells the lane's jobs apart.
  var number: Int
  /// Whether requests of a batch that fails as a whole are to be left open.
  var isRetried: Bool
  var batches: [Batch]

  init(_ reader: inout MessageReader) throws(MessageFault) {
    number = try reader.int()
    isRetried = try reader.bool()
    batches = try reader.list { reader throws(MessageFault) in
      Batch(
        requests: try reader.list { reader throws(MessageFault) in try Request(&reader) },
        inputs: try reader.list { reader throws(MessageFault) in try TensorMessage(&reader) })
    }
  }

  /// Writes a job that is to execute `train`; false: there was no room for a tensor.
  ///
  /// - Parameter place: puts a tensor where the worker can read it, as the input of that position, and says where that is.
  ///   Nil: there is no room.
  static func write(
    _ train: [PluginBatch], number: Int, isRetried: Bool, to message: inout MessageWriter,
    placing place: (Tensor, Int) -> TensorMessage?
  ) -> Bool {
    message.put(number)
    message.put(isRetried)
    message.put(train.count)
    for batch in train {
      message.put(batch.requests.count)
      for request in batch.requests { Request.write(request, to: &message) }
      message.put(batch.inputs.count)
      for (index, tensor) in batch.inputs.enumerated() {
        guard let placed = place(tensor, index) else { return false }
        placed.write(to: &message)
      }
    }
    return true
  }
}

extension JobMessage.Request {
  init(_ reader: inout MessageReader) throws(MessageFault) {
    id = try reader.string()
    parameters = try reader.string()
    deadline = Int64(try reader.int())
    rows = try reader.int()
  }

  static func write(_ request: PluginRequest, to message: inout MessageWriter) {
    message.put(request.id)
    message.put(request.parameters)
    message.put(Int(request.deadline))
    message.put(request.rows)
  }
}

/// How one request ended, as the server is told of it.
struct EndMessage {
  /// In place of a status: the batch failed as a whole, and the request may be executed again with fewer others.
  static let leftOpen = -1

  /// Its place among the requests of the job.
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
