import FuzzDriver
import Glibc
import Kernels
import ONNX
import Tensors

/// A model goes through all stages up to a plan for small inputs. It is refused with words, or planned; what is
/// planned and small runs. Nothing may crash, hang or take memory without bound.
func load(_ path: String, _ options: SessionOptions) throws {
  let session = try Session(path: path, options: options)
  let shapes = session.inputs.map { input in Shape(input.shape.map { $0 < 0 ? 2 : $0 }) }
  let elements = shapes.map { $0.elementCount ?? .max }
  guard elements.allSatisfy({ $0 <= 4096 }), !session.inputs.contains(where: { $0.datatype == .bytes }),
    try session.runBytes(shapes) ?? 0 <= 1 << 22
  else { return }
  let tensors = zip(session.inputs, shapes).compactMap { input, shape -> Tensor? in
    guard let tensor = Tensor(name: input.name, datatype: input.datatype, shape: shape) else { return nil }
    memset(tensor.data, 1, tensor.byteCount)
    return tensor
  }
  _ = try session.run(tensors)
}

var limits = Limits()
limits.tensorBytes = 1 << 22
limits.arenaBytes = 1 << 24
limits.foldedBytes = 1 << 20
limits.evaluatedElements = 1 << 14
limits.iterations = 64
limits.sequence = 256
limits.nodes = 2048
let options = SessionOptions(
  engine: Engine(kernels: .forInstructionSet(.detect()), team: .single, limits: limits))
let path = "/dev/shm/swerve-fuzz-\(getpid()).onnx"

exit(
  fuzz { input in
    guard let file = fopen(path, "we") else { preconditionFailure("\(path) cannot be written") }
    fwrite(input.baseAddress, 1, input.count, file)
    fclose(file)
    defer { unlink(path) }
    do { try load(path, options) } catch let error as ONNXError {
      precondition(!error.message.isEmpty, "a refusal without words")
    } catch { preconditionFailure("an error that is none of the engine's: \(error)") }
  })
