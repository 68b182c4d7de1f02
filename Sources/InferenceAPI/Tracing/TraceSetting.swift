import JSON

/// What tracing may be told, by Triton's names. A value is a number: of `level` 0 for OFF and 1 for TIMESTAMPS.
enum TraceSetting: String, CaseIterable {
  case level = "trace_level"
  /// One request in so many; 0: none.
  case rate = "trace_rate"
  /// Requests that are still traced; -1: any number.
  case count = "trace_count"
  /// Traces in each of the numbered files; 0: one file holds them all.
  case frequency = "log_frequency"

  private static let levels = ["OFF", "TIMESTAMPS"]
  private static let largest = 999_999_999

  /// Until it is told otherwise.
  var initial: Int {
    switch self {
    case .level, .frequency: 0
    case .rate: 1000
    case .count: -1
    }
  }

  /// As clients read it: numbers are texts.
  func document(_ value: Int) -> JSONValue {
    self == .level ? .array([.string(Self.levels[value])]) : .string(String(value))
  }

  /// The value that `json` stands for, a number or its text.
  func value(_ json: JSONValue) throws(APIFailure) -> Int {
    if self == .level { return try Self.level(json) }
    var number = json.whole
    if case .string(let text) = json { number = Int(text).flatMap { String($0) == text ? $0 : nil } }
    let least = self == .count ? -1 : 0
    guard let number, (least...Self.largest).contains(number) else {
      throw .badRequest("\(rawValue): expected an integer from \(least) to \(Self.largest), or its text")
    }
    return number
  }

  private static func level(_ json: JSONValue) throws(APIFailure) -> Int {
    let names: [JSONValue] = if case .array(let names) = json { names } else { [json] }
    var level: Int?
    for name in names {
      guard case .string(let text) = name, let known = levels.firstIndex(of: text) else {
        throw .badRequest(
          "trace_level: expected \(levels.joined(separator: " or ")), or a list of them; what tensors hold is not "
            + "traced")
      }
      level = max(level ?? 0, known)
    }
    guard let level else { throw .badRequest("trace_level: expected a level, got an empty list") }
    return level
  }
}

/// What a client changes; a value of nil has the setting follow what is behind it again, for a model what holds for
/// all, for all what they were at the start.
typealias TraceChanges = [TraceSetting: Int?]
