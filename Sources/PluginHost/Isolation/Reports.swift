internal import CIsolation
internal import Glibc

/// What a worker says beside its answers, a packet each, over its socket.
enum Report {
  case log(level: Int, message: String)
  /// A breach of the rules of the ABI, which is in the log as well.
  case fault(String)
  /// A metric that the plugin registered; `bounds` are those of a histogram.
  case metric(id: Int, kind: Int, name: String, help: String, bounds: [Double])
  case record(id: Int, value: Double)
  case signal(number: Int32, code: String, address: String)
  case frame(StackFrame)

  private enum Kind: UInt8 {
    case log = 0x4C
    case fault = 0x41
    case metric = 0x4D
    case record = 0x52
  }

  static let byteLimit = 16_384

  var packet: [UInt8] {
    var writer = MessageWriter()
    let kind: Kind
    switch self {
    case .log(let level, let message):
      kind = .log
      writer.put(level)
      writer.put(message)
    case .fault(let message):
      kind = .fault
      writer.put(message)
    case .metric(let id, let type, let name, let help, let bounds):
      kind = .metric
      for number in [id, type] { writer.put(number) }
      for text in [name, help] { writer.put(text) }
      writer.put(bounds) { $0.put($1) }
    case .record(let id, let value):
      kind = .record
      writer.put(id)
      writer.put(value)
    case .signal, .frame: preconditionFailure("reports of a crash are written by the signal's handler")
    }
    return [kind.rawValue] + writer.bytes
  }

  init(packet: UnsafeRawBufferPointer) throws(MessageFault) {
    guard let first = packet.first else { throw MessageFault() }
    let rest = UnsafeRawBufferPointer(rebasing: packet.dropFirst())
    switch Int(first) {
    case ISOLATION_PACKET_SIGNAL:
      let words = String(decoding: rest, as: UTF8.self).split(separator: " ").map(String.init)
      guard words.count == 3, let number = Int32(words[0]) else { throw MessageFault() }
      self = .signal(number: number, code: words[1], address: words[2])
    case ISOLATION_PACKET_FRAME:
      guard let frame = StackFrame(lines: String(decoding: rest, as: UTF8.self)) else { throw MessageFault() }
      self = .frame(frame)
    default:
      guard let kind = Kind(rawValue: first) else { throw MessageFault() }
      var reader = MessageReader(rest)
      self = try Self.read(kind, &reader)
    }
  }

  private static func read(_ kind: Kind, _ reader: inout MessageReader) throws(MessageFault) -> Report {
    switch kind {
    case .log: return .log(level: try reader.int(), message: try reader.string())
    case .fault: return .fault(try reader.string())
    case .metric:
      return .metric(
        id: try reader.int(), kind: try reader.int(), name: try reader.string(), help: try reader.string(),
        bounds: try reader.list { reader throws(MessageFault) in try reader.double() })
    case .record: return .record(id: try reader.int(), value: try reader.double())
    }
  }
}

/// A function call on the stack of a worker that crashed.
struct StackFrame {
  var object: String
  /// Whether the object is the plugin's library, which the worker has loaded from memory.
  var isOfPlugin: Bool
  var offset: String
  var symbol: String
  var symbolOffset: String

  /// As the signal's handler writes it.
  init?(lines: String) {
    let parts = lines.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 4 else { return nil }
    // "/memfd:identity.so (deleted)" is a plugin, loaded from memory under its file's name.
    var name = parts[0].split(separator: "/").last.map(String.init) ?? parts[0]
    isOfPlugin = name.hasPrefix("memfd:")
    if isOfPlugin { name = String(name.dropFirst(6)) }
    if name.hasSuffix(" (deleted)") { name = String(name.dropLast(10)) }
    object = name
    offset = parts[1]
    symbol = parts[2]
    symbolOffset = parts[3]
  }

  /// `execute+0x1f (broken.so+0x1139)`
  var description: String {
    symbol.isEmpty ? "\(object)+\(offset)" : "\(symbol)+\(symbolOffset) (\(object)+\(offset))"
  }
}

/// What the server says to a worker beside its batches.
enum Order {
  /// Start the thread of a lane.
  case open(lane: Int)
  /// Nobody waits for a request of the lane's batch `job` any more.
  case cancel(lane: Int, job: Int, index: Int)
  /// Destroy the model, and end.
  case end

  var packet: [UInt8] {
    var writer = MessageWriter()
    switch self {
    case .open(let lane): for number in [1, lane] { writer.put(number) }
    case .cancel(let lane, let job, let index): for number in [2, lane, job, index] { writer.put(number) }
    case .end: writer.put(3)
    }
    return writer.bytes
  }

  init(packet: UnsafeRawBufferPointer) throws(MessageFault) {
    var reader = MessageReader(packet)
    switch try reader.int() {
    case 1: self = .open(lane: try reader.int())
    case 2: self = .cancel(lane: try reader.int(), job: try reader.int(), index: try reader.int())
    case 3: self = .end
    default: throw MessageFault()
    }
  }
}

/// Packets over a socket.
enum Packets {
  /// - Parameter waits: whether for a reader that is slow.
  /// - Returns: whether it is on its way.
  @discardableResult
  static func send(_ packet: [UInt8], to descriptor: Int32, waits: Bool = true) -> Bool {
    let flags = Int32(MSG_NOSIGNAL) | (waits ? 0 : Int32(MSG_DONTWAIT))
    while true {
      if Glibc.send(descriptor, packet, packet.count, flags) >= 0 { return true }
      guard errno == EINTR else { return false }
    }
  }

  /// Waits for a packet, and hands it over; false: the other side has gone.
  static func receive(from descriptor: Int32, _ body: (UnsafeRawBufferPointer) -> Void) -> Bool {
    withUnsafeTemporaryAllocation(byteCount: Report.byteLimit, alignment: 8) { buffer in
      var count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      while count < 0, errno == EINTR { count = recv(descriptor, buffer.baseAddress, buffer.count, 0) }
      guard count > 0 else { return false }
      body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      return true
    }
  }
}
