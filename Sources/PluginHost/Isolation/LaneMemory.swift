internal import Locks
internal import Tensors

/// The worker's end of a lane: what it tells the server, and the memory that the server lends it for a batch.
///
/// Unchecked: the server's words and `heard` are touched by whoever has the turn: the lane's thread between two
/// batches, and whoever holds the lock within one.
final class LaneMemory: @unchecked Sendable, OutputMemory {
  private struct Room {
    var next = 0
    var end = 0
  }

  let lane: Lane
  private let inputs: SharedRegion
  private let answers: SharedRegion
  private let room = Lock(Room())
  private(set) var heard: UInt32 = 0
  /// Where the batch that runs has its only request among those of a train.
  private let position = Lock<Int?>(nil)

  init(_ lane: Lane, inputs: SharedRegion, answers: SharedRegion, heard: UInt32 = 0) {
    self.lane = lane
    self.inputs = inputs
    self.answers = answers
    self.heard = heard
  }

  /// Takes the memory that came with a message.
  func begin() {
    heard &+= 1
    room.withLock { $0 = Room(next: lane[.memoryOffset], end: lane[.memoryOffset] + lane[.memoryCount]) }
  }

  /// - Parameter position: that of the batch's only request among the job's; nil: the batch has all of them.
  func beginBatch(at position: Int?) { self.position.withLock { $0 = position } }

  /// Waits for the server's message.
  func waitForMessage(_ spin: SpinBudget) {
    _ = lane.toWorker.wait(past: heard, spin: spin)
    begin()
  }

  func allocate(byteCount: Int) -> TensorMemory? {
    guard let offset = room.withLock({ reserve(byteCount, in: &$0) }) else { return nil }
    return TensorMemory(viewing: answers.base + offset, byteCount: byteCount, owner: self)
  }

  /// Where memory of the server's lies; nil: it is not the server's.
  func offset(of address: UnsafeRawPointer) -> Int? {
    let offset = address - UnsafeRawPointer(answers.base)
    return offset >= 0 && offset <= answers.byteCount ? offset : nil
  }

  private func reserve(_ byteCount: Int, in room: inout Room) -> Int? {
    let wanted = (byteCount + 63) & -64
    guard byteCount >= 0, wanted >= 0 else { return nil }
    if wanted > room.end - room.next {
      exchange(.memory, first: wanted, second: 0)
      guard lane[.memoryCount] >= wanted else { return nil }
      room = Room(next: lane[.memoryOffset], end: lane[.memoryOffset] + lane[.memoryCount])
    }
    defer { room.next += wanted }
    return room.next
  }

  /// Tells the server something, and waits for its answer.
  private func exchange(_ event: LaneEvent, first: Int, second: Int) {
    say(event, first: first, second: second)
    _ = lane.toWorker.wait(past: heard, spin: nil)
    heard &+= 1
  }

  private func say(_ event: LaneEvent, first: Int, second: Int) {
    lane[.event] = event.rawValue
    lane[.first] = first
    lane[.second] = second
    lane.toServer.ring()
  }

  /// Tells the server something that ends the worker's turn for good.
  func post(_ event: LaneEvent, _ message: borrowing MessageWriter) {
    room.withLock { room in
      let place = write(message, in: &room)
      say(event, first: place?.offset ?? 0, second: place?.count ?? -1)
    }
  }

  /// Tells the server something, and returns its answer.
  func ask(_ event: LaneEvent, _ message: borrowing MessageWriter) -> Bool {
    room.withLock { room in
      guard let place = write(message, in: &room) else { return false }
      exchange(event, first: place.offset, second: place.count)
      return lane[.answer] == 1
    }
  }

  private func write(_ message: borrowing MessageWriter, in room: inout Room) -> (offset: Int, count: Int)? {
    let contents = message.contents
    guard let offset = reserve(contents.count, in: &room) else { return nil }
    (answers.base + offset).copyMemory(from: contents.baseAddress!, byteCount: contents.count)
    return (offset, contents.count)
  }

  /// Has the server run another model, and waits for what that answers.
  func run(_ call: ModelCall, index: Int?) throws(PluginError) -> [Tensor] {
    let index = position.withLock { $0 } ?? index
    let message: AnswerMessage? = room.withLock { room in
      var inputs: [NamedTensorMessage] = []
      for tensor in call.inputs {
        guard let placed = place(tensor, position: 0, in: &room) else { return nil }
        inputs.append(NamedTensorMessage(name: tensor.name, tensor: placed))
      }
      var writer = MessageWriter()
      CallMessage(call, index: index, inputs: inputs).write(to: &writer)
      guard let place = write(writer, in: &room) else { return nil }
      exchange(.call, first: place.offset, second: place.count)
      guard lane[.answer] == 1 else { return nil }
      var reader = MessageReader(
        UnsafeRawBufferPointer(start: self.inputs.base + lane[.messageOffset], count: lane[.messageCount]))
      return try? AnswerMessage(&reader)
    }
    guard let message else {
      throw PluginError(
        status: .outOfMemory,
        message: "no memory to hand what '\(call.model)' takes or gives to the other process")
    }
    let status = PluginStatus(ending: Int32(truncatingIfNeeded: message.status))
    guard status == .ok else { throw PluginError(status: status, message: message.message) }
    let memory = TensorMemory(viewing: inputs.base, byteCount: inputs.byteCount, owner: inputs)
    return message.outputs.compactMap { $0.tensor.tensor(name: $0.name, memory: memory, start: 0) }
  }

  /// A tensor as the server is told of it: where it lies, or, if that is not in the server's memory, copied there.
  func place(_ tensor: Tensor, position: Int) -> TensorMessage? {
    room.withLock { place(tensor, position: position, in: &$0) }
  }

  private func place(_ tensor: Tensor, position: Int, in room: inout Room) -> TensorMessage? {
    let count = TensorMessage.byteCount(of: tensor)
    var offset = tensor.datatype == .bytes ? nil : self.offset(of: tensor.data)
    if offset == nil {
      guard let copy = reserve(count, in: &room) else { return nil }
      TensorMessage.copy(tensor, to: answers.base + copy)
      offset = copy
    }
    return offset.map {
      TensorMessage(
        position: position, datatype: tensor.datatype, shape: tensor.shape, offset: $0, byteCount: count)
    }
  }
}
