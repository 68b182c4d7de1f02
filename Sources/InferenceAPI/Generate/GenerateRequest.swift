import Bytes
import JSON
import PluginHost
import Tensors

/// A request of the `generate` extension, read.
struct GenerateRequest {
  /// As the client gave it; the answer repeats it.
  var id: String?
  /// What is no input, as JSON text, for the model.
  var parameters = "{}"
  /// Nanoseconds; 0 if the client set none.
  var timeout: Int64 = 0
  /// 1 is the most important, 0 stands for the model's default.
  var priority = 0
  var inputs: [Tensor] = []
}

/// Reads a request of the `generate` extension in one pass: members that name an input become tensors, all others,
/// and those within `parameters`, are passed to the model.
///
/// A value has the nesting of the input's shape or less: dimensions of 1 are put before what is missing, so that a
/// bare text fits `[-1]` and `[-1,1]`.
struct GenerateRequestReader {
  private let text: UnsafeRawBufferPointer
  private let description: ModelDescription
  private let limits: APILimits
  private var reader: JSONReader
  private var request = GenerateRequest()
  /// The parameters as they come, without the braces around them.
  private let parameters = ByteBuffer()

  init(text: UnsafeRawBufferPointer, description: ModelDescription, limits: APILimits) {
    self.text = text
    self.description = description
    self.limits = limits
    reader = JSONReader(text, maximumDepth: limits.maximumJSONDepth)
  }

  mutating func read() throws(APIFailure) -> GenerateRequest {
    do {
      try readMembers()
      try reader.finish()
      try readParameters()
      return request
    } catch let failure as APIFailure {
      throw failure
    } catch let error as JSONError {
      let position = TextPosition(offset: error.offset, in: text)
      let path = error.path.isEmpty ? "" : ", in \(error.path)"
      throw .badRequest("failed to parse the request JSON buffer: \(error.message) at \(position)\(path)")
        .withTritonStatus(500)
    } catch {
      throw APIFailure(500, "reading the request failed: \(error)")
    }
  }

  private mutating func readMembers() throws {
    try reader.beginObject()
    while let key = try reader.nextKey() {
      switch key {
      case "id": try readID()
      case "parameters" where try reader.peekKind() == .object:
        try reader.beginObject()
        while let inner = try reader.nextKey() { try readMember(inner, path: "parameters.") }
      default: try readMember(key, path: "")
      }
    }
  }

  private mutating func readID() throws {
    let id = try reader.readString()
    guard id.utf8.count <= limits.maximumNameLength else {
      throw APIFailure.badRequest(
        "id: the text is \(id.utf8.count) bytes long; at most \(limits.maximumNameLength) are allowed")
    }
    request.id = id
  }

  private mutating func readMember(_ key: String, path: String) throws {
    guard let spec = description.inputs.first(where: { $0.name == key }) else {
      return try keepParameter(key)
    }
    guard !request.inputs.contains(where: { $0.name == key }) else {
      throw APIFailure.badRequest("\(path)\(excerpt(key)): this input is given twice; give it once")
    }
    let value = try reader.readNested(name: key, datatype: spec.datatype, path: path + key)
    guard value.shape.rank <= spec.shape.rank else {
      throw APIFailure.badRequest(
        "\(path)\(key): expected at most \(spec.shape.rank) levels of lists for shape \(spec.shape), got "
          + "\(value.shape.rank)")
    }
    let missing = [Int](repeating: 1, count: spec.shape.rank - value.shape.rank)
    request.inputs.append(value.reshaped(to: Shape(missing + Array(value.shape))))
  }

  private mutating func keepParameter(_ key: String) throws {
    let value = try reader.skipValue()
    if parameters.count > 0 { parameters.append(",") }
    JSONWriter(parameters).write(key)
    parameters.append(":")
    parameters.append(value)
    guard parameters.count <= limits.maximumParameterBytes else {
      throw APIFailure.badRequest(
        "more than \(limits.maximumParameterBytes) bytes of parameters, which are all members that are no inputs of "
          + "the model")
    }
  }

  /// What the server itself reads of the parameters.
  private mutating func readParameters() throws {
    guard parameters.count > 0 else { return }
    request.parameters = "{" + String(decoding: parameters.bytes, as: UTF8.self) + "}"
    var copy = request.parameters
    let read = try copy.withUTF8 { text in
      var inner = JSONReader(UnsafeRawBufferPointer(text), maximumDepth: limits.maximumJSONDepth)
      return try RequestParameters(reading: &inner, allowsLists: true)
    }
    request.timeout = read.timeout
    request.priority = read.priority
  }
}
