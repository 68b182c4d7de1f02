public import Tensors

/// A request that lies in a file, read as one that a client has sent.
public enum ExampleRequest {
  /// Why the file is no request.
  public struct Fault: Error {
    public let message: String
  }

  /// The inputs of a request of the Open Inference Protocol in JSON.
  public static func inputs(in json: [UInt8]) throws(Fault) -> [Tensor] {
    let result: Result<[Tensor], Fault> = json.withUnsafeBytes { text in
      let nothing = BinaryInputs(rest: UnsafeMutableRawBufferPointer(start: nil, count: 0), owner: nil)
      var reader = InferRequestReader(text: text, blobs: nothing, model: "model", limits: APILimits())
      do throws(APIFailure) { return .success(try reader.read().inputs) } catch {
        return .failure(Fault(message: error.message))
      }
    }
    return try result.get()
  }
}
