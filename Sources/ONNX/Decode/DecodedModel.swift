public import Tensors

/// The first stage: what a model file says, word for word, with its tensors left where they lie.
///
/// Made by `ModelDecoder`. Nothing is checked here beyond the wire format and sizes; names may be wrong,
/// operators unknown.
public struct DecodedModel: Sendable {
  public var path: String
  public var irVersion = 0
  public var producer = ""
  /// The newest opset imported of each domain; the default domain is the empty word.
  public var opsets: [String: Int] = [:]
  public var graph = DecodedGraph()
  /// The functions that the model defines for itself, by `FunctionKey`.
  public var functions: [FunctionKey: DecodedFunction] = [:]
  /// `metadata_props`: free words of whoever made the model.
  public var metadata: [String: String] = [:]
  /// Where its tensors lie; nil for a model that is of no file.
  var files: ModelSource?

  /// Throws if a file of the model was written to since it was opened, so that nothing read from it can be trusted.
  func checkUnchanged() throws { try files?.checkUnchanged() }
}

public struct DecodedGraph: Sendable {
  public var name = ""
  public var nodes: [DecodedNode] = []
  public var initializers: [DecodedTensor] = []
  public var inputs: [DecodedValue] = []
  public var outputs: [DecodedValue] = []
}

public struct DecodedNode: Sendable {
  public var name = ""
  public var type = ""
  public var domain = ""
  /// Tells functions of one name apart.
  var overload = ""
  /// Names of values; the empty word where an optional one is left out.
  public var inputs: [String] = []
  public var outputs: [String] = []
  public var attributes: [String: Attribute] = [:]
  /// The opsets of the function that the node came from; nil for those of the model.
  var opsets: [String: Int]?
}

/// What tells the functions of a model apart.
public struct FunctionKey: Sendable, Hashable {
  var domain: String
  var name: String
  var overload = ""
}

/// A function that a model defines: nodes that stand wherever its name does.
public struct DecodedFunction: Sendable {
  public var inputs: [String] = []
  public var outputs: [String] = []
  /// Attributes that have a value when the node leaves them out.
  public var defaults: [String: Attribute] = [:]
  public var opsets: [String: Int] = [:]
  public var graph = DecodedGraph()
}

public struct DecodedTensor: Sendable {
  public var name: String
  public var constant: Constant
}

/// A graph's input or output.
public struct DecodedValue: Sendable {
  public var name = ""
  public var type: ValueType?
}

/// What a model says of a value's type.
public enum ValueType: Sendable {
  /// `dimensions` is nil when the model leaves even the rank open.
  case tensor(Datatype, dimensions: [DeclaredDimension]?)
  /// A sequence, map, optional or sparse tensor, or a tensor of a datatype the protocol cannot carry.
  case other(String)
}

public enum DeclaredDimension: Sendable, Hashable {
  case known(Int)
  /// Any size, but the same wherever the name stands.
  case named(String)
  case open
}

/// An attribute's value.
public enum Attribute: Sendable {
  case int(Int)
  case float(Float)
  case string(String)
  case tensor(Constant)
  case graph(DecodedGraph)
  case ints([Int])
  case floats([Float])
  case strings([String])
  /// In a function: the value of the attribute of that name of the node that stands for it.
  case reference(String)
  case other(String)

  var kindName: String {
    switch self {
    case .int: "an INT"
    case .float: "a FLOAT"
    case .string: "a STRING"
    case .tensor: "a TENSOR"
    case .graph: "a GRAPH"
    case .ints: "INTS"
    case .floats: "FLOATS"
    case .strings: "STRINGS"
    case .reference: "the attribute of a function"
    case .other(let name): name
    }
  }
}
