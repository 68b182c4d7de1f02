/// One line of a routing table.
public struct Route<Endpoint: Sendable>: Sendable {
  public let method: Method
  public let pattern: String
  public let endpoint: Endpoint

  /// - Parameter pattern: segments after a leading slash. A segment is literal text (`models`), a
  ///   parameter (`{model}`), or a parameter with literal text after it (`{model}:predict`).
  public init(_ method: Method, _ pattern: String, _ endpoint: Endpoint) {
    self.method = method
    self.pattern = pattern
    self.endpoint = endpoint
  }
}

/// What a router makes of a method and a path.
public enum Match<Endpoint: Sendable>: Sendable {
  case found(Endpoint, parameters: PathParameters)
  /// The path exists, and OPTIONS asks what may be done with it: answer 204 with `Allow`.
  case options(allow: [Method])
  /// The path exists, but not for this method: answer 405 with `Allow`.
  case methodNotAllowed(allow: [Method])
  case notFound
}

/// A routing table, compiled into a tree over path segments.
///
/// Where several patterns fit a segment, literal text wins over a parameter with a suffix, the
/// longest suffix wins over others, and both win over a bare parameter. A parameter is never empty.
/// One slash at the end of a path is ignored; any other empty segment matches nothing. HEAD takes
/// the route of GET unless it has its own.
///
/// Matching allocates nothing. Its depth is that of the longest pattern, whatever the path.
public struct Router<Endpoint: Sendable>: Sendable {
  private var nodes: [RouteNode<Endpoint>] = [RouteNode()]

  /// Compiles `routes`. A malformed pattern or the same method and pattern twice is a programmer's
  /// error and stops the process.
  public init(_ routes: [Route<Endpoint>]) {
    for route in routes { add(route) }
    for index in nodes.indices { nodes[index].finish() }
  }

  /// Finds the route for `path`, which is written as `Exchange.path` gives it.
  public func match(_ method: Method, _ path: String) -> Match<Endpoint> {
    var parameters = PathParameters(path: path)
    let found = path.utf8.withContiguousStorageIfAvailable { bytes -> Int? in
      guard bytes.count > 0, bytes[0] == UInt8(ascii: "/") else { return nil }
      var end = bytes.count
      if end > 1, bytes[end - 1] == UInt8(ascii: "/"), bytes[end - 2] != UInt8(ascii: "/") { end -= 1 }
      let whole = UnsafeBufferPointer(rebasing: bytes[..<end])
      return find(whole, from: 1, at: 0, &parameters)
    }
    // A string that is not contiguous was bridged from elsewhere; copying it makes it so.
    guard let found else { return match(method, String(decoding: Array(path.utf8), as: UTF8.self)) }
    guard let found else { return .notFound }
    return nodes[found].match(method, parameters)
  }

  /// The node that `path` from `start` on leads to from node `index`; backtracks over the choices.
  private func find(
    _ path: UnsafeBufferPointer<UInt8>, from start: Int, at index: Int, _ parameters: inout PathParameters
  ) -> Int? {
    if start >= path.count { return nodes[index].isEnd ? index : nil }
    var end = start
    while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
    guard end > start, end + 1 != path.count else { return nil }
    let segment = UnsafeBufferPointer(rebasing: path[start..<end])

    for edge in nodes[index].literals where edge.matches(segment) {
      if let found = find(path, from: end + 1, at: edge.node, &parameters) { return found }
    }
    for edge in nodes[index].suffixes where edge.endsNonEmpty(segment) {
      parameters.push(start..<(end - edge.text.count))
      if let found = find(path, from: end + 1, at: edge.node, &parameters) { return found }
      parameters.pop()
    }
    if let node = nodes[index].parameter {
      parameters.push(start..<end)
      if let found = find(path, from: end + 1, at: node, &parameters) { return found }
      parameters.pop()
    }
    return nil
  }

  private mutating func add(_ route: Route<Endpoint>) {
    precondition(route.pattern.first == "/", "the pattern \(route.pattern) does not begin with a slash")
    var names: [String] = []
    var index = 0
    let segments = route.pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
    if route.pattern != "/" {
      for segment in segments { index = descend(from: index, by: segment, route.pattern, &names) }
    }
    precondition(
      names.count <= PathParameters.maximum,
      "the pattern \(route.pattern) has more than \(PathParameters.maximum) parameters")
    precondition(Set(names).count == names.count, "the pattern \(route.pattern) names a parameter twice")
    precondition(
      !nodes[index].endpoints.contains { $0.method == route.method },
      "\(route.method.name) \(route.pattern) is routed twice")
    nodes[index].endpoints.append(.init(method: route.method, endpoint: route.endpoint, names: names))
  }

  /// The child of node `index` for one segment of a pattern, made when it is not there.
  private mutating func descend(
    from index: Int, by segment: Substring, _ pattern: String, _ names: inout [String]
  ) -> Int {
    precondition(!segment.isEmpty, "the pattern \(pattern) has an empty segment")
    guard segment.first == "{" else {
      precondition(!segment.contains { $0 == "{" || $0 == "}" }, "the pattern \(pattern) has a stray brace")
      return child(of: index, \.literals, Array(segment.utf8))
    }
    guard let close = segment.firstIndex(of: "}") else {
      preconditionFailure("the pattern \(pattern) has an open brace")
    }
    let name = segment[..<close].dropFirst()
    precondition(!name.isEmpty, "the pattern \(pattern) has a parameter without a name")
    names.append(String(name))
    let suffix = Array(segment[segment.index(after: close)...].utf8)
    if !suffix.isEmpty { return child(of: index, \.suffixes, suffix) }
    if let node = nodes[index].parameter { return node }
    nodes.append(RouteNode())
    nodes[index].parameter = nodes.count - 1
    return nodes.count - 1
  }

  private mutating func child(
    of index: Int, _ edges: WritableKeyPath<RouteNode<Endpoint>, [RouteEdge]>, _ text: [UInt8]
  ) -> Int {
    if let edge = nodes[index][keyPath: edges].first(where: { $0.text == text }) { return edge.node }
    nodes.append(RouteNode())
    nodes[index][keyPath: edges].append(RouteEdge(text: text, node: nodes.count - 1))
    return nodes.count - 1
  }
}

/// A step from a node of the tree to the next.
struct RouteEdge: Sendable {
  let text: [UInt8]
  let node: Int

  func matches(_ segment: UnsafeBufferPointer<UInt8>) -> Bool {
    segment.count == text.count && segment.elementsEqual(text)
  }

  /// Whether the segment is something and then this text.
  func endsNonEmpty(_ segment: UnsafeBufferPointer<UInt8>) -> Bool {
    segment.count > text.count && segment.suffix(text.count).elementsEqual(text)
  }
}

/// A node of the tree: the segments that may follow, and what ends here.
struct RouteNode<Endpoint: Sendable>: Sendable {
  struct End: Sendable {
    let method: Method
    let endpoint: Endpoint
    let names: [String]
  }

  var literals: [RouteEdge] = []
  var suffixes: [RouteEdge] = []
  var parameter: Int?
  var endpoints: [End] = []
  private(set) var allow: [Method] = []

  var isEnd: Bool { !endpoints.isEmpty }

  /// Sorts the suffixes and lists the methods, once all routes are in.
  mutating func finish() {
    suffixes.sort { $0.text.count > $1.text.count }
    guard isEnd else { return }
    var methods = Set(endpoints.map(\.method))
    if methods.contains(.get) { methods.insert(.head) }
    methods.insert(.options)
    methods.remove(.other)
    allow = methods.sorted { $0.rawValue < $1.rawValue }
  }

  func match(_ method: Method, _ parameters: PathParameters) -> Match<Endpoint> {
    let end =
      endpoints.first { $0.method == method }
      ?? (method == .head ? endpoints.first { $0.method == .get } : nil)
    if let end {
      var named = parameters
      named.names = end.names
      return .found(end.endpoint, parameters: named)
    }
    return method == .options ? .options(allow: allow) : .methodNotAllowed(allow: allow)
  }
}
