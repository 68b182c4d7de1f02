internal import CSwervePlugin
internal import Glibc
internal import Synchronization
internal import Tensors

/// One call of `execute` and all it needs on the C side: the batch, its arrays, the outputs. It is open
/// from the call until its last request is finished, then its model uses it again. Executions live as
/// long as the process, so that a plugin that holds on to a batch too long reads old memory, not freed.
///
/// Unchecked: the arrays are written while nobody but `begin`'s caller has the batch; outputs under
/// their lock; the rest by whoever brings `shares` to 0.
final class BatchExecution: @unchecked Sendable {
  private static let all = ImmortalTable<BatchExecution>(capacity: 1 << 20)
  private static let indexBits: UInt64 = 20

  let batch: UnsafeMutablePointer<swerve_batch>
  let error: UnsafeMutablePointer<swerve_error>
  private let index: UInt64
  private var generation: UInt64 = 0
  private(set) var model: PluginModel?
  private var inputs: [Tensor] = []
  private var inputArray: CArray<swerve_tensor>
  private var handles: CArray<OpaquePointer?>
  private var rows: CArray<UInt32>
  private var slots: [RequestSlot] = []
  private var requestCount = 0
  private var rowCount = 0
  private let outputs: BatchOutputs
  /// One for each open request, and one for the call of `execute`.
  private let shares = Atomic<Int>(0)

  private init(index: Int) {
    self.index = UInt64(index)
    batch = .allocate(capacity: 1)
    batch.initialize(to: swerve_batch())
    batch.pointee.struct_size = MemoryLayout<swerve_batch>.size
    error = .allocate(capacity: 1)
    error.initialize(to: swerve_error())
    inputArray = CArray()
    handles = CArray()
    rows = CArray()
    outputs = BatchOutputs()
  }

  static func make() -> BatchExecution? { all.add { BatchExecution(index: $0) } }

  /// The execution behind a batch, or behind a copy of one; nil if its last request is finished.
  static func find(token: UInt64) -> BatchExecution? { all[Int(token & ((1 << indexBits) - 1))] }

  /// Opens the batch. False, with nothing opened, when there are no more request slots.
  func begin(
    _ model: PluginModel, inputs: [Tensor], requests: [PluginRequest], memory: (any OutputMemory)? = nil
  ) -> Bool {
    while slots.count < requests.count {
      guard let slot = RequestSlot.make(for: self) else { return false }
      slots.append(slot)
    }
    self.model = model
    self.inputs = inputs
    requestCount = requests.count
    generation += 1
    shares.store(requests.count + 1, ordering: .relaxed)
    fillInputs(model)
    fillRequests(requests)
    batch.pointee.token = generation << Self.indexBits | index
    error.pointee.message.0 = 0
    outputs.open(model, token: batch.pointee.token, memory: memory)
    return true
  }

  private func fillInputs(_ model: PluginModel) {
    let specs = model.inputSpecs
    let array = inputArray.reserve(specs.count)
    var next = 0
    for (position, spec) in specs.enumerated() {
      var tensor = swerve_tensor()
      tensor.name = spec.name
      tensor.dtype = spec.dtype
      if next < inputs.count, inputs[next].name == model.description.inputs[position].name {
        inputs[next].describe(in: &tensor)
        next += 1
      }
      (array + position).initialize(to: tensor)
    }
    batch.pointee.inputs = UnsafePointer(array)
    batch.pointee.input_count = UInt32(specs.count)
  }

  private func fillRequests(_ requests: [PluginRequest]) {
    let handles = handles.reserve(requests.count)
    let rows = rows.reserve(requests.count)
    var first = 0
    for (position, request) in requests.enumerated() {
      let count = max(request.rows, 0)
      let range = first..<first + count
      first = range.upperBound
      (handles + position).initialize(
        to: OpaquePointer(bitPattern: slots[position].open(request, rows: range)))
      (rows + position).initialize(to: UInt32(clamping: count))
    }
    rowCount = first
    batch.pointee.requests = UnsafePointer(handles)
    batch.pointee.rows = UnsafePointer(rows)
    batch.pointee.request_count = UInt32(requests.count)
  }

  /// Adds an output, or says why not.
  func addOutput(
    token: UInt64, name: UnsafePointer<CChar>, dtype: Int32, shape: Shape
  ) -> Result<AddedOutput, PluginError> {
    outputs.add(token: token, name: name, dtype: dtype, shape: shape)
  }

  /// Adds memory for the bytes of `bytes` outputs, or says why not.
  func addBytes(token: UInt64, size: Int) -> Result<TensorMemory, PluginError> {
    outputs.addBytes(token: token, size: size)
  }

  /// On whose behalf a call of the plugin's is: the request with that handle, or, if it is 0, all that are open. Nil:
  /// there is none.
  func origin(token: UInt64, request handle: UInt) -> CallOrigin? {
    guard token != 0, batch.pointee.token == token else { return nil }
    if handle != 0 {
      let index = (0..<requestCount).first { UInt(bitPattern: batch.pointee.requests[$0]) == handle }
      guard let index, let request = slots[index].request(handle) else { return nil }
      return CallOrigin(requests: [request], index: index)
    }
    let open = (0..<requestCount).compactMap {
      slots[$0].request(UInt(bitPattern: batch.pointee.requests[$0]))
    }
    return open.isEmpty ? nil : CallOrigin(requests: open, index: nil)
  }

  /// Runs a model for the plugin.
  func run(
    _ call: ModelCall, token: UInt64, index: Int?, _ runner: ModelRunnerReference
  ) throws(PluginError) -> [Tensor] {
    if let memory = outputs.memory(of: token) { return try memory.run(call, index: index) }
    return try runner.run(call)
  }

  /// Keeps an answer until the batch is closed; nil: it is.
  func keep(_ answer: CallAnswer, token: UInt64) -> CallAnswer? { outputs.keep(answer, token: token) }

  /// Ends every request that is still open.
  func finishOpen(_ status: PluginStatus, _ message: String) {
    for position in 0..<requestCount {
      let handle = UInt(bitPattern: batch.pointee.requests[position])
      guard let closed = slots[position].close(handle) else { continue }
      finish(closed, status, message)
    }
  }

  /// Takes every request back that is still open, unfinished; one that has streamed is ended.
  ///
  /// - Returns: the positions of those taken back.
  func takeOpen(_ status: PluginStatus, _ message: String) -> [Int] {
    var taken: [Int] = []
    for position in 0..<requestCount {
      let handle = UInt(bitPattern: batch.pointee.requests[position])
      guard let closed = slots[position].close(handle) else { continue }
      if closed.hasStreamed {
        finish(closed, status, message)
      } else {
        taken.append(position)
        leave()
      }
    }
    return taken
  }

  /// Ends a request that was taken out of its slot.
  func finish(_ closed: ClosedRequest, _ status: PluginStatus, _ message: String) {
    var result = PluginError(status: status, message: message)
    var answer: [Tensor] = []
    if status == .ok, !closed.hasStreamed {
      switch outputs.cut(closed.rows, of: rowCount, requestCount: requestCount) {
      case .success(let tensors): answer = tensors
      case .failure(let error): result = error
      }
    }
    let receiver = closed.request.receiver
    // Before the receiver hears of the end: then whoever waits for it holds the model's last reference.
    leave()
    receiver.finish(status: result.status, message: result.message, outputs: answer)
  }

  /// Gives up a share. The last one out closes the batch and gives it back to the model.
  func leave() {
    guard shares.subtract(1, ordering: .acquiringAndReleasing).newValue == 0, let model else { return }
    outputs.close()
    inputs.removeAll(keepingCapacity: true)
    self.model = nil
    model.recycle(self)
  }
}

/// Memory for C arrays that grows by doubling. What was too small is left in place, for a plugin that
/// holds on to it too long.
struct CArray<Element> {
  private var base: UnsafeMutablePointer<Element>
  private var capacity: Int
  private var outgrown: [UnsafeMutablePointer<Element>] = []

  init() {
    capacity = 4
    base = .allocate(capacity: capacity)
  }

  /// Room for `count` elements, not initialized.
  mutating func reserve(_ count: Int) -> UnsafeMutablePointer<Element> {
    if count > capacity {
      outgrown.append(base)
      capacity = max(count, capacity * 2)
      base = .allocate(capacity: capacity)
    }
    return base
  }
}

extension Tensor {
  /// Writes datatype, shape and memory into `target`; its name is left as it is.
  func describe(in target: inout swerve_tensor) {
    target.dtype = datatype.rawValue
    target.rank = UInt32(shape.rank)
    withUnsafeMutableBytes(of: &target.dims) { dims in
      for axis in 0..<shape.rank {
        dims.storeBytes(of: Int64(shape[axis]), toByteOffset: axis * 8, as: Int64.self)
      }
    }
    target.data = data
    target.byte_size = byteCount
  }
}
