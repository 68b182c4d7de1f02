import Foundation

/// A line of what the driver asks: a case of Benchmarks/kernels/cases.json, and how to run it.
struct Case: Decodable, Hashable {
  enum Kind: String, Decodable {
    case peak, copy, conv, gemm, int8, bf16, attention, recurrent, values
    case integerConv = "int8 conv"
  }

  var kind: Kind
  var threads: Int
  /// For how long to repeat it.
  var milliseconds: Double

  // A convolution of square images with padding kernel / 2, bias and Relu.
  var batch: Int?
  var inputs: Int?
  var outputs: Int?
  var size: Int?
  var kernel: Int?
  var stride: Int?
  var groups: Int?
  var layout: String?

  // A product of [m,k] with `layers` different weights [k,n] in turn, with bias; of short numbers with one.
  var m: Int?
  var k: Int?
  var n: Int?
  var layers: Int?
  /// Of the weights of integers: 7 unless it says 8.
  var bits: Int?

  // Attention of `heads` heads of `size` over `length` queries and keys; a recurrent layer of `size` inputs
  // and units over `length` steps.
  var heads: Int?
  var length: Int?
  var cell: String?

  // An operation that moves more than it computes, over an operand of this shape; of a copy, its bytes.
  var operation: String?
  var shape: [Int]?
  var other: [Int]?
  var padding: Int?
  var byteCount: Int?
}

struct MissingField: Error {
  var field: String
}

struct UnknownOperation: Error {
  var name: String
}

/// The value of a field that this kind of case must have.
func require<Value>(_ value: Value?, _ field: String) throws -> Value {
  guard let value else { throw MissingField(field: field) }
  return value
}
