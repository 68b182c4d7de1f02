import JSON
import Tensors

/// Reads an inference request of the Open Inference Protocol in one pass over its JSON: the
/// elements of each `data` go straight into their tensor's memory.
///
/// `data` that stands before its `shape` and `datatype` is skipped and read when these are known.
struct InferRequestReader {
  private let model: String
  private let limits: APILimits
  /// The JSON part of the body.
  private let text: UnsafeRawBufferPointer
  private var reader: JSONReader
  private var blobs: BinaryInputs
  private let regions: SharedMemoryRegions?
  private let memory: (_ byteCount: Int) -> TensorMemory?
  private var sharedBytes = 0
  private var place = RequestPlace()

  /// Reads `text`, and takes binary inputs from `blobs` and shared ones from `regions`.
  ///
  /// - Parameter memory: where the elements of numbers in the text are to lie.
  init(
    text: UnsafeRawBufferPointer, blobs: BinaryInputs, model: String, limits: APILimits,
    regions: SharedMemoryRegions? = nil,
    memory: @escaping (_ byteCount: Int) -> TensorMemory? = { TensorMemory(byteCount: $0) }
  ) {
    self.memory = memory
    self.model = model
    self.limits = limits
    self.text = text
    self.blobs = blobs
    self.regions = regions
    reader = JSONReader(text, maximumDepth: limits.maximumJSONDepth)
  }

  mutating func read() throws(APIFailure) -> InferRequest {
    do {
      let request = try readRequest()
      try blobs.finish(model: model)
      return request
    } catch let failure as APIFailure {
      throw failure
    } catch let error as JSONError {
      throw describe(error)
    } catch {
      throw APIFailure(500, "reading the request failed: \(error)")
    }
  }

  /// A text that is no JSON is one fault; JSON that is no such request is another.
  private func describe(_ error: JSONError) -> APIFailure {
    let path = error.path.isEmpty ? place.description : error.path
    let syntax = syntaxError()
    let position = TextPosition(offset: (syntax ?? error).offset, in: text)
    guard syntax == nil, let field = place.field else {
      let within = path.isEmpty ? "" : ", in \(path)"
      return .badRequest(
        "failed to parse the request JSON buffer: \((syntax ?? error).message) at \(position)\(within)"
      ).withTritonStatus(500)
    }
    // A fault of `data` as a whole, not of an element in it, is one of its shape.
    let isOfShape = error.path == dataPath(place.index)
    let shape = isOfShape ? "Shape does not match true shape of 'data' field: " : ""
    return .badRequest("Unable to parse '\(field)': \(shape)\(path): \(error.message) at \(position)")
      .withTritonStatus(500)
  }

  private func syntaxError() -> JSONError? {
    var whole = JSONReader(text, maximumDepth: limits.maximumJSONDepth)
    do throws(JSONError) {
      _ = try whole.skipValue()
      try whole.finish()
      return nil
    } catch { return error }
  }

  private func refuse(_ message: String) -> APIFailure { .badRequest("\(place): \(message)") }

  // MARK: - The request

  private mutating func readRequest() throws -> InferRequest {
    var request = InferRequest()
    var seen = Members()
    try reader.beginObject()
    while let key = try reader.nextMember() {
      switch key {
      case "id":
        try enter("id", .id, &seen)
        request.id = try readName(reader.readString())
      case "parameters":
        try enter("parameters", .parameters, &seen)
        try readParameters(into: &request)
      case "inputs":
        try enter("inputs", .inputs, &seen)
        try readInputs(into: &request)
      case "outputs":
        try enter("outputs", .outputs, &seen)
        try readOutputs(into: &request)
      default:
        _ = try reader.skipValue()
      }
      place = RequestPlace()
    }
    try reader.finish()
    guard seen.contains(.inputs) else {
      throw APIFailure.badRequest(
        "Unable to parse 'inputs': the request has no 'inputs'; expected {\"inputs\": [{\"name\", \"shape\", "
          + "\"datatype\", \"data\"}, …]}")
    }
    return request
  }

  private mutating func enter(_ field: StaticString, _ member: Members, _ seen: inout Members) throws {
    place.field = field
    guard seen.insert(member).inserted else { throw refuse("this member is given twice; give it once") }
  }

  private func readName(_ name: String) throws -> String {
    guard name.utf8.count <= limits.maximumNameLength else {
      throw refuse(
        "the text is \(name.utf8.count) bytes long; at most \(limits.maximumNameLength) are allowed")
    }
    return name
  }

  private mutating func readParameters(into request: inout InferRequest) throws {
    let bytes = try reader.skipValue()
    guard bytes.count <= limits.maximumParameterBytes else {
      throw refuse("\(bytes.count) bytes of parameters; at most \(limits.maximumParameterBytes) are allowed")
    }
    let parameters = try withOffset(of: bytes) { try RequestParameters(reading: &$0) }
    request.parameters = String(decoding: bytes, as: UTF8.self)
    request.timeout = parameters.timeout
    request.priority = parameters.priority
    request.sequence = parameters.sequence
    request.prefersBinaryOutputs = parameters.prefersBinaryOutputs
  }

  /// Reads a value that was skipped before; errors give its place in the whole text.
  private func withOffset<Result>(
    of bytes: UnsafeRawBufferPointer, _ read: (inout JSONReader) throws -> Result
  ) throws -> Result {
    var inner = JSONReader(bytes, maximumDepth: limits.maximumJSONDepth)
    do {
      return try read(&inner)
    } catch var error as JSONError {
      if let start = bytes.baseAddress, let base = text.baseAddress { error.offset += start - base }
      throw error
    }
  }

  // MARK: - Inputs

  private mutating func readInputs(into request: inout InferRequest) throws {
    try reader.beginArray()
    while try reader.nextElement() {
      place = RequestPlace(list: "inputs", index: request.inputs.count)
      try checkCount(request.inputs.count)
      request.inputs.append(try readInput())
    }
  }

  private func checkCount(_ count: Int) throws {
    guard count < limits.maximumTensors else {
      throw refuse("at most \(limits.maximumTensors) are allowed in one request")
    }
  }

  /// The members of an input that were seen so far.
  private struct PartialInput {
    var name: String?
    var datatype: Datatype?
    var shape: Shape?
    /// The bytes of `data`, when it came before the shape or the datatype.
    var deferredData: UnsafeRawBufferPointer?
    var tensor: Tensor?
    var parameters = TensorParameters()

    var hasData: Bool { deferredData != nil || tensor != nil }
  }

  private mutating func readInput() throws -> Tensor {
    var input = PartialInput()
    var seen = Members()
    try reader.beginObject()
    while let key = try reader.nextMember() {
      switch key {
      case "name":
        try enter("name", .name, &seen)
        input.name = try readName(reader.readString())
      case "datatype":
        try enter("datatype", .datatype, &seen)
        input.datatype = try readDatatype()
      case "shape":
        try enter("shape", .shape, &seen)
        input.shape = try readShape()
      case "parameters":
        try enter("parameters", .parameters, &seen)
        input.parameters = try TensorParameters(reading: &reader)
      case "data":
        try enter("data", .data, &seen)
        try readData(of: &input)
      default:
        _ = try reader.skipValue()
      }
      place.field = nil
    }
    return try finish(input)
  }

  private mutating func readDatatype() throws -> Datatype {
    let name = try reader.readString()
    guard let datatype = Datatype(name: name) else {
      let known = Datatype.allCases.map(\.name).joined(separator: ", ")
      throw refuse("'\(excerpt(name))' is not a datatype; expected one of \(known)")
    }
    return datatype
  }

  private mutating func readShape() throws -> Shape {
    var shape = Shape()
    try reader.beginArray()
    while try reader.nextElement() {
      let dimension: UInt64
      do throws(JSONError) { dimension = try reader.readUInt() } catch {
        throw JSONError(message: error.message, path: "\(place)[\(shape.rank)]", offset: error.offset)
      }
      guard shape.rank < Shape.maximumRank else {
        throw refuse("a tensor has at most \(Shape.maximumRank) dimensions")
      }
      guard dimension <= UInt64(Int.max) else { throw refuse("the dimension \(dimension) is too large") }
      shape.append(Int(dimension))
    }
    guard shape.elementCount != nil else { throw refuse("the number of elements of \(shape) is too large") }
    return shape
  }

  private mutating func readData(of input: inout PartialInput) throws {
    guard let datatype = input.datatype, let shape = input.shape else {
      input.deferredData = try reader.skipValue()
      return
    }
    input.tensor = try reader.readTensor(
      name: input.name ?? "", datatype: datatype, shape: shape, path: dataPath(place.index),
      in: memory(for: datatype))
  }

  /// Records of texts hold addresses, which mean nothing elsewhere.
  private func memory(for datatype: Datatype) -> (_ byteCount: Int) -> TensorMemory? {
    datatype == .bytes ? { TensorMemory(byteCount: $0) } : memory
  }

  /// Checks that nothing is missing and that the elements come from exactly one source.
  private mutating func finish(_ input: PartialInput) throws -> Tensor {
    guard let name = input.name else { throw refuse("'name' is missing; give the input's name") }
    guard let datatype = input.datatype else {
      throw refuse("'datatype' of input '\(excerpt(name))' is missing; give one such as FP32")
    }
    guard let shape = input.shape else {
      throw refuse("'shape' of input '\(excerpt(name))' is missing; give one such as [1,16]")
    }
    try checkSources(input)
    if let size = input.parameters.binaryDataSize {
      let place = place
      return try blobs.take(
        size, name: name, datatype: datatype, shape: shape, path: place.description, model: model)
    }
    if let shared = input.parameters.sharedMemory {
      return try readShared(shared, name: name, datatype: datatype, shape: shape)
    }
    if let data = input.deferredData {
      place.field = "data"
      let path = dataPath(place.index)
      return try withOffset(of: data) {
        try $0.readTensor(name: name, datatype: datatype, shape: shape, path: path, in: memory(for: datatype))
      }
    }
    guard var tensor = input.tensor else { throw refuse("'data' is missing") }
    tensor.name = name
    return tensor
  }

  private mutating func readShared(
    _ shared: TensorParameters.SharedMemory, name: String, datatype: Datatype, shape: Shape
  ) throws -> Tensor {
    let slice = try slice(shared)
    let limit = regions?.maximumInputBytes ?? 0
    guard slice.byteCount <= limit - sharedBytes else {
      throw refuse("more than \(limit) bytes of inputs in shared memory; send less at once")
    }
    sharedBytes += slice.byteCount
    let path = place.description
    let memory = try slice.read(path: path)
    var bytes = BinaryInputs(
      rest: UnsafeMutableRawBufferPointer(start: memory.base, count: memory.byteCount), owner: memory)
    return try bytes.take(
      slice.byteCount, name: name, datatype: datatype, shape: shape, path: path, model: model)
  }

  /// The part of a region that an input or output names.
  private func slice(_ shared: TensorParameters.SharedMemory) throws -> SharedMemorySlice {
    guard let regions else {
      throw refuse(
        "shared memory is not enabled on this server (--shared-memory); send the tensor in the request, as 'data' or "
          + "in the binary form")
    }
    guard let region = shared.region, let byteCount = shared.byteCount else {
      throw refuse("'shared_memory_region' and 'shared_memory_byte_size' go together; give both")
    }
    return try regions.slice(
      of: region, offset: shared.offset, byteCount: byteCount, path: "\(place).parameters")
  }

  private func checkSources(_ input: PartialInput) throws {
    if input.hasData, input.parameters.binaryDataSize == nil, input.parameters.sharedMemory == nil {
      return
    }
    var sources: [String] = []
    if input.hasData { sources.append("'data'") }
    if input.parameters.binaryDataSize != nil { sources.append("'binary_data_size'") }
    if input.parameters.sharedMemory != nil { sources.append("'shared_memory_region'") }
    guard sources.count == 1 else {
      let set = sources.isEmpty ? "But no field is set" : "But set \(sources.joined(separator: ", "))"
      throw APIFailure.badRequest(
        "Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', "
          + "'shared_memory_region' in 'parameters'. \(set) (\(place))")
    }
    if input.parameters.binaryDataSize != nil, !blobs.isPresent {
      throw APIFailure.badRequest(
        "must specify valid 'Infer-Header-Content-Length' in request header and 'binary_data_size' when "
          + "passing inputs in binary data format (\(place); the header is Inference-Header-Content-Length)")
    }
  }

  // MARK: - Outputs

  private mutating func readOutputs(into request: inout InferRequest) throws {
    try reader.beginArray()
    while try reader.nextElement() {
      place = RequestPlace(list: "outputs", index: request.outputs.count)
      try checkCount(request.outputs.count)
      let output = try readOutput()
      guard !request.outputs.contains(where: { $0.name == output.name }) else {
        throw refuse("output '\(excerpt(output.name))' already requested; name each output once")
      }
      request.outputs.append(output)
    }
  }

  private mutating func readOutput() throws -> RequestedOutput {
    var name: String?
    var parameters = TensorParameters()
    var seen = Members()
    try reader.beginObject()
    while let key = try reader.nextMember() {
      switch key {
      case "name":
        try enter("name", .name, &seen)
        name = try readName(reader.readString())
      case "parameters":
        try enter("parameters", .parameters, &seen)
        parameters = try TensorParameters(reading: &reader)
      default:
        _ = try reader.skipValue()
      }
      place.field = nil
    }
    guard let name else { throw refuse("'name' is missing; give the output's name") }
    let classification = parameters.classCount > 0 ? Classification(count: parameters.classCount) : nil
    guard classification == nil || parameters.sharedMemory == nil else {
      throw refuse(
        "shared memory can't be set for class output: 'classification' and shared memory exclude each other")
    }
    return RequestedOutput(
      name: name, isBinary: parameters.isBinary, classification: classification,
      sharedMemory: try parameters.sharedMemory.map(slice))
  }
}

/// The members of an object that were seen, so that none is given twice.
private struct Members: OptionSet {
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

private let firstDataPaths = (0..<16).map { "inputs[\($0)].data" }

private func dataPath(_ index: Int) -> String {
  index < firstDataPaths.count ? firstDataPaths[index] : "inputs[\(index)].data"
}
