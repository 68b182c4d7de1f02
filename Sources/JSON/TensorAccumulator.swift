public import Tensors

/// A column of tensors of one shape that grows by an element at a time: TensorFlow Serving's
/// `instances`, read in one pass without knowing how many there are.
///
/// One owner at a time. After an error the column is of no further use.
public final class TensorAccumulator {
  private var builder: TensorBuilder?
  private let datatype: Datatype
  private var elementShape: Shape?

  /// The values appended so far.
  public private(set) var count = 0

  public init(datatype: Datatype) { self.datatype = datatype }

  /// Reads one nested value, whose shape must be that of the values before.
  /// Errors speak TensorFlow Serving's words; see `JSONReader.readNested`.
  public func append(from reader: inout JSONReader, path: String) throws(JSONError) {
    reader.skipWhitespace()
    let offset = reader.offset
    guard var builder = self.builder.take() ?? TensorBuilder(datatype) else {
      throw JSONError(message: "no memory for the elements", path: path, offset: offset)
    }
    let shape = try reader.readNestedValue(into: &builder, path: path)
    self.builder = builder
    let expected = elementShape ?? shape
    guard shape == expected else {
      throw JSONError(message: TensorAccumulator.mismatch(expected, shape), path: path, offset: offset)
    }
    guard shape.rank < Shape.maximumRank else {
      throw JSONError(
        message: "expected at most \(Shape.maximumRank - 1) dimensions in each value, got \(shape.rank)",
        path: path, offset: offset)
    }
    elementShape = shape
    count += 1
  }

  /// The values as one tensor whose first dimension counts them; without values its shape is [0].
  public func finish(name: String) throws(JSONError) -> Tensor {
    guard let builder = builder ?? TensorBuilder(datatype), let memory = builder.memory else {
      throw JSONError(message: "no memory for the elements of \(name)")
    }
    let payload = builder.finishPayload()
    let shape = Shape([count] + Array(elementShape ?? []))
    return Tensor(name: name, datatype: datatype, shape: shape, memory: memory, payload: payload)
  }

  private static func mismatch(_ expected: Shape, _ got: Shape) -> String {
    let (expectedSize, size) = (expected.elementCount ?? 0, got.elementCount ?? 0)
    guard expectedSize == size else { return "Expecting tensor size: \(expectedSize) but got: \(size)" }
    return "Expecting shape \(expected) but got: \(got)"
  }
}
