import Tensors

/// The operator LabelEncoder of ai.onnx.ml: keys to values, of texts or numbers.
struct LabelEncoder: Evaluation {
  static let description = OperatorDescription(
    "LabelEncoder", domain: "ai.onnx.ml", inputs: 1...1, support: "BYTES, INT64, INT32, INT16, FP32, FP64"
  ) { reader in try LabelEncoder(reader) }

  let name = "LabelEncoder"
  private let places: [Key: Int]
  private let values: Labels
  private let fallback: Labels
  private let keyDatatype: Datatype?

  /// A key; numbers by their value, so that those of all datatypes meet.
  private enum Key: Hashable {
    case text(String)
    case number(Double)
    case notANumber
  }

  private init(_ reader: NodeReader) throws {
    if let classes = try reader.strings("classes_strings") {
      // The first version: texts to places and back, as the input says.
      places = Dictionary(classes.enumerated().map { (.text($1), $0) }, uniquingKeysWith: { a, _ in a })
      values = .integers(Array(classes.indices))
      fallback = .integers([try reader.int("default_int64", default: -1)])
      keyDatatype = .bytes
      return
    }
    let keys = try Labels(reader, "keys")
    values = try Labels(reader, "values")
    guard keys.count == values.count else {
      throw ONNXError(.invalid, "\(keys.count) keys, \(values.count) values")
    }
    places = Dictionary(try keys.keys().enumerated().map { ($1, $0) }, uniquingKeysWith: { $1 })
    keyDatatype = keys.datatype
    switch values {
    case .texts: fallback = .texts([try reader.string("default_string") ?? "_Unused"])
    case .integers: fallback = .integers([try reader.int("default_int64", default: -1)])
    case .floats: fallback = .floats([try reader.float("default_float", default: -0.0)])
    case .tensor(let tensor):
      guard let given = try reader.tensor("default_tensor"), given.datatype == tensor.datatype,
        given.elementCount == 1
      else { throw ONNXError(.invalid, "default_tensor is no \(tensor.datatype.name)") }
      fallback = .tensor(given)
    }
  }

  /// A list of labels of one kind.
  private enum Labels: Sendable {
    case texts([String])
    case integers([Int])
    case floats([Float])
    case tensor(Tensor)

    init(_ reader: NodeReader, _ prefix: String) throws {
      if let list = try reader.strings(prefix + "_strings") {
        self = .texts(list)
      } else if let list = try reader.ints(prefix + "_int64s") {
        self = .integers(list)
      } else if let list = try reader.floats(prefix + "_floats") {
        self = .floats(list)
      } else if let tensor = try reader.tensor(prefix + "_tensor") {
        self = .tensor(tensor)
      } else {
        throw ONNXError(.invalid, "attribute '\(prefix)_…' is missing")
      }
    }

    var count: Int {
      switch self {
      case .texts(let list): list.count
      case .integers(let list): list.count
      case .floats(let list): list.count
      case .tensor(let tensor): tensor.elementCount
      }
    }

    var datatype: Datatype {
      switch self {
      case .texts: .bytes
      case .integers: .int64
      case .floats: .fp32
      case .tensor(let tensor): tensor.datatype
      }
    }

    func tensor() throws -> Tensor {
      let limits = Limits()
      switch self {
      case .texts(let list): return try Tensor.make([list.count], texts: list.map { Array($0.utf8) }, limits)
      case .integers(let list):
        let tensor = try Tensor.make(.int64, [list.count], limits)
        tensor.fill(with: list)
        return tensor
      case .floats(let list):
        let tensor = try Tensor.make(.fp32, [list.count], limits)
        tensor.fill(with: list.map { Double($0) })
        return tensor
      case .tensor(let tensor): return tensor.viewed(as: tensor.datatype, [tensor.elementCount])
      }
    }

    func keys() throws -> [Key] { LabelEncoder.keys(try tensor()) }
  }

  private static func keys(_ tensor: Tensor) -> [Key] {
    if tensor.datatype == .bytes { return tensor.strings().map { .text($0) } }
    return tensor.doubles().map { $0.isNaN ? .notANumber : .number($0) }
  }

  func evaluate(_ node: EvaluationRequest) throws -> [Value?] {
    let x = try node.input(0)
    guard (x.datatype == .bytes) == (keyDatatype == .bytes) else {
      throw ONNXError(.invalid, "labels of \(x.datatype.name) for keys of \(keyDatatype?.name ?? "none")")
    }
    // The fallback follows the values.
    let all = try node.joined([try values.tensor(), try fallback.tensor()], axis: 0)
    let selected = Self.keys(x).map { places[$0] ?? values.count }
    return [try node.selection(of: all, at: selected, shape: x.shape)]
  }
}
