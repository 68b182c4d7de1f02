import Glibc
import ONNX
import Tensors

/// A case: a folder with `model.onnx`, `tolerances` and `test_data_set_K/{input,output}_J.pb`.
struct Case {
  let folder: String
  private let relative: Double
  private let absolute: Double

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  init(folder: String) throws {
    self.folder = folder
    guard let file = fopen(folder + "/tolerances", "re") else {
      throw Failure(description: "no tolerances in \(folder)")
    }
    defer { fclose(file) }
    var text = [CChar](repeating: 0, count: 200)
    fgets(&text, 200, file)
    let numbers = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      .split(separator: " ").compactMap { Double($0) }
    guard numbers.count == 2 else { throw Failure(description: "no tolerances in \(folder)") }
    (relative, absolute) = (numbers[0], numbers[1])
  }

  /// What of the outputs differs from what the case expects.
  func differences(_ options: SessionOptions) throws -> [String] {
    let session = try Session(path: folder + "/model.onnx", options: options)
    var differences: [String] = []
    var number = 0
    while case let set = "\(folder)/test_data_set_\(number)", access(set, F_OK) == 0 {
      let inputs = try tensors(set + "/input_")
      let expected = try tensors(set + "/output_")
      let given = try session.inputs.map { input in
        guard let tensor = inputs.first(where: { $0.name == input.name }) else {
          throw Failure(description: "the case has no input '\(input.name)'")
        }
        return tensor
      }
      let results = try session.run(given)
      for result in results {
        guard let other = expected.first(where: { $0.name == result.name }) else { continue }
        let comparison = Comparison(relative: relative, absolute: absolute)
        if let difference = comparison.difference(result, other) {
          differences.append("\(result.name): \(difference)")
        }
      }
      number += 1
    }
    if number == 0 { throw Failure(description: "no data sets in \(folder)") }
    return differences
  }

  private func tensors(_ prefix: String) throws -> [Tensor] {
    var tensors: [Tensor] = []
    while access(prefix + "\(tensors.count).pb", F_OK) == 0 {
      tensors.append(try TensorFile.read(path: prefix + "\(tensors.count).pb"))
    }
    return tensors
  }
}
