internal import Kernels
internal import Tensors

/// The model that a worker is to make, and the limits within which.
struct CreateMessage {
  /// What messages call the plugin's file.
  var plugin = ""
  var path = ""
  var configuration = ""
  var name = ""
  var serverVersion = ""
  var tensorLimit = 0
  var instructionSet = InstructionSet.portable
  var threadCount = 0
  var spinNanoseconds = 0
  var hasMetrics = false
  var memoryBytes = 0
  var readable: [String] = []
  var writable: [String] = []
  var allowsNetwork = false
  var allowsProcesses = false

  init() {}

  init(_ reader: inout MessageReader) throws(MessageFault) {
    plugin = try reader.string()
    path = try reader.string()
    configuration = try reader.string()
    name = try reader.string()
    serverVersion = try reader.string()
    tensorLimit = try reader.int()
    guard let set = InstructionSet(rawValue: try reader.string()) else { throw MessageFault() }
    instructionSet = set
    threadCount = try reader.int()
    spinNanoseconds = try reader.int()
    hasMetrics = try reader.bool()
    memoryBytes = try reader.int()
    readable = try reader.list { reader throws(MessageFault) in try reader.string() }
    writable = try reader.list { reader throws(MessageFault) in try reader.string() }
    allowsNetwork = try reader.bool()
    allowsProcesses = try reader.bool()
  }

  func write(to message: inout MessageWriter) {
    for text in [plugin, path, configuration, name, serverVersion] { message.put(text) }
    message.put(tensorLimit)
    message.put(instructionSet.rawValue)
    message.put(threadCount)
    message.put(spinNanoseconds)
    message.put(hasMetrics)
    message.put(memoryBytes)
    message.put(readable) { $0.put($1) }
    message.put(writable) { $0.put($1) }
    message.put(allowsNetwork)
    message.put(allowsProcesses)
  }
}

/// Why a worker could not make its model.
struct RefusalMessage {
  var status: Int
  var message: String

  init(_ error: PluginError) {
    status = Int(error.status.rawValue)
    message = error.message
  }

  init(_ reader: inout MessageReader) throws(MessageFault) {
    status = try reader.int()
    message = try reader.string()
  }

  func write(to message: inout MessageWriter) {
    message.put(status)
    message.put(self.message)
  }
}

extension ModelDescription {
  init(_ reader: inout MessageReader) throws(MessageFault) {
    let inputs = try reader.list { reader throws(MessageFault) in try TensorSpec(&reader) }
    let outputs = try reader.list { reader throws(MessageFault) in try TensorSpec(&reader) }
    self.init(
      inputs: inputs, outputs: outputs, maximumBatch: max(try reader.int(), 1),
      concurrency: try reader.bool() ? .concurrent : .serial, isSafeToRetry: try reader.bool(),
      memoryEstimate: try reader.int(), platform: try reader.string())
    guard isSound else { throw MessageFault() }
  }

  /// What the rest of the server takes for granted of a description that was adopted in this process.
  private var isSound: Bool {
    for specs in [inputs, outputs] {
      guard Set(specs.map(\.name)).count == specs.count, !specs.contains(where: { $0.name.isEmpty }),
        maximumBatch == 1 || specs.allSatisfy({ $0.shape.first == Shape.anySize })
      else { return false }
    }
    return memoryEstimate >= 0
  }

  func write(to message: inout MessageWriter) {
    message.put(inputs) { $1.write(to: &$0) }
    message.put(outputs) { $1.write(to: &$0) }
    message.put(maximumBatch)
    message.put(concurrency == .concurrent)
    message.put(isSafeToRetry)
    message.put(memoryEstimate)
    message.put(platform)
  }
}

extension TensorSpec {
  fileprivate init(_ reader: inout MessageReader) throws(MessageFault) {
    let name = try reader.string()
    guard let datatype = Datatype(rawValue: Int32(truncatingIfNeeded: try reader.int())) else {
      throw MessageFault()
    }
    let dimensions = try reader.list { reader throws(MessageFault) in try reader.int() }
    guard dimensions.count <= Shape.maximumRank, dimensions.allSatisfy({ $0 >= Shape.anySize }) else {
      throw MessageFault()
    }
    let labels = try reader.list { reader throws(MessageFault) in try reader.string() }
    let isOptional = try reader.bool()
    let padValue: Double? = try reader.bool() ? try reader.double() : nil
    self.init(
      name: name, datatype: datatype, shape: Shape(dimensions), labels: labels, isOptional: isOptional,
      padValue: padValue)
  }

  fileprivate func write(to message: inout MessageWriter) {
    message.put(name)
    message.put(Int(datatype.rawValue))
    message.put(Array(shape)) { $0.put($1) }
    message.put(labels) { $0.put($1) }
    message.put(isOptional)
    message.put(padValue != nil)
    if let padValue { message.put(padValue) }
  }
}
