import Tensors

/// Decision trees as flat lists of nodes, and the walk of a row of features through them.
struct DecisionTrees: Sendable {
  enum Mode: Int, Sendable {
    case lessOrEqual, less, greaterOrEqual, greater, equal, notEqual, member

    init(_ word: String) throws {
      let words = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
      guard let number = words.firstIndex(of: word), let mode = Mode(rawValue: number) else {
        throw ONNXError(.unsupported, "a node of mode '\(word)'")
      }
      self = mode
    }
  }

  /// A branch: to a node, or to a leaf.
  enum Target: Sendable {
    case node(Int)
    case leaf(Int)
  }

  struct Node: Sendable {
    var feature: Int
    var mode: Mode
    var threshold: Double
    var members: Set<Double> = []
    var yes: Target
    var no: Target
    var missingIsYes: Bool

    func holds(_ value: Double) -> Bool {
      if value.isNaN && missingIsYes { return true }
      switch mode {
      case .lessOrEqual: return value <= threshold
      case .less: return value < threshold
      case .greaterOrEqual: return value >= threshold
      case .greater: return value > threshold
      case .equal: return value == threshold
      case .notEqual: return value != threshold
      case .member: return members.contains(value)
      }
    }
  }

  struct Weight: Sendable {
    let target: Int
    let value: Double
  }

  enum Aggregate: String, Sendable {
    case average = "AVERAGE"
    case sum = "SUM"
    case minimum = "MIN"
    case maximum = "MAX"
  }

  var nodes: [Node] = []
  /// What each leaf adds to which targets.
  var leaves: [[Weight]] = []
  var roots: [Target] = []

  /// The greatest feature that a node looks at.
  private(set) var widestFeature = -1
  /// The same trees for the walk alone; nil where a node asks for members of a set.
  private var compact: CompactTrees?
  /// The same trees for FP32 features; nil where a node tests something else than an order.
  private(set) var walk: TreeWalk?

  /// The scores of a row. Walks end: every tree was checked to be one.
  func scores(_ row: ArraySlice<Double>, targets: Int, aggregate: Aggregate, base: [Double]) -> [Double] {
    if let compact, aggregate == .sum {
      var scores = compact.sums(row, targets: targets)
      for (target, value) in base.enumerated() where target < targets { scores[target] += value }
      return scores
    }
    var scores = [Double](repeating: 0, count: targets)
    var isSet = [Bool](repeating: false, count: targets)
    for root in roots {
      for weight in leaves[leaf(root, row)] {
        let (target, held) = (weight.target, scores[weight.target])
        switch aggregate {
        case .sum, .average: scores[target] = held + weight.value
        case .minimum: scores[target] = isSet[target] ? min(held, weight.value) : weight.value
        case .maximum: scores[target] = isSet[target] ? max(held, weight.value) : weight.value
        }
        isSet[target] = true
      }
    }
    if aggregate == .average { scores = scores.map { $0 / Double(max(roots.count, 1)) } }
    for (target, value) in base.enumerated() where target < targets { scores[target] += value }
    return scores
  }

  /// The sums of a row of FP32 features, one a target. Precondition: there is a walk.
  func sums(_ row: UnsafePointer<Float>, width: Int, _ sums: UnsafeMutableBufferPointer<Double>) {
    guard let walk, let base = sums.baseAddress else { return }
    sums.update(repeating: 0)
    if !(0..<width).contains(where: { row[$0].isNaN }) {
      walk.add(row, to: base)
      return
    }
    let values = (0..<width).map { Double(row[$0]) }
    let scores = scores(values[...], targets: sums.count, aggregate: .sum, base: [])
    for target in sums.indices { sums[target] = scores[target] }
  }

  private func leaf(_ root: Target, _ row: ArraySlice<Double>) -> Int {
    var target = root
    while true {
      switch target {
      case .leaf(let leaf): return leaf
      case .node(let place):
        let node = nodes[place]
        target = node.holds(row[row.startIndex + node.feature]) ? node.yes : node.no
      }
    }
  }

  /// Makes the trees ready for walks. Throws when a branch leads nowhere, a node stands in a tree twice (so
  /// that a walk might not end), or a weight is for no target.
  mutating func finish(targets: Int) throws {
    try check(targets: targets)
    widestFeature = nodes.map(\.feature).max() ?? -1
    compact = CompactTrees(self)
    walk = TreeWalk(self, targets: targets)
  }

  private func check(targets: Int) throws {
    var seen = [Bool](repeating: false, count: nodes.count)
    var open = roots
    while let target = open.popLast() {
      switch target {
      case .leaf(let leaf):
        guard leaves.indices.contains(leaf) else {
          throw ONNXError(.invalid, "leaf \(leaf) of \(leaves.count)")
        }
      case .node(let place):
        guard nodes.indices.contains(place), !seen[place] else {
          throw ONNXError(.invalid, "node \(place) of a tree is none, or stands there twice")
        }
        seen[place] = true
        guard nodes[place].feature >= 0 else { throw ONNXError(.invalid, "feature \(nodes[place].feature)") }
        open += [nodes[place].yes, nodes[place].no]
      }
    }
    for weight in leaves.joined() where weight.target < 0 || weight.target >= targets {
      throw ONNXError(.invalid, "a weight for target \(weight.target) of \(targets)")
    }
  }
}

extension DecisionTrees {
  /// The trees of TreeEnsembleClassifier and TreeEnsembleRegressor: nodes by tree and number, leaves
  /// among them.
  init(_ reader: NodeReader, weights prefix: String, targets: Int) throws {
    func ints(_ name: String) throws -> [Int] { try reader.required(name, try reader.ints(name)) }
    let (trees, numbers) = (try ints("nodes_treeids"), try ints("nodes_nodeids"))
    let (features, yes, no) = (
      try ints("nodes_featureids"), try ints("nodes_truenodeids"), try ints("nodes_falsenodeids")
    )
    let words = try reader.required("nodes_modes", try reader.strings("nodes_modes"))
    let thresholds = try Self.numbers(reader, "nodes_values")
    let missing = try reader.ints("nodes_missing_value_tracks_true") ?? []
    let count = trees.count
    guard
      [numbers.count, features.count, yes.count, no.count, words.count, thresholds.count].allSatisfy({
        $0 == count
      }),
      missing.isEmpty || missing.count == count
    else { throw ONNXError(.invalid, "attributes nodes_… of different lengths") }
    var places: [Key: Int] = [:]
    for index in 0..<count { places[Key(tree: trees[index], node: numbers[index])] = index }
    guard places.count == count else { throw ONNXError(.invalid, "a node that stands twice") }
    leaves = Array(repeating: [], count: count)
    let (weightTrees, weightNodes, weightTargets) = (
      try ints("\(prefix)_treeids"), try ints("\(prefix)_nodeids"), try ints("\(prefix)_ids")
    )
    let values = try Self.numbers(reader, "\(prefix)_weights")
    guard [weightNodes.count, weightTargets.count, values.count].allSatisfy({ $0 == weightTrees.count })
    else {
      throw ONNXError(.invalid, "attributes \(prefix)_… of different lengths")
    }
    for index in weightTrees.indices {
      guard let place = places[Key(tree: weightTrees[index], node: weightNodes[index])] else {
        throw ONNXError(.invalid, "a weight for no node")
      }
      leaves[place].append(Weight(target: weightTargets[index], value: values[index]))
    }
    func target(_ tree: Int, _ node: Int) throws -> Target {
      guard let place = places[Key(tree: tree, node: node)] else {
        throw ONNXError(.invalid, "node \(node) of tree \(tree), which there is not")
      }
      return words[place] == "LEAF" ? .leaf(place) : .node(place)
    }
    var isChild = [Bool](repeating: false, count: count)
    for index in 0..<count {
      guard words[index] != "LEAF" else {
        nodes.append(
          Node(
            feature: 0, mode: .equal, threshold: 0, yes: .leaf(index), no: .leaf(index), missingIsYes: false))
        continue
      }
      nodes.append(
        Node(
          feature: features[index], mode: try Mode(words[index]), threshold: thresholds[index],
          yes: try target(trees[index], yes[index]), no: try target(trees[index], no[index]),
          missingIsYes: !missing.isEmpty && missing[index] != 0))
      for child in [yes[index], no[index]] {
        places[Key(tree: trees[index], node: child)].map { isChild[$0] = true }
      }
    }
    roots = try (0..<count).filter { !isChild[$0] }.map { try target(trees[$0], numbers[$0]) }
    guard count == 0 || !roots.isEmpty else { throw ONNXError(.invalid, "a tree without a root") }
    try finish(targets: targets)
  }

  private struct Key: Hashable {
    let tree: Int
    let node: Int
  }

  /// An attribute of floats, or of doubles as a tensor.
  static func numbers(_ reader: NodeReader, _ name: String) throws -> [Double] {
    if let tensor = try reader.tensor(name + "_as_tensor") { return tensor.doubles() }
    return try reader.floats(name)?.map { Double($0) } ?? []
  }
}
