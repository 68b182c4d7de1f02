import Foundation
import Kernels
import ONNX
import Tensors
import TestSupport

/// A model in a folder of its own, loaded.
struct LoadedModel {
  let folder: TemporaryFolder
  let session: Session

  init(_ builder: OnnxModelBuilder, options: SessionOptions = .testing) throws {
    folder = try TemporaryFolder()
    session = try Session(path: try folder.write("model.onnx", Data(builder.bytes())), options: options)
  }

  /// The message that loading `builder` is refused with; nil when it loads.
  static func refusal(_ builder: OnnxModelBuilder) throws -> String? {
    do {
      _ = try LoadedModel(builder)
      return nil
    } catch let error as ONNXError {
      return error.message
    }
  }
}

/// Runs one operator on tensors; those named in `constants` are initializers of the model.
func evaluate(
  _ type: String, _ inputs: [Tensor], _ attributes: [String: OnnxModelBuilder.Attribute] = [:],
  opset: Int = 17,
  constants: Set<Int> = []
) throws -> Tensor {
  var model = OnnxModelBuilder(opset: opset)
  var names: [String] = []
  var given: [Tensor] = []
  for (index, tensor) in inputs.enumerated() {
    names.append("x\(index)")
    if constants.contains(index) {
      if tensor.datatype == .int64 {
        model.initializer(
          "x\(index)", Array(tensor.shape), integers: tensor.elements(as: Int64.self).map { Int($0) })
      } else {
        model.initializer("x\(index)", Array(tensor.shape), floats: Array(tensor.elements(as: Float.self)))
      }
    } else {
      model.input("x\(index)", tensor.datatype, Array(tensor.shape))
      given.append(tensor)
    }
  }
  model.node(type, names, ["y"], name: "node", attributes)
  model.output("y")
  return try LoadedModel(model).session.run(given)[0]
}

extension Tensor {
  var floatValues: [Float] { Array(elements(as: Float.self)) }
  var intValues: [Int] { elements(as: Int64.self).map { Int($0) } }
}
