/// Decision trees in as few bytes as a walk reads: branches and the weights of leaves in one list each.
struct CompactTrees: Sendable {
  private struct Branch {
    let threshold: Double
    let feature: Int32
    /// Places in `branches`; below 0 the leaf ~place.
    let yes: Int32
    let no: Int32
    let mode: DecisionTrees.Mode
    let missingIsYes: Bool
  }

  private var branches: [Branch] = []
  private var roots: [Int32] = []
  /// By leaf: where its weights begin, and behind the last leaf the end.
  private var firstWeights: [Int32] = [0]
  private var weights: [DecisionTrees.Weight] = []

  /// Nil for what this form does not hold: members of sets, or more nodes than 32 bits count.
  init?(_ trees: DecisionTrees) {
    guard trees.nodes.count < Int32.max, trees.leaves.count < Int32.max,
      trees.leaves.reduce(0, { $0 + $1.count }) < Int32.max,
      trees.nodes.allSatisfy({ $0.mode != .member && $0.feature < Int32.max })
    else { return nil }
    func place(_ target: DecisionTrees.Target) -> Int32 {
      switch target {
      case .node(let node): Int32(node)
      case .leaf(let leaf): ~Int32(leaf)
      }
    }
    branches = trees.nodes.map { node in
      Branch(
        threshold: node.threshold, feature: Int32(node.feature), yes: place(node.yes), no: place(node.no),
        mode: node.mode, missingIsYes: node.missingIsYes)
    }
    roots = trees.roots.map(place)
    for leaf in trees.leaves {
      weights += leaf
      firstWeights.append(Int32(weights.count))
    }
  }

  /// The sums of the weights that a row of features reaches, one a target.
  func sums(_ row: ArraySlice<Double>, targets: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: targets)
    row.withUnsafeBufferPointer { row in
      branches.withUnsafeBufferPointer { branches in
        for root in roots {
          var place = root
          while place >= 0 {
            let branch = branches[Int(place)]
            place = Self.holds(branch, row[Int(branch.feature)]) ? branch.yes : branch.no
          }
          let leaf = Int(~place)
          for index in Int(firstWeights[leaf])..<Int(firstWeights[leaf + 1]) {
            sums[weights[index].target] += weights[index].value
          }
        }
      }
    }
    return sums
  }

  @inline(__always)
  private static func holds(_ branch: Branch, _ value: Double) -> Bool {
    if branch.mode == .lessOrEqual { return value <= branch.threshold || branch.missingIsYes && value.isNaN }
    if branch.missingIsYes && value.isNaN { return true }
    switch branch.mode {
    case .lessOrEqual: return value <= branch.threshold
    case .less: return value < branch.threshold
    case .greaterOrEqual: return value >= branch.threshold
    case .greater: return value > branch.threshold
    case .equal: return value == branch.threshold
    case .notEqual: return value != branch.threshold
    case .member: return false
    }
  }
}
