internal import Glibc
internal import Tensors

/// One job on one lane of a worker, seen from the server.
///
/// Unchecked: one thread at a time runs it, first the caller's, then, when the plugin finishes later, one of its own.
final class Conversation: @unchecked Sendable {
  enum Outcome {
    /// The lane is free; these requests were left open by a batch that failed as a whole.
    case done(open: [Int])
    /// The plugin has returned, and finishes the rest later.
    case pending
    /// The worker has ended; these requests are unanswered. `culprits` are those of them for which it was waited in vain.
    case lost(open: [Int], culprits: [Int])
  }

  private static let leastMemory = 1 << 16
  /// Bytes for an answer that are thought to be needed again.
  private static let mostForeseen = 64 << 20
  private static let memoryLimit = 1 << 40
  private static let messageLimit = 16 << 20
  /// Bytes of a tensor that are rather copied than passed with the memory that they lie in.
  private static let copied = 4096

  let process: WorkerProcess
  let index: Int
  private let lane: Lane
  private let state: LaneState
  private let timeout: Int64
  /// What the worker may read, and what it writes.
  private let arena: SharedArena
  private let answers: SharedArena
  private var blocks: [ArenaBlock] = []
  private var kept: [AnyObject] = []
  private var heard: UInt32

  private let model: String
  private let runner: ModelRunnerReference
  private let status: WorkerStatus
  private let description: ModelDescription
  /// Of all batches of the train.
  let requests: [PluginRequest]
  /// Whether each of them is a batch.
  private let isEachAlone: Bool
  private var isOpen: [Bool]
  private var hasStreamed: [Bool]
  private var leftOpen: [Int] = []
  private(set) var bytesUsed = 0

  init(
    of model: IsolatedModel, process: WorkerProcess, index: Int, train: [PluginBatch], timeout: Int64
  ) {
    self.process = process
    self.index = index
    self.model = model.name
    runner = model.services.models
    status = model.status
    arena = model.inputs
    answers = model.answers
    description = model.description
    requests = train.count == 1 ? train[0].requests : train.flatMap(\.requests)
    isEachAlone = train.count == requests.count
    self.timeout = timeout
    state = model.lanes[index]
    lane = process.lane(index)
    heard = lane.toServer.count
    isOpen = Array(repeating: true, count: requests.count)
    hasStreamed = Array(repeating: false, count: requests.count)
  }

  // MARK: - What the worker is told

  /// Hands a message over, with `memory` bytes for the answer; false: there is no memory for either.
  func say(_ message: borrowing MessageWriter, memory: Int) -> Bool {
    let wanted = max(memory, Self.leastMemory)
    let kept = state.answers.take().flatMap { $0.byteCount >= wanted ? $0 : nil }
    let contents = message.contents
    guard let room = kept ?? answers.allocate(wanted), let order = state.order(contents.count, in: arena)
    else {
      return false
    }
    let (base, offset, roomOffset, roomBytes) = (order.base, order.offset, room.offset, room.byteCount)
    blocks.append(room)
    // Nothing but stores from here on: each waits for a line of the other processor's, and counting references between
    // them would wait for each.
    base.copyMemory(from: contents.baseAddress!, byteCount: contents.count)
    lane[.messageOffset] = offset
    lane[.messageCount] = contents.count
    lane[.memoryOffset] = roomOffset
    lane[.memoryCount] = roomBytes
    lane.toWorker.ring()
    return true
  }

  private func put(_ message: borrowing MessageWriter) -> Bool {
    let contents = message.contents
    guard let block = state.order(contents.count, in: arena) else { return false }
    block.base.copyMemory(from: contents.baseAddress!, byteCount: contents.count)
    lane[.messageOffset] = block.offset
    lane[.messageCount] = contents.count
    return true
  }

  /// Puts the input that comes at `index` of a batch where the worker can read it, and says where that is; nil: there is
  /// no room.
  func placeInput(_ tensor: Tensor, at index: Int) -> TensorMessage? {
    let inputs = description.inputs
    let isInOrder = index < inputs.count && inputs[index].name == tensor.name
    guard let position = isInOrder ? index : inputs.firstIndex(where: { $0.name == tensor.name }) else {
      return nil
    }
    return place(tensor, position: position)
  }

  /// Writes a tensor that lies elsewhere into the arena.
  func place(_ tensor: Tensor, position: Int) -> TensorMessage? {
    let count = TensorMessage.byteCount(of: tensor)
    let offset: Int
    if tensor.datatype != .bytes, let own = arena.offset(of: tensor.data, byteCount: count) {
      offset = own
      kept.append(tensor.memory)
    } else {
      guard let block = arena.allocate(count) else { return nil }
      TensorMessage.copy(tensor, to: block.base)
      kept.append(block)
      offset = block.offset
    }
    return TensorMessage(
      position: position, datatype: tensor.datatype, shape: tensor.shape, offset: offset, byteCount: count)
  }

  private func give(_ block: ArenaBlock) {
    blocks.append(block)
    lane[.memoryOffset] = block.offset
    lane[.memoryCount] = block.byteCount
  }

  /// Hands over what a called model answered.
  func answer(with message: AnswerMessage) {
    var writer = MessageWriter()
    message.write(to: &writer)
    answer(put(writer))
  }

  private func answer(_ value: Bool) {
    lane[.answer] = value ? 1 : 0
    lane.toWorker.ring()
  }

  // MARK: - What the worker says

  /// Waits for the worker's word; nil: the worker has ended, or is ended because it says none.
  private func hear() -> LaneEvent? {
    // Of a worker that ended before the bell was first looked at, no ring tells.
    guard !process.hasEnded else { return nil }
    let isRung = lane.toServer.wait(
      past: heard, spin: requests.isEmpty ? nil : state.spin,
      timeout: timeout)
    if !isRung {
      isHung = true
      process.endHung("did not answer within \(timeout / 1_000_000_000) s and was ended", lane: lane)
      _ = process.life.wait { $0.end }
    }
    guard !process.hasEnded else { return nil }
    heard &+= 1
    guard let event = LaneEvent(rawValue: lane[.event]) else { return broken() }
    return event
  }

  private var isHung = false

  /// Ends a worker that says what makes no sense, which a plugin that overwrote its memory may have it do.
  private func broken() -> LaneEvent? {
    process.end("broke the server's protocol and was ended")
    _ = process.life.wait { $0.end }
    return nil
  }

  /// The worker's message, copied: it must not change while it is read.
  private func message() throws(MessageFault) -> MessageReader {
    let (offset, count) = (lane[.first], lane[.second])
    guard count <= Self.messageLimit, blocks.contains(where: { $0.holds(offset, count) }),
      let copy = state.copy(count)
    else { throw MessageFault() }
    copy.copyMemory(from: answers.region.base + offset, byteCount: count)
    use(count)
    return MessageReader(UnsafeRawBufferPointer(start: copy, count: count))
  }

  /// What became of the order to make the model.
  func hearOfCreation() -> Result<ModelDescription, PluginError>? {
    while let event = hear() {
      do throws(MessageFault) {
        switch event {
        case .memory: giveMore()
        case .created:
          var reader = try message()
          return .success(try ModelDescription(&reader))
        case .refused:
          var reader = try message()
          let refusal = try RefusalMessage(&reader)
          return .failure(
            PluginError(
              status: PluginStatus(ending: Int32(truncatingIfNeeded: refusal.status)),
              message: refusal.message))
        default: throw MessageFault()
        }
      } catch {
        _ = broken()
        return nil
      }
    }
    return nil
  }

  /// Leaves the lane to the next job.
  func close() {
    state.trim()
    guard blocks.count == 1, let block = blocks.popLast() else { return }
    state.keep(block)
  }

  /// Passes on what the worker says, until the batch is done or the plugin finishes later.
  func listen() -> Outcome {
    while let event = hear() {
      do throws(MessageFault) {
        switch event {
        case .memory: giveMore()
        case .chunk: answer(try deliver())
        case .call:
          var reader = try message()
          try runModel(try CallMessage(&reader))
        case .finished:
          try endRequests()
          answer(true)
        case .later:
          guard isEachAlone else { throw MessageFault() }
          try endRequests()
          answer(true)
          status.noteLateAnswer()
        case .pending:
          try endRequests()
          answer(true)
          status.noteLateAnswer()
          return .pending
        case .done:
          try endRequests()
          guard !isOpen.contains(true) else { throw MessageFault() }
          return .done(open: leftOpen)
        case .created, .refused: throw MessageFault()
        }
      } catch {
        _ = broken()
        break
      }
    }
    return lost()
  }

  private func lost() -> Outcome {
    let open = isOpen.indices.filter { isOpen[$0] }
    guard isHung else { return .lost(open: open, culprits: []) }
    let position = lane[.position]
    let isKnown = isEachAlone && open.count > 1 && open.contains(position)
    return .lost(open: open, culprits: isKnown ? [position] : open)
  }

  private func giveMore() {
    let wanted = lane[.first]
    let most = max(wanted, blocks.last?.byteCount ?? 0)
    if wanted > 0, wanted < Self.memoryLimit, let block = answers.allocate(most) ?? answers.allocate(wanted) {
      give(block)
    } else {
      lane[.memoryCount] = 0
    }
    answer(true)
  }

  private func endRequests() throws(MessageFault) {
    var reader = try message()
    let ends = try reader.list { reader throws(MessageFault) in try EndMessage(&reader) }
    for end in ends {
      guard requests.indices.contains(end.index), isOpen[end.index] else { throw MessageFault() }
      if end.status == EndMessage.leftOpen {
        isOpen[end.index] = false
        leftOpen.append(end.index)
        continue
      }
      let outputs = try tensors(end.outputs)
      try check(outputs, of: end)
      isOpen[end.index] = false
      requests[end.index].attach(nil)
      requests[end.index].receiver.finish(
        status: PluginStatus(ending: Int32(truncatingIfNeeded: end.status)), message: end.message,
        outputs: outputs)
    }
  }

  /// The tensors of a message, over the memory that the worker wrote.
  private func tensors(_ messages: [TensorMessage]) throws(MessageFault) -> [Tensor] {
    // Before anything is copied: what is copied must be bounded by what is declared.
    guard messages.count <= description.outputs.count else { throw MessageFault() }
    for index in messages.indices.dropFirst() {
      guard !messages[..<index].contains(where: { $0.position == messages[index].position }) else {
        throw MessageFault()
      }
    }
    var tensors: [Tensor] = []
    for message in messages {
      guard description.outputs.indices.contains(message.position),
        description.outputs[message.position].datatype == message.datatype,
        description.outputs[message.position].shape.admits(message.shape),
        let tensor = tensor(message, name: description.outputs[message.position].name)
      else { throw MessageFault() }
      use(message.byteCount)
      guard tensor.datatype == .bytes || tensor.byteCount <= Self.copied else {
        tensors.append(tensor)
        continue
      }
      // Texts are looked at more than once on their way to the client, between which they must not change.
      guard
        let copy = TensorCopy.copy(
          tensor.data, name: tensor.name, datatype: tensor.datatype, shape: tensor.shape, limit: .max)
      else { throw MessageFault() }
      tensors.append(copy)
    }
    return tensors
  }

  /// Counts what the worker needed for its answer.
  private func use(_ byteCount: Int) {
    bytesUsed = min(bytesUsed + (byteCount + 63) & -64, Self.mostForeseen)
  }

  /// A tensor over the memory that the worker wrote; nil: it does not lie there.
  func tensor(_ message: TensorMessage, name: String) -> Tensor? {
    guard let block = blocks.first(where: { $0.holds(message.offset, message.byteCount) }) else { return nil }
    return message.tensor(name: name, memory: block.memory, start: block.offset)
  }

  /// That an answer is one that the model may give.
  private func check(_ outputs: [Tensor], of end: EndMessage) throws(MessageFault) {
    let rows = requests[end.index].rows
    guard isEachAlone || outputs.allSatisfy({ $0.shape.first == rows }) else { throw MessageFault() }
    guard end.status == Int(PluginStatus.ok.rawValue), !hasStreamed[end.index] else { return }
    for position in description.outputs.indices where !description.outputs[position].isOptional {
      guard end.outputs.contains(where: { $0.position == position }) else { throw MessageFault() }
    }
  }

  /// What a called model answers on behalf of the request that the call is for.
  func run(_ call: CallMessage, _ inputs: [Tensor]) throws(PluginError) -> [Tensor] {
    let isForAll = call.index == CallMessage.wholeBatch
    let origin = CallOrigin(
      requests: requests.indices.filter { isOpen[$0] && (isForAll || $0 == call.index) }.map { requests[$0] },
      index: isForAll ? nil : call.index)
    guard !origin.requests.isEmpty else {
      throw PluginError(status: .invalidArgument, message: "the request that a call was for has ended")
    }
    return try runner.run(
      ModelCall(
        caller: model, model: call.model, version: call.version, inputs: inputs,
        parameters: call.parameters, id: origin.id, deadline: origin.deadline,
        isCancelled: { origin.isCancelled }))
  }

  /// Passes a part of an answer on, copied: its memory is the worker's again. Whether somebody reads it.
  private func deliver() throws(MessageFault) -> Bool {
    var reader = try message()
    let chunk = try ChunkMessage(&reader)
    guard requests.indices.contains(chunk.index), isOpen[chunk.index] else { throw MessageFault() }
    var copies: [Tensor] = []
    for tensor in try tensors(chunk.tensors) {
      guard
        let copy = TensorCopy.copy(
          tensor.data, name: tensor.name, datatype: tensor.datatype, shape: tensor.shape, limit: .max)
      else { return false }
      copies.append(copy)
    }
    hasStreamed[chunk.index] = true
    return requests[chunk.index].receiver.receive(chunk: copies)
  }

  /// Whether a request that was lost has had a part of its answer.
  func hasStreamed(_ request: Int) -> Bool { hasStreamed[request] }
}
