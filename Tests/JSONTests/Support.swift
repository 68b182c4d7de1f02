import Bytes
import JSON
import Tensors
import TestSupport

/// A generator whose seed is printed, and taken from SWERVE_SEED where that is set.
func seededGenerator(_ purpose: String) -> SeededGenerator {
  let seed = seedOfThisRun()
  print("\(purpose): SWERVE_SEED=\(seed)")
  return SeededGenerator(seed: seed)
}

/// Runs `body` over the text in memory that ends exactly where the text does.
func read<Result>(
  _ text: some Sequence<UInt8>, _ body: (inout JSONReader) throws(JSONError) -> Result
) throws(JSONError) -> Result {
  let bytes = Array(text)
  let exact = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
  defer { exact.deallocate() }
  exact.copyBytes(from: bytes)
  var reader = JSONReader(UnsafeRawBufferPointer(exact))
  return try body(&reader)
}

func readTensor(
  _ text: String, _ datatype: Datatype, _ shape: Shape, path: String = "data"
) throws(JSONError) -> Tensor {
  try read(text.utf8) { reader throws(JSONError) in
    let tensor = try reader.readTensor(name: "t", datatype: datatype, shape: shape, path: path)
    try reader.finish()
    return tensor
  }
}

func readNested(_ text: String, _ datatype: Datatype, path: String = "inputs") throws(JSONError) -> Tensor {
  try read(text.utf8) { reader throws(JSONError) in
    let tensor = try reader.readNested(name: "t", datatype: datatype, path: path)
    try reader.finish()
    return tensor
  }
}

func values<Element>(_ tensor: Tensor, _: Element.Type = Element.self) -> [Element] {
  Array(tensor.elements(as: Element.self))
}

func byteValues(_ tensor: Tensor) -> [[UInt8]] {
  withExtendedLifetime(tensor) { tensor.elements(as: BytesElement.self).map { Array($0.bytes) } }
}

/// The error of `body`, nil when it succeeds.
func error(of body: () throws(JSONError) -> Void) -> JSONError? {
  do throws(JSONError) {
    try body()
    return nil
  } catch {
    return error
  }
}

func written(_ body: (JSONWriter) -> Void) -> String {
  let buffer = ByteBuffer()
  body(JSONWriter(buffer))
  return String(decoding: buffer.bytes, as: UTF8.self)
}
