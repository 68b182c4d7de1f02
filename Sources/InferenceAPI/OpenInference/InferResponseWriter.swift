import Bytes
import HTTP
import JSON
import Tensors

/// Writes the answer to an inference request of the Open Inference Protocol.
struct InferResponseWriter {
  let id: String?
  /// What `opening` made of the model.
  let opening: [UInt8]
  let outputs: [PlacedOutput]

  /// Whether anything follows the JSON.
  var hasBinaryPart: Bool { outputs.contains { $0.isBinary && $0.tensor.byteCount > 0 } }

  func writeJSON(to buffer: ByteBuffer) {
    let json = JSONWriter(buffer)
    buffer.append("{")
    if let id {
      buffer.append("\"id\":")
      json.write(id)
      buffer.append(",")
    }
    opening.withUnsafeBytes { buffer.append($0) }
    for (index, output) in outputs.enumerated() {
      if index > 0 { buffer.append(",") }
      write(output, json)
    }
    buffer.append("]}")
  }

  /// What all answers of a model have before their outputs, as they follow the `id`.
  static func opening(model: String, version: Int) -> [UInt8] {
    let buffer = ByteBuffer(capacity: 128)
    buffer.append("\"model_name\":")
    JSONWriter(buffer).write(model)
    buffer.append(",\"model_version\":\"")
    buffer.append(decimal: version)
    buffer.append("\",\"outputs\":[")
    return Array(buffer.bytes)
  }

  private func write(_ output: PlacedOutput, _ json: JSONWriter) {
    let buffer = json.buffer
    let tensor = output.tensor
    buffer.append("{\"name\":")
    json.write(tensor.name)
    buffer.append(",\"datatype\":\"")
    buffer.append(tensor.datatype.name)
    buffer.append("\",\"shape\":[")
    for (axis, dimension) in tensor.shape.enumerated() {
      if axis > 0 { buffer.append(",") }
      buffer.append(decimal: dimension)
    }
    if output.sharedMemory != nil {
      // As Triton has it: its client takes parameters here for those of a binary output.
      buffer.append("]}")
    } else if output.isBinary {
      buffer.append("],\"parameters\":{\"binary_data_size\":")
      buffer.append(decimal: BinaryOutput.byteCount(of: tensor))
      buffer.append("}}")
    } else {
      buffer.append("],\"data\":")
      json.writeFlat(tensor)
      buffer.append("}")
    }
  }

  /// The binary part where it lies; nil if it has to be written, as BYTES have.
  var binaryPieces: [ResponsePiece]? {
    var pieces: [ResponsePiece] = []
    for output in outputs where output.isBinary {
      let tensor = output.tensor
      guard tensor.datatype != .bytes else { return nil }
      pieces.append(
        ResponsePiece(
          UnsafeRawBufferPointer(start: tensor.data, count: tensor.byteCount), owner: tensor.memory))
    }
    return pieces
  }

  func writeBinaryPart(to buffer: ByteBuffer) {
    for output in outputs where output.isBinary { BinaryOutput.write(output.tensor, to: buffer) }
  }
}

/// An output, and where its elements go: into the JSON, behind it, or to shared memory.
struct PlacedOutput {
  var tensor: Tensor
  /// Whether its bytes follow the JSON instead of standing in it.
  var isBinary = false
  var sharedMemory: SharedMemorySlice?

  /// Has the elements in shared memory, if that is where they go.
  func share() throws(APIFailure) {
    guard let sharedMemory else { return }
    guard tensor.datatype == .bytes else {
      let bytes = UnsafeRawBufferPointer(start: tensor.data, count: tensor.byteCount)
      return try sharedMemory.write(bytes, output: tensor.name)
    }
    let text = ByteBuffer(capacity: BinaryOutput.byteCount(of: tensor))
    BinaryOutput.write(tensor, to: text)
    try sharedMemory.write(text.bytes, output: tensor.name)
  }
}

/// A tensor in the binary form: little-endian elements; BYTES as lengths and bytes.
enum BinaryOutput {
  static func byteCount(of tensor: Tensor) -> Int {
    guard tensor.datatype == .bytes else { return tensor.byteCount }
    return tensor.elements(as: BytesElement.self).reduce(0) { $0 + 4 + $1.count }
  }

  static func write(_ tensor: Tensor, to buffer: ByteBuffer) {
    guard tensor.datatype == .bytes else {
      return buffer.append(UnsafeRawBufferPointer(start: tensor.data, count: tensor.byteCount))
    }
    for element in tensor.elements(as: BytesElement.self) {
      withUnsafeBytes(of: UInt32(clamping: element.count).littleEndian) { buffer.append($0) }
      buffer.append(element.bytes)
    }
  }
}
