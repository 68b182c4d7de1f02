import Glibc

/// A program that is run to its end, with what it prints on either output.
struct ChildProcess {
  enum Kind {
    case exited(Int32)
    /// By a signal, in words.
    case signalled(String)
    /// It was killed because its time was over.
    case hung
  }

  struct Ending {
    var kind: Kind
    var output: String
  }

  private static let mostOutput = 1 << 20

  private let path: String
  private let arguments: [String]
  /// Variables beside those of this process.
  private let environment: [String: String]

  init(_ path: String, _ arguments: [String], environment: [String: String] = [:]) {
    self.path = path
    self.arguments = arguments
    self.environment = environment
  }

  func run(seconds: Int) throws -> Ending {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else {
      throw Refusal("pipe: \(String(cString: strerror(errno)))")
    }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    defer { close(ends[0]) }
    let child: pid_t
    do {
      defer { close(ends[1]) }
      child = try start(output: ends[1])
    }
    let deadline = Self.now() + Int64(seconds) * 1000
    let (output, isWhole) = Self.read(ends[0], until: deadline)
    if !isWhole { kill(child, SIGKILL) }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0, errno == EINTR {}
    return Ending(kind: isWhole ? Self.kind(status) : .hung, output: output)
  }

  private func start(output: Int32) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
    let words = ([path] + arguments).map { strdup($0) } + [nil]
    let variables = variables.map { strdup($0) } + [nil]
    defer { for text in words + variables { free(text) } }
    var child: pid_t = 0
    let fault = posix_spawn(&child, path, &actions, nil, words, variables)
    guard fault == 0 else { throw Refusal("\(path): \(String(cString: strerror(fault)))") }
    return child
  }

  private var variables: [String] {
    var all: [String] = []
    var next = environ
    while let text = next.pointee {
      let variable = String(cString: text)
      if environment[String(variable.prefix { $0 != "=" })] == nil { all.append(variable) }
      next += 1
    }
    return all + environment.map { "\($0)=\($1)" }
  }

  /// What comes until the end, and whether that came in time.
  private static func read(_ descriptor: Int32, until deadline: Int64) -> (String, isWhole: Bool) {
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 65_536)
    while true {
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      let left = max(0, deadline - now())
      guard poll(&waiting, 1, Int32(left)) > 0 || errno == EINTR && left > 0 else {
        return (String(decoding: bytes, as: UTF8.self), false)
      }
      let count = Glibc.read(descriptor, &piece, piece.count)
      if count == 0 { return (String(decoding: bytes, as: UTF8.self), true) }
      if count > 0, bytes.count < mostOutput { bytes += piece[..<count] }
    }
  }

  private static func kind(_ status: Int32) -> Kind {
    let signal = status & 0x7F
    guard signal != 0 else { return .exited((status >> 8) & 0xFF) }
    return .signalled("signal \(signal), \(strsignal(signal).map { String(cString: $0) } ?? "unknown")")
  }

  /// Milliseconds of a clock that only goes forward.
  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }
}
