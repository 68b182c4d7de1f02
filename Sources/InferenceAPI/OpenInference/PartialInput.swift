import Tensors

/// The members of an input that were seen so far.
struct PartialInput {
  var name: String?
  var datatype: Datatype?
  var shape: Shape?
  /// The bytes of `data`, when it came before the shape or the datatype.
  var deferredData: UnsafeRawBufferPointer?
  var tensor: Tensor?
  var parameters = TensorParameters()

  var hasData: Bool { deferredData != nil || tensor != nil }
}

/// The members of an object that were seen, so that none is given twice.
struct Members: OptionSet {
  let rawValue: UInt16
  static let id = Members(rawValue: 1 << 0)
  static let parameters = Members(rawValue: 1 << 1)
  static let inputs = Members(rawValue: 1 << 2)
  static let outputs = Members(rawValue: 1 << 3)
  static let name = Members(rawValue: 1 << 4)
  static let datatype = Members(rawValue: 1 << 5)
  static let shape = Members(rawValue: 1 << 6)
  static let data = Members(rawValue: 1 << 7)
}
