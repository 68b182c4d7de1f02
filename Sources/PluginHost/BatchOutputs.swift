internal import CSwervePlugin
internal import Glibc
internal import Locks
internal import Tensors

/// The outputs of a batch: checked and allocated as the plugin adds them, cut by rows as its requests end.
final class BatchOutputs: Sendable {
  /// Unchecked: only ever inside the mutex; the C tensors are the plugin's to read and lie still.
  private struct State: @unchecked Sendable {
    var token: UInt64 = 0
    var model: PluginModel?
    var tensors: [Tensor?] = []
    var array = CArray<swerve_tensor>()
    /// Where the elements of `bytes` outputs may point.
    var payloads: [TensorMemory] = []
    var payloadBytes = 0
    /// Where outputs lie; nil: in memory of their own.
    var memory: (any OutputMemory)?
    /// What models answered that the plugin has called.
    var answers: [CallAnswer] = []

    /// Memory for an output of `byteCount` bytes.
    func allocate(_ byteCount: Int) -> TensorMemory? {
      guard let memory else { return TensorMemory(byteCount: byteCount) }
      return memory.allocate(byteCount: byteCount)
    }
  }

  private let state = Lock(State())

  func open(_ model: PluginModel, token: UInt64, memory: (any OutputMemory)?) {
    state.withLock { state in
      state.memory = memory
      state.token = token
      state.model = model
      for position in 0..<model.description.outputs.count {
        if position < state.tensors.count { state.tensors[position] = nil } else { state.tensors.append(nil) }
      }
    }
  }

  func close() {
    state.withLock { state in
      state.token = 0
      state.model = nil
      state.memory = nil
      for position in state.tensors.indices { state.tensors[position] = nil }
      state.payloads.removeAll(keepingCapacity: true)
      state.payloadBytes = 0
      state.answers = []
    }
  }

  /// Keeps an answer until the batch is closed; nil: it is.
  func keep(_ answer: CallAnswer, token: UInt64) -> CallAnswer? {
    state.withLock { state in
      guard token != 0, state.token == token else { return nil }
      state.answers.append(answer)
      return answer
    }
  }

  /// Where the outputs of an open batch lie; nil: in memory of their own.
  func memory(of token: UInt64) -> (any OutputMemory)? {
    state.withLock { $0.token == token ? $0.memory : nil }
  }

  func add(
    token: UInt64, name: UnsafePointer<CChar>, dtype: Int32, shape: Shape
  ) -> Result<AddedOutput, PluginError> {
    state.withLock { state in
      do throws(PluginError) {
        return .success(try Self.add(&state, token, name, dtype, shape))
      } catch {
        return .failure(error)
      }
    }
  }

  /// Memory that lives until the batch is closed.
  func addBytes(token: UInt64, size: Int) -> Result<TensorMemory, PluginError> {
    state.withLock { state in
      guard token != 0, state.token == token, let model = state.model else {
        return .failure(Self.misuse("bytes was called with a batch whose last request is finished"))
      }
      // A size_t above Int.max arrives as a negative number.
      guard size >= 0, size <= model.services.tensorLimit - state.payloadBytes,
        let memory = TensorMemory(byteCount: size)
      else {
        return .failure(
          PluginError(
            status: .outOfMemory,
            message: "no memory for \(UInt(bitPattern: size)) bytes of output; the limit of a batch is"
              + " \(model.services.tensorLimit)"))
      }
      state.payloads.append(memory)
      state.payloadBytes += size
      return .success(memory)
    }
  }

  private static func add(
    _ state: inout State, _ token: UInt64, _ name: UnsafePointer<CChar>, _ dtype: Int32, _ shape: Shape
  ) throws(PluginError) -> AddedOutput {
    guard token != 0, state.token == token, let model = state.model else {
      throw misuse("output \"\(excerpt(name))\" was added to a batch whose last request is finished")
    }
    guard let position = model.outputNames.position(of: name) else {
      throw misuse("output \"\(excerpt(name))\" is not among the model's: \(model.outputList)")
    }
    guard state.tensors[position] == nil else {
      throw misuse("output \"\(model.description.outputs[position].name)\" was added before")
    }
    let datatype = model.description.outputs[position].datatype
    guard dtype == datatype.rawValue else {
      let spec = model.description.outputs[position]
      throw misuse(
        "output \"\(spec.name)\" was declared as \(spec.datatype.name) and added as \(datatypeName(dtype))")
    }
    guard model.description.outputs[position].shape.admits(shape) else {
      let spec = model.description.outputs[position]
      throw misuse("output \"\(spec.name)\" was declared with shape \(spec.shape) and added with \(shape)")
    }
    let limit = model.services.tensorLimit
    let outputName = model.description.outputs[position].name
    guard let elements = shape.elementCount, elements <= limit / datatype.byteCount else {
      throw PluginError(
        status: .outOfMemory,
        message: "output \"\(outputName)\" of shape \(shape) is larger than the limit of \(limit) bytes")
    }
    guard let memory = state.allocate(elements * datatype.byteCount) else {
      throw PluginError(
        status: .outOfMemory, message: "no memory for output \"\(outputName)\" of shape \(shape)")
    }
    let tensor = Tensor(name: outputName, datatype: datatype, shape: shape, memory: memory)
    if datatype == .bytes { memset(tensor.data, 0, tensor.byteCount) }
    state.tensors[position] = tensor
    // All at once on the first output: what was handed out must not move.
    let target = state.array.reserve(model.description.outputs.count) + position
    target.initialize(to: swerve_tensor())
    target.pointee.name = model.outputNames[position]
    tensor.describe(in: &target.pointee)
    return AddedOutput(tensor: target)
  }

  /// One request's part of every output, in the order of the description.
  func cut(
    _ rows: Range<Int>, of rowCount: Int, requestCount: Int
  ) -> Result<[Tensor], PluginError> {
    state.withLock { state in
      guard let model = state.model else { return .success([]) }
      var parts: [Tensor] = []
      parts.reserveCapacity(model.description.outputs.count)
      for position in model.description.outputs.indices {
        guard let whole = state.tensors[position] else {
          let spec = model.description.outputs[position]
          if spec.isOptional { continue }
          return .failure(model.fault("did not add output \"\(spec.name)\""))
        }
        if requestCount > 1, whole.shape.rank == 0 || whole.shape[0] != rowCount {
          return .failure(
            model.fault("gave output \"\(whole.name)\" shape \(whole.shape) for a batch of \(rowCount) rows"))
        }
        let part = requestCount > 1 ? whole.rows(rows) : whole
        guard whole.datatype == .bytes else {
          parts.append(part)
          continue
        }
        guard
          let copy = TensorCopy.copy(
            part.data, name: part.name, datatype: .bytes, shape: part.shape, limit: model.services.tensorLimit
          )
        else {
          return .failure(
            model.fault("gave output \"\(part.name)\" an element without bytes, or more than can be copied"))
        }
        parts.append(copy)
      }
      return .success(parts)
    }
  }

  private static func misuse(_ message: String) -> PluginError {
    PluginError(status: .invalidArgument, message: message)
  }
}

/// Where the outputs of a batch lie that is another process's, and who runs models for its plugin.
protocol OutputMemory: AnyObject, Sendable {
  /// Aligned memory that stays until the batch's answers are used up; nil: there is none.
  func allocate(byteCount: Int) -> TensorMemory?
  /// Runs a model for request `index` of the batch; nil: for all of it.
  func run(_ call: ModelCall, index: Int?) throws(PluginError) -> [Tensor]
}

/// An output as the plugin gets it.
///
/// Unchecked: the plugin alone touches it until the batch is closed.
struct AddedOutput: @unchecked Sendable {
  let tensor: UnsafeMutablePointer<swerve_tensor>
}
