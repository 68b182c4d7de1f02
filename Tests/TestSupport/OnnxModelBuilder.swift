import Foundation
public import Tensors

/// Builds ONNX models for tests. Field numbers are those of onnx.proto.
public struct OnnxModelBuilder {
  /// How a tensor's elements stand in the file.
  public enum Storage: Sendable, CaseIterable {
    case raw
    case packed
    case unpacked
  }

  public enum Attribute: Sendable {
    case int(Int)
    case float(Float)
    case string(String)
    case ints([Int])
    case floats([Float])
    case strings([String])
    case tensor(ProtobufWriter)
    case graph(ProtobufWriter)
  }

  public var opset = 17
  public var domains: [String: Int] = [:]
  public var metadata: [(String, String)] = []
  private var graph = ProtobufWriter()
  private var functions:
    [(name: String, domain: String, inputs: [String], outputs: [String], nodes: [ProtobufWriter])] =
      []

  public init(opset: Int = 17) { self.opset = opset }

  /// A graph input or, with `isOutput`, an output. A dimension is a number, a name, or "" for open.
  public mutating func value(
    _ name: String, _ datatype: Datatype = .fp32, _ dimensions: [Any], isOutput: Bool = false
  ) {
    graph.message(isOutput ? 12 : 11) { value in
      value.text(1, name)
      value.message(2) { type in
        type.message(1) { tensor in
          tensor.integer(1, Self.number(datatype))
          tensor.message(2) { shape in
            for dimension in dimensions {
              shape.message(1) { entry in
                if let size = dimension as? Int { entry.integer(1, size) }
                if let name = dimension as? String, !name.isEmpty { entry.text(2, name) }
              }
            }
          }
        }
      }
    }
  }

  public mutating func input(_ name: String, _ datatype: Datatype = .fp32, _ dimensions: [Any]) {
    value(name, datatype, dimensions)
  }

  public mutating func output(_ name: String, _ datatype: Datatype = .fp32, _ dimensions: [Any] = []) {
    value(name, datatype, dimensions, isOutput: true)
  }

  public mutating func node(
    _ type: String, _ inputs: [String], _ outputs: [String], name: String = "", domain: String = "",
    _ attributes: [String: Attribute] = [:]
  ) {
    graph.message(1) { node in
      for input in inputs { node.text(1, input) }
      for output in outputs { node.text(2, output) }
      node.text(3, name)
      node.text(4, type)
      for (key, value) in attributes.sorted(by: { $0.key < $1.key }) {
        node.message(5) { Self.write(value, named: key, to: &$0) }
      }
      if !domain.isEmpty { node.text(7, domain) }
    }
  }

  public mutating func initializer(_ name: String, _ shape: [Int], floats: [Float], storage: Storage = .raw) {
    graph.data(5, Self.tensor(name, shape, floats: floats, storage: storage).bytes)
  }

  public mutating func initializer(
    _ name: String, _ shape: [Int]? = nil, integers: [Int], storage: Storage = .raw
  ) {
    graph.data(5, Self.tensor(name, shape ?? [integers.count], integers: integers, storage: storage).bytes)
  }

  /// A `TensorProto` whose elements lie in another file.
  public mutating func external(
    _ name: String, _ shape: [Int], location: String, offset: Int = 0, length: Int
  ) {
    graph.message(5) { tensor in
      for dimension in shape { tensor.integer(1, dimension) }
      tensor.integer(2, 1)
      tensor.text(8, name)
      for (key, value) in [("location", location), ("offset", "\(offset)"), ("length", "\(length)")] {
        tensor.message(13) { entry in
          entry.text(1, key)
          entry.text(2, value)
        }
      }
      tensor.integer(14, 1)
    }
  }

  /// The graph alone, for an attribute of a node.
  public var subgraph: ProtobufWriter { graph }

  /// One `NodeProto`, for a function.
  public static func node(_ type: String, _ inputs: [String], _ outputs: [String]) -> ProtobufWriter {
    var node = ProtobufWriter()
    for input in inputs { node.text(1, input) }
    for output in outputs { node.text(2, output) }
    node.text(4, type)
    return node
  }

  /// A `FunctionProto` of the model: nodes under a name.
  public mutating func function(
    _ name: String, domain: String, inputs: [String], outputs: [String], nodes: [ProtobufWriter]
  ) {
    functions.append((name, domain, inputs, outputs, nodes))
  }

  /// A field that no other function writes.
  public mutating func raw(_ write: (inout ProtobufWriter) -> Void) { write(&graph) }

  public static func tensor(_ name: String, _ shape: [Int], floats: [Float], storage: Storage = .raw)
    -> ProtobufWriter
  {
    var tensor = ProtobufWriter()
    for dimension in shape { tensor.integer(1, dimension) }
    tensor.integer(2, 1)
    let data = floats.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
    switch storage {
    case .raw: tensor.data(9, data)
    case .packed: tensor.data(4, data)
    case .unpacked: for value in floats { tensor.float(4, value) }
    }
    tensor.text(8, name)
    return tensor
  }

  public static func tensor(_ name: String, _ shape: [Int], integers: [Int], storage: Storage = .raw)
    -> ProtobufWriter
  {
    var tensor = ProtobufWriter()
    for dimension in shape { tensor.integer(1, dimension) }
    tensor.integer(2, 7)
    switch storage {
    case .raw:
      tensor.data(
        9, integers.flatMap { value in withUnsafeBytes(of: Int64(value).littleEndian) { Array($0) } })
    case .packed:
      var run = ProtobufWriter()
      for value in integers { run.varint(UInt64(bitPattern: Int64(value))) }
      tensor.data(7, run.bytes)
    case .unpacked: for value in integers { tensor.integer(7, value) }
    }
    tensor.text(8, name)
    return tensor
  }

  public func bytes() -> [UInt8] {
    var model = ProtobufWriter()
    model.integer(1, 8)
    model.text(2, "swerve tests")
    model.data(7, graph.bytes)
    for (domain, version) in [("", opset)] + domains.sorted(by: { $0.key < $1.key }) {
      model.message(8) { entry in
        entry.text(1, domain)
        entry.integer(2, version)
      }
    }
    for function in functions {
      model.message(25) { entry in
        entry.text(1, function.name)
        for input in function.inputs { entry.text(4, input) }
        for output in function.outputs { entry.text(5, output) }
        for node in function.nodes { entry.data(7, node.bytes) }
        entry.message(9) { opset in opset.integer(2, self.opset) }
        entry.text(10, function.domain)
      }
    }
    for (key, value) in metadata {
      model.message(14) { entry in
        entry.text(1, key)
        entry.text(2, value)
      }
    }
    return model.bytes
  }

  private static func write(_ attribute: Attribute, named name: String, to writer: inout ProtobufWriter) {
    writer.text(1, name)
    switch attribute {
    case .float(let value):
      writer.float(2, value)
      writer.integer(20, 1)
    case .int(let value):
      writer.integer(3, value)
      writer.integer(20, 2)
    case .string(let value):
      writer.text(4, value)
      writer.integer(20, 3)
    case .tensor(let tensor):
      writer.data(5, tensor.bytes)
      writer.integer(20, 4)
    case .graph(let graph):
      writer.data(6, graph.bytes)
      writer.integer(20, 5)
    case .floats(let values):
      for value in values { writer.float(7, value) }
      writer.integer(20, 6)
    case .strings(let values):
      for value in values { writer.text(9, value) }
      writer.integer(20, 8)
    case .ints(let values):
      for value in values { writer.integer(8, value) }
      writer.integer(20, 7)
    }
  }

  private static func number(_ datatype: Datatype) -> Int {
    let numbers: [Datatype: Int] = [
      .fp32: 1, .uint8: 2, .int8: 3, .uint16: 4, .int16: 5, .int32: 6, .int64: 7, .bytes: 8, .bool: 9,
      .fp16: 10,
      .fp64: 11, .uint32: 12, .uint64: 13, .bf16: 16,
    ]
    return numbers[datatype] ?? 0
  }
}

extension Tensor {
  /// A tensor of these floats.
  public static func floats(_ values: [Float], _ shape: Shape, name: String = "") -> Tensor {
    let tensor = Tensor(name: name, datatype: .fp32, shape: shape)!
    for (index, value) in values.enumerated() { tensor.elements(as: Float.self)[index] = value }
    return tensor
  }

  /// A tensor of these INT64 values.
  public static func integers(_ values: [Int], _ shape: Shape, name: String = "") -> Tensor {
    let tensor = Tensor(name: name, datatype: .int64, shape: shape)!
    for (index, value) in values.enumerated() { tensor.elements(as: Int64.self)[index] = Int64(value) }
    return tensor
  }
}
