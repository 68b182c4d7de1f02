import Bytes
import FuzzDriver
import Glibc
import JSON
import Tensors

/// Reads a value from the start of memory that ends where the text does.
func attempt<Result>(
  _ text: UnsafeRawBufferPointer, _ body: (inout JSONReader) throws(JSONError) -> Result
) -> Result? {
  var reader = JSONReader(text)
  do throws(JSONError) {
    let result = try body(&reader)
    try reader.finish()
    return result
  } catch {
    precondition(error.offset >= 0 && error.offset <= text.count, "an error outside of the text")
    precondition(!error.message.isEmpty, "an error without words")
    return nil
  }
}

/// The bytes of a tensor's elements, those of strings instead of their addresses.
func contents(_ tensor: Tensor) -> [[UInt8]] {
  guard tensor.datatype == .bytes else {
    return [Array(UnsafeRawBufferPointer(start: tensor.data, count: tensor.byteCount))]
  }
  return withExtendedLifetime(tensor) { tensor.elements(as: BytesElement.self).map { Array($0.bytes) } }
}

/// The slow reader: a regular nesting of numbers in a jansson tree.
struct Tree {
  var numbers: [Double] = []
  var shape: [Int] = []

  init?(_ value: JSONValue) {
    var first = value
    while case .array(let elements) = first {
      shape.append(elements.count)
      guard let next = elements.first else { break }
      first = next
    }
    guard shape.count <= Shape.maximumRank, collect(value, level: 0) else { return nil }
  }

  private mutating func collect(_ value: JSONValue, level: Int) -> Bool {
    switch value {
    case .array(let elements):
      guard level < shape.count, elements.count == shape[level] else { return false }
      return elements.allSatisfy { collect($0, level: level + 1) }
    case .integer(let number): numbers.append(Double(number))
    case .double(let number): numbers.append(number)
    default: return false
    }
    return level == shape.count
  }
}

/// The tree, the skipper and the tensor readers must agree on one value.
func compareWithTree(_ text: UnsafeRawBufferPointer) {
  let skipped: Void? = attempt(text) { reader throws(JSONError) in _ = try reader.skipValue() }
  guard let tree = try? JSONValue(parsing: text) else { return }
  precondition(skipped != nil, "jansson accepts what skipping refuses")
  if case .string(let expected) = tree {
    let string = attempt(text) { reader throws(JSONError) in try reader.readString() }
    precondition(string == expected, "another string than jansson's")
  }
  guard let numbers = Tree(tree) else { return }
  let tensor = attempt(text) { reader throws(JSONError) in
    try reader.readNested(name: "", datatype: .fp64, path: "")
  }
  // jansson takes an integer beyond 2^63 for an error, so all its numbers are finite in FP64.
  guard let tensor else { preconditionFailure("jansson accepts numbers that are refused") }
  precondition(Array(tensor.shape) == numbers.shape, "another shape than the tree's")
  let got = tensor.elements(as: Double.self).map(\.bitPattern)
  precondition(got == numbers.numbers.map(\.bitPattern) || numbers.numbers.contains(0), "other numbers")
}

/// A value read by its nesting must read the same under that shape, and again once written.
func compareReaders(_ text: UnsafeRawBufferPointer, _ datatype: Datatype, _ shape: Shape) {
  let shaped = attempt(text) { reader throws(JSONError) in
    try reader.readTensor(name: "", datatype: datatype, shape: shape, path: "data")
  }
  if let shaped { checkRoundTrip(shaped) }
  let nested = attempt(text) { reader throws(JSONError) in
    try reader.readNested(name: "", datatype: datatype, path: "inputs")
  }
  guard let nested else { return }
  let again = attempt(text) { reader throws(JSONError) in
    try reader.readTensor(name: "", datatype: datatype, shape: nested.shape, path: "data")
  }
  guard let again else { preconditionFailure("readTensor refuses what readNested accepts") }
  precondition(contents(again) == contents(nested), "the readers differ")
  checkRoundTrip(nested)
}

func checkRoundTrip(_ tensor: Tensor) {
  let buffer = ByteBuffer()
  JSONWriter(buffer).writeNested(tensor)
  let back = attempt(buffer.bytes) { reader throws(JSONError) in
    try reader.readTensor(name: "", datatype: tensor.datatype, shape: tensor.shape, path: "")
  }
  guard let back else { preconditionFailure("what was written is refused") }
  // Bytes from base64 need not be UTF-8, and NaNs have one text for all of them.
  if tensor.datatype != .bytes { precondition(isSame(tensor, back), "what was written reads differently") }
}

func isSame(_ a: Tensor, _ b: Tensor) -> Bool {
  switch a.datatype {
  case .fp64: zip(a.elements(as: Double.self), b.elements(as: Double.self)).allSatisfy(isSame)
  case .fp32: zip(a.elements(as: Float.self), b.elements(as: Float.self)).allSatisfy(isSame)
  case .fp16:
    zip(a.elements(as: FP16.self), b.elements(as: FP16.self)).allSatisfy { isSame($0.float, $1.float) }
  default: contents(a) == contents(b)
  }
}

func isSame<Number: BinaryFloatingPoint>(_ a: Number, _ b: Number) -> Bool {
  a == b ? a.sign == b.sign : a.isNaN && b.isNaN
}

/// Reads an input of the Open Inference Protocol whose members stand in any order.
func readInput(_ text: UnsafeRawBufferPointer) {
  let tensor: Tensor?? = attempt(text) { reader throws(JSONError) in
    var shape = Shape()
    var datatype = Datatype.fp32
    var tensor: Tensor?
    var members = UniqueMembers()
    try reader.beginObject()
    while let key = try reader.nextKey() {
      switch key {
      case "shape":
        try members.note(0, key, offset: reader.offset)
        try reader.beginArray()
        while try reader.nextElement() {
          let size = try reader.readInt()
          if shape.rank < Shape.maximumRank { shape.append(Int(size)) }
        }
      case "datatype": datatype = Datatype(name: try reader.readString()) ?? .bytes
      case "data": tensor = try reader.readTensor(name: key, datatype: datatype, shape: shape, path: key)
      default: _ = try reader.skipValue()
      }
    }
    return tensor
  }
  if let tensor, let tensor { checkRoundTrip(tensor) }
}

func readInstances(_ text: UnsafeRawBufferPointer, _ datatype: Datatype) {
  let column = attempt(text) { reader throws(JSONError) in
    let column = TensorAccumulator(datatype: datatype)
    try reader.beginArray()
    while try reader.nextElement() { try column.append(from: &reader, path: "instances[\(column.count)]") }
    return try column.finish(name: "")
  }
  guard let column, column.shape[0] > 0 else { return }
  let nested = attempt(text) { reader throws(JSONError) in
    try reader.readNested(name: "", datatype: datatype, path: "")
  }
  // An empty list ends readNested's shape; elsewhere a column of values is the list of them.
  guard let nested else { preconditionFailure("a column of what is no list") }
  precondition(nested.shape == column.shape && contents(nested) == contents(column), "the column differs")
}

/// The first byte chooses the datatype, the second a dimension; the rest is the text.
exit(
  fuzz { input in
    guard input.count >= 2 else { return }
    let text = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(input)[2...])
    let datatype = Datatype.allCases[Int(input[0]) % Datatype.allCases.count]
    compareWithTree(text)
    compareReaders(text, datatype, [Int(input[1]) % 8, Int(input[1]) / 64])
    readInput(text)
    readInstances(text, datatype)
  })
