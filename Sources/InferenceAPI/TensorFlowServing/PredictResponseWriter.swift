import Bytes
import JSON
import Tensors

/// Writes the answer to a `:predict` request, in the form the request had.
struct PredictResponseWriter {
  let format: PredictRequest.Format
  let outputs: [Tensor]

  init(format: PredictRequest.Format, outputs: [Tensor]) throws(APIFailure) {
    self.format = format
    self.outputs = outputs
    if format == .rows { try checkRows() }
  }

  /// Rows can be told apart only if every output has as many of them.
  private func checkRows() throws(APIFailure) {
    for output in outputs {
      guard output.shape.rank > 0 else {
        throw .badRequest(
          "Tensor name: \(output.name) has no shape information ; it is a scalar, so ask in the column format, "
            + "with 'inputs'")
      }
      guard output.shape[0] == outputs[0].shape[0] else {
        throw .badRequest(
          "Tensor name: \(output.name) has inconsistent batch size: \(output.shape[0]) expecting: "
            + "\(outputs[0].shape[0])")
      }
    }
  }

  func write(to buffer: ByteBuffer) {
    switch format {
    case .columns: writeColumns(to: buffer)
    case .rows: writeRows(to: buffer)
    }
  }

  private func writeColumns(to buffer: ByteBuffer) {
    buffer.append("{\"outputs\":")
    if outputs.count == 1 {
      writeValue(outputs[0], to: buffer)
    } else {
      writeObject(outputs, to: buffer)
    }
    buffer.append("}")
  }

  private func writeRows(to buffer: ByteBuffer) {
    buffer.append("{\"predictions\":")
    if outputs.count == 1 {
      writeValue(outputs[0], to: buffer)
    } else {
      buffer.append("[")
      for row in 0..<(outputs.first?.shape[0] ?? 0) {
        if row > 0 { buffer.append(",") }
        writeObject(outputs.map { PredictResponseWriter.row(row, of: $0) }, to: buffer)
      }
      buffer.append("]")
    }
    buffer.append("}")
  }

  private func writeObject(_ tensors: [Tensor], to buffer: ByteBuffer) {
    buffer.append("{")
    for (index, tensor) in tensors.enumerated() {
      if index > 0 { buffer.append(",") }
      JSONWriter(buffer).write(tensor.name)
      buffer.append(":")
      writeValue(tensor, to: buffer)
    }
    buffer.append("}")
  }

  /// Strings of an output whose name ends in `_bytes` go out as `{"b64": "…"}`.
  private func writeValue(_ tensor: Tensor, to buffer: ByteBuffer) {
    if tensor.datatype == .bytes && tensor.name.hasSuffix("_bytes") {
      Base64.writeNested(tensor, to: buffer)
    } else {
      JSONWriter(buffer).writeNested(tensor)
    }
  }

  /// One row, without the dimension that counted rows.
  private static func row(_ index: Int, of tensor: Tensor) -> Tensor {
    tensor.rows(index..<index + 1).reshaped(to: Shape(tensor.shape.dropFirst()))
  }
}
