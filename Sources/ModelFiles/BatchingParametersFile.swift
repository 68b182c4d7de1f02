public import Serving

/// TensorFlow Serving's batching parameters: what holds for every model whose own configuration says nothing.
public struct BatchingParametersFile: Sendable, Equatable {
  public var batching = BatchingSettings()
  public var maximumBatch: Int?
  /// Batches that run at once.
  public var threads: Int?
  /// Settings that have no effect, each with the reason and its line.
  public var notes: [String] = []

  public init(text: [UInt8]) throws(ConfigurationFault) {
    let message = MessageReader(try ProtobufText.fields(of: text))
    var sizes: ProtobufField?
    for field in message.fields {
      switch field.name {
      case "max_batch_size", "max_execution_batch_size":
        let size = try message.wrapped(field, 1...Int(Int32.max))
        maximumBatch = min(maximumBatch ?? size, size)
      case "batch_timeout_micros":
        batching.maximumDelay = Int64(try message.wrapped(field, 0...(Int.max / 1000))) * 1000
      case "max_enqueued_batches":
        batching.maximumEnqueuedBatches = try message.wrapped(field, 1...Int(Int32.max))
      case "num_batch_threads": threads = try message.wrapped(field, 1...65_536)
      case "allowed_batch_sizes":
        _ = try message.integer(field, 1...Int(Int32.max))
        if sizes == nil { sizes = field }
      case "enable_large_batch_splitting", "thread_pool_name": break
      case "pad_variable_length_inputs":
        if try message.bool(field) {
          notes.append(message.ignored(field, because: "only requests of one shape share a batch"))
        }
      default: notes.append(message.unknown(field))
      }
    }
    if let sizes {
      notes.append(message.ignored(sizes, because: "the size that is served fastest is measured"))
    }
  }
}
