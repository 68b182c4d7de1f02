import Foundation
import Kernels
import ONNX
import Tensors
import TestSupport
import Testing

/// Models of the folder SWERVE_MODELS against the outputs recorded beside them.
@Suite struct ReferenceModelTests {
  static let folder = ProcessInfo.processInfo.environment["SWERVE_MODELS"]
  static let absence: Comment = "SWERVE_MODELS names no folder of models with reference outputs"

  @Test(
    .enabled(if: folder != nil, absence),
    arguments: [
      "fashion-cnn", "fashion-cnn-small", "mobilenet-v2", "efficientnet-lite0", "minilm-l6", "magika",
      "cancer-forest", "iris-logistic", "wine-lightgbm", "dtln-1", "silero-vad-16k-op15",
      "tiny-gpt-shakespeare",
      "ppocr4-det", "fashion-cnn-int8", "mobilenet-v2-int8",
    ])
  func agreesWithItsReferenceOutputs(_ name: String) throws {
    let folder = try #require(Self.folder) + "/" + name
    guard FileManager.default.fileExists(atPath: folder) else { return }
    let about = try JSONSerialization.jsonObject(
      with: Data(contentsOf: URL(fileURLWithPath: folder + "/about.json")))
    let tolerances = try #require(about as? [String: Any])
    let session = try Session(path: folder + "/model.onnx", options: .testing)
    let sets = try NumpyArchive(path: folder + "/ref.npz").sets()
    #expect(!sets.isEmpty)
    for (inputs, outputs) in sets {
      let results = try session.run(try session.inputs.map { try #require(inputs[$0.name]) })
      for result in results {
        // Levels of 8 bits that lie at a boundary fall either way: such a model is held to the whole.
        if let bound = tolerances["rel_l2"] as? Double {
          let expected = try #require(outputs[result.name]).floatValues
          let error = zip(result.floatValues, expected).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
          let size = expected.reduce(0) { $0 + $1 * $1 }
          #expect((error / size).squareRoot() <= Float(bound), "\(name) \(result.name)")
          continue
        }
        let difference = result.difference(
          from: try #require(outputs[result.name]), relative: tolerances["rtol"] as? Double ?? 1e-3,
          absolute: tolerances["atol"] as? Double ?? 1e-4)
        #expect(difference == nil, "\(name) \(result.name)")
      }
    }
  }
}

extension SessionOptions {
  /// The kernels of this machine, on the calling thread.
  static let testing = SessionOptions(
    engine: Engine(
      kernels: .forInstructionSet(.detect(limit: ProcessInfo.processInfo.environment["SWERVE_CPU"]))))
}
