import Foundation
import ONNX
import Tensors
import TestSupport
import Testing

/// Cases of the onnx package's backend test data, converted to folders of `model.onnx`, `ref.npz` and
/// `tol` ("relative absolute"). SWERVE_ONNX_CASES names the folder that holds them.
@Suite struct ConformanceTests {
  static let folder = ProcessInfo.processInfo.environment["SWERVE_ONNX_CASES"]

  @Test(.enabled(if: folder != nil, "SWERVE_ONNX_CASES names no folder of conformance cases"))
  func everyCaseIsRightOrRefused() throws {
    let folder = try #require(Self.folder)
    var passed = 0
    var refused: [String: Int] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
      do {
        let differences = try run(folder + "/" + name)
        if differences.isEmpty { passed += 1 }
        for difference in differences { Issue.record("\(name): \(difference)") }
      } catch let error as ONNXError where error.kind == .unsupported {
        refused[String(error.message.drop { $0 != ":" }.prefix(120)), default: 0] += 1
      } catch {
        Issue.record("\(name): \(error)")
      }
    }
    print("passed \(passed), refused \(refused.values.reduce(0, +))")
    if ProcessInfo.processInfo.environment["SWERVE_ONNX_REFUSED"] != nil {
      for (reason, count) in refused.sorted(by: { $0.value > $1.value }) { print("  \(count) \(reason)") }
    }
  }

  private func run(_ folder: String) throws -> [String] {
    let session = try Session(path: folder + "/model.onnx", options: .testing)
    let tolerances = try String(contentsOfFile: folder + "/tol", encoding: .utf8).split(separator: " ")
    var differences: [String] = []
    for (inputs, outputs) in try NumpyArchive(path: folder + "/ref.npz").sets() {
      let results = try session.run(try session.inputs.map { try #require(inputs[$0.name]) })
      for result in results {
        guard let expected = outputs[result.name] else { continue }
        let difference = result.difference(
          from: expected, relative: Double(tolerances[0]) ?? 1e-3,
          absolute: max(Double(tolerances[1]) ?? 0, 1e-6))
        if let difference { differences.append("\(result.name): \(difference)") }
      }
    }
    return differences
  }
}
