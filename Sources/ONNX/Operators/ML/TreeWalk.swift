import Kernels

/// Decision trees as walks of FP32 features read them: every node tests `x <= threshold`, the two nodes behind it
/// are neighbours, and a leaf leads to itself, so that several trees go down side by side without a branch.
///
/// Unchecked: nothing is written behind the initializer.
final class TreeWalk: @unchecked Sendable {
  private struct Node {
    var threshold: Float
    var feature: Int32
    /// The node behind a test that holds; that behind one that fails follows it.
    var child: Int32
    var leaf: Int32
  }

  /// Trees that go down side by side, and the steps that bring the deepest of them to a leaf.
  private struct Group {
    let roots: (Int32, Int32, Int32, Int32, Int32, Int32, Int32, Int32)
    let count: Int
    let depth: Int
  }

  static let groupSize = 8

  private let nodes: UnsafeMutableBufferPointer<Node>
  private let groups: [Group]
  /// By leaf and target, where every leaf has a weight for each of few targets; else by `firstWeights`.
  private let dense: UnsafeMutableBufferPointer<Double>
  private let isDense: Bool
  private let firstWeights: [Int32]
  private let weights: [DecisionTrees.Weight]
  private let targets: Int
  /// Steps of a row, for the decision whether threads are worth it.
  let cost: Int

  /// Nil where a node tests something else than an order, or the trees are too many.
  init?(_ trees: DecisionTrees, targets: Int) {
    guard let built = TreeBuilder(trees) else { return nil }
    self.targets = targets
    nodes = .allocate(capacity: max(built.nodes.count, 1))
    for (place, node) in built.nodes.enumerated() {
      nodes.initializeElement(
        at: place,
        to: Node(threshold: node.threshold, feature: node.feature, child: node.child, leaf: node.leaf))
    }
    var groups: [Group] = []
    let byDepth = built.roots.sorted { $0.depth < $1.depth }
    for start in stride(from: 0, to: byDepth.count, by: Self.groupSize) {
      let part = byDepth[start..<min(start + Self.groupSize, byDepth.count)]
      func root(_ index: Int) -> Int32 { part[min(start + index, part.endIndex - 1)].node }
      groups.append(
        Group(
          roots: (root(0), root(1), root(2), root(3), root(4), root(5), root(6), root(7)),
          count: part.count, depth: part.map(\.depth).max() ?? 0))
    }
    self.groups = groups
    cost = groups.reduce(0) { $0 + $1.depth * Self.groupSize }
    let used = trees.leaves.filter { !$0.isEmpty }
    isDense =
      targets <= 16
      && (targets == 1
        ? trees.leaves.allSatisfy { $0.count <= 1 }
        : used.allSatisfy { $0.map(\.target) == Array(0..<targets) })
    dense = .allocate(capacity: isDense ? max(trees.leaves.count * targets, 1) : 1)
    dense.initialize(repeating: 0)
    var (first, flat): ([Int32], [DecisionTrees.Weight]) = ([0], [])
    for (leaf, list) in trees.leaves.enumerated() {
      if isDense {
        for weight in list { dense[leaf * targets + weight.target] = weight.value }
      } else {
        flat += list
        first.append(Int32(flat.count))
      }
    }
    (firstWeights, weights) = (first, flat)
  }

  deinit {
    nodes.deallocate()
    dense.deallocate()
  }

  /// Adds what a row of features reaches to `sums`, one a target. Precondition: no feature is NaN.
  func add(_ row: UnsafePointer<Float>, to sums: UnsafeMutablePointer<Double>) {
    guard let nodes = nodes.baseAddress else { return }
    @inline(__always) func step(_ place: inout Int32) {
      let node = nodes + Int(place)
      place = node.pointee.child &+ (row[Int(node.pointee.feature)] <= node.pointee.threshold ? 0 : 1)
    }
    groups.withUnsafeBufferPointer { groups in
      for group in groups {
        var (a, b, c, d, e, f, g, h) = group.roots
        for _ in 0..<group.depth {
          step(&a)
          step(&b)
          step(&c)
          step(&d)
          step(&e)
          step(&f)
          step(&g)
          step(&h)
        }
        let leaves = SIMD8(
          nodes[Int(a)].leaf, nodes[Int(b)].leaf, nodes[Int(c)].leaf, nodes[Int(d)].leaf,
          nodes[Int(e)].leaf, nodes[Int(f)].leaf, nodes[Int(g)].leaf, nodes[Int(h)].leaf)
        for index in 0..<group.count { add(Int(leaves[index]), to: sums) }
      }
    }
  }

  @inline(__always)
  private func add(_ leaf: Int, to sums: UnsafeMutablePointer<Double>) {
    if isDense {
      for target in 0..<targets { sums[target] += dense[leaf &* targets &+ target] }
      return
    }
    firstWeights.withUnsafeBufferPointer { first in
      weights.withUnsafeBufferPointer { weights in
        for index in Int(first[leaf])..<Int(first[leaf + 1]) {
          sums[weights[index].target] += weights[index].value
        }
      }
    }
  }
}

/// Lays the nodes of trees out, breadth first and the two behind a test side by side.
private struct TreeBuilder {
  struct Node {
    var threshold: Float = .infinity
    var feature: Int32 = 0
    var child: Int32
    var leaf: Int32 = 0
  }

  private(set) var nodes: [Node] = []
  private(set) var roots: [(node: Int32, depth: Int)] = []

  init?(_ trees: DecisionTrees) {
    guard trees.nodes.count < 1 << 29, trees.leaves.count < Int32.max,
      trees.leaves.reduce(0, { $0 + $1.count }) < Int32.max
    else { return nil }
    for root in trees.roots {
      let first = Int32(nodes.count)
      nodes.append(Node(child: first))
      var level: [(place: Int, target: DecisionTrees.Target)] = [(Int(first), root)]
      var depth = -1
      while !level.isEmpty {
        depth += 1
        var next: [(place: Int, target: DecisionTrees.Target)] = []
        for (place, target) in level {
          switch target {
          case .leaf(let leaf): nodes[place] = Node(child: Int32(place), leaf: Int32(leaf))
          case .node(let number):
            let node = trees.nodes[number]
            guard let test = Self.test(node) else { return nil }
            let child = nodes.count
            nodes[place] = Node(
              threshold: test.threshold, feature: Int32(node.feature), child: Int32(child))
            nodes.append(Node(child: Int32(child)))
            nodes.append(Node(child: Int32(child + 1)))
            next.append((child, test.isSwapped ? node.no : node.yes))
            next.append((child + 1, test.isSwapped ? node.yes : node.no))
          }
        }
        level = next
        // One very deep tree would make all of its group slow.
        if depth > 64 { return nil }
      }
      roots.append((first, depth))
    }
  }

  /// The test as `x <= threshold` of FP32 features that are no NaN, and whether it holds where that fails.
  private static func test(_ node: DecisionTrees.Node) -> (threshold: Float, isSwapped: Bool)? {
    guard node.feature < Int32.max, node.threshold.isFinite else { return nil }
    // The greatest FP32 number that is not above the threshold.
    var atMost = Float(node.threshold)
    if Double(atMost) > node.threshold { atMost = atMost.nextDown }
    let below = Double(atMost) == node.threshold ? atMost.nextDown : atMost
    switch node.mode {
    case .lessOrEqual: return (atMost, false)
    case .less: return (below, false)
    case .greater: return (atMost, true)
    case .greaterOrEqual: return (below, true)
    case .equal, .notEqual, .member: return nil
    }
  }
}
