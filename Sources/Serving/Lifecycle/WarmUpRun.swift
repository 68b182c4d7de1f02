import Glibc
import Locks
import PluginHost
import Tensors

/// Executes a model before it takes requests, so that the first of them does not pay for what is done once.
struct WarmUpRun {
  /// The longest a warm-up may take, in nanoseconds.
  static let limit: Int64 = 300_000_000_000
  /// Bytes that the inputs of the server's own warm-up may have.
  private static let maximumDefaultBytes = 256 << 20

  let model: PluginModel
  let signature: ConfiguredSignature

  /// Runs a configured warm-up; throws why it failed.
  func run(_ warmUp: WarmUp) throws(PluginError) {
    for _ in 0..<warmUp.count {
      var inputs: [Tensor] = []
      for input in warmUp.inputs {
        let shape = Shape((warmUp.batchSize > 0 ? [warmUp.batchSize] : []) + input.dimensions)
        guard let tensor = try WarmUpData.tensor(input, shape),
          let inward = signature.inputReshapes[input.name].map({ $0.inward(tensor) }) ?? tensor
        else {
          throw WarmUpRun.fault(warmUp.name, "input '\(input.name)' cannot have the shape \(shape)")
        }
        inputs.append(inward)
      }
      let (status, message) = execute(inputs, rows: max(warmUp.batchSize, 1))
      guard status == .ok else { throw WarmUpRun.fault(warmUp.name, message) }
    }
  }

  /// Executes the model once with zeros, if the shapes of all its inputs are known. Returns why that failed: a
  /// model need not be able to do anything with zeros.
  func runDefault() -> String? {
    var inputs: [Tensor] = []
    var bytes = 0
    for spec in model.description.inputs where !spec.isOptional {
      var shape = spec.shape
      if shape.rank > 0, shape[0] == Shape.anySize { shape[0] = 1 }
      guard let count = shape.elementCount, count <= WarmUpRun.maximumDefaultBytes else { return nil }
      bytes += count * spec.datatype.byteCount
      guard bytes <= WarmUpRun.maximumDefaultBytes,
        let tensor = WarmUpData.zeros(spec.name, spec.datatype, shape)
      else { return nil }
      inputs.append(tensor)
    }
    guard !inputs.isEmpty else { return nil }
    let (status, message) = execute(inputs, rows: 1)
    return status == .ok ? nil : message
  }

  private func execute(_ inputs: [Tensor], rows: Int) -> (PluginStatus, String) {
    let receiver = WarmUpReceiver()
    let request = PluginRequest(id: "warm-up", parameters: "{}", deadline: 0, rows: rows, receiver: receiver)
    model.execute(inputs: inputs, requests: [request])
    let end = Threads.now() + WarmUpRun.limit
    while Threads.now() < end {
      if let ended = receiver.ended.withLock({ $0 }) { return ended }
      usleep(200)
    }
    request.cancel()
    // What still runs may use the model, which must not go before.
    _ = Unmanaged.passRetained(model)
    return (.unavailable, "the model did not answer within \(WarmUpRun.limit / 1_000_000_000) s")
  }

  private static func fault(_ name: String, _ message: String) -> PluginError {
    PluginError(status: .invalidArgument, message: "warm-up '\(name)' failed: \(message)")
  }
}

/// Waits for the end of a warm-up.
private final class WarmUpReceiver: PluginRequestReceiver {
  let ended = Lock<(PluginStatus, String)?>(nil)

  func receive(chunk: [Tensor]) -> Bool { true }

  func finish(status: PluginStatus, message: String, outputs: [Tensor]) {
    ended.withLock { $0 = (status, message) }
  }
}

/// Tensors to warm up with.
enum WarmUpData {
  private static let maximumFileBytes = 256 << 20

  static func zeros(_ name: String, _ datatype: Datatype, _ shape: Shape) -> Tensor? {
    guard let tensor = Tensor(name: name, datatype: datatype, shape: shape) else { return nil }
    // Zero bytes are empty strings too: no address, and a length of 0.
    memset(tensor.data, 0, tensor.byteCount)
    return tensor
  }

  /// Nil: there is no memory, or the shape has no size.
  static func tensor(_ input: WarmUp.Input, _ shape: Shape) throws(PluginError) -> Tensor? {
    switch input.filling {
    case .zeros: return zeros(input.name, input.datatype, shape)
    case .random: return random(input.name, input.datatype, shape)
    case .file(let path):
      guard let bytes = FileSystem.bytes(of: path, limit: maximumFileBytes) else {
        throw PluginError(
          status: .notFound, message: "warm-up file \(path) cannot be read, or is larger than 256 MiB")
      }
      return try tensor(input, shape, bytes: bytes, path: path)
    }
  }

  /// Small numbers: bytes of any value would be NaN here and an index out of range there.
  private static func random(_ name: String, _ datatype: Datatype, _ shape: Shape) -> Tensor? {
    guard let tensor = zeros(name, datatype, shape) else { return nil }
    for index in 0..<tensor.elementCount {
      switch datatype {
      case .fp32: tensor.elements(as: Float.self)[index] = .random(in: 0..<1)
      case .fp64: tensor.elements(as: Double.self)[index] = .random(in: 0..<1)
      case .fp16: tensor.elements(as: UInt16.self)[index] = .random(in: 0x3400...0x3bff)
      case .bf16:
        tensor.elements(as: UInt16.self)[index] = UInt16(Float.random(in: 0..<1).bitPattern >> 16)
      case .bytes: break
      default:
        tensor.data.storeBytes(
          of: .random(in: 0...1), toByteOffset: index * datatype.byteCount, as: UInt8.self)
      }
    }
    return tensor
  }

  private static func tensor(
    _ input: WarmUp.Input, _ shape: Shape, bytes: [UInt8], path: String
  ) throws(PluginError) -> Tensor? {
    guard let result = zeros(input.name, input.datatype, shape) else { return nil }
    guard input.datatype == .bytes else {
      guard bytes.count == result.byteCount else {
        throw PluginError(
          status: .invalidArgument,
          message: "warm-up file \(path) has \(bytes.count) bytes; \(input.datatype.name) \(shape) has "
            + "\(result.byteCount)")
      }
      bytes.withUnsafeBytes {
        result.data.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(result.data), byteCount: $0.count)
      }
      return result
    }
    guard let payload = TensorMemory(byteCount: max(bytes.count, 1)) else { return nil }
    bytes.withUnsafeBytes { source in
      if let base = source.baseAddress { payload.base.copyMemory(from: base, byteCount: source.count) }
    }
    let text = payload.base.assumingMemoryBound(to: UInt8.self)
    var offset = 0
    for index in 0..<result.elementCount {
      guard offset + 4 <= bytes.count else { throw shortFile(path, index, of: result.elementCount) }
      let length = Int((0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[offset + $1]) << UInt32(8 * $1) })
      offset += 4
      guard length <= bytes.count - offset else { throw shortFile(path, index, of: result.elementCount) }
      result.elements(as: BytesElement.self)[index] = BytesElement(data: text + offset, count: length)
      offset += length
    }
    return Tensor(
      name: input.name, datatype: .bytes, shape: shape, memory: result.memory, payload: payload)
  }

  private static func shortFile(_ path: String, _ index: Int, of count: Int) -> PluginError {
    PluginError(
      status: .invalidArgument,
      message:
        "warm-up file \(path) ends in element \(index) of \(count); each is 4 bytes of length and its bytes")
  }
}
