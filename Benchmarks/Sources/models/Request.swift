/// A line of what the driver asks.
struct Request: Decodable {
  enum Action: String, Decodable {
    /// Load the model, run it once, and keep it.
    case load
    /// Repeat the run.
    case run
    /// The time of each step.
    case profile
  }

  struct Input: Decodable {
    var name: String
    var datatype: String
    var shape: [Int]
    /// A file of the elements.
    var file: String
  }

  var action: Action
  // To load.
  var path: String?
  var threads: Int?
  var inputs: [Input]?
  /// The outputs are written to files of this name with their place behind it.
  var outputs: String?
  /// Loads, of which the shortest counts.
  var loads: Int?
  /// "bf16": products may round to 16 bits.
  var precision: String?
  // To run: for how long to repeat it.
  var milliseconds: Double?
  /// Measure the process's CPU time rather than what a clock on the wall shows.
  var cpu: Bool?
}

struct Refusal: Error, CustomStringConvertible {
  var description: String
}
