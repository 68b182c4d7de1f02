import Tensors

/// The operator TreeEnsemble of ai.onnx.ml, which took the place of the classifier and the regressor.
enum TreeEnsemble {
  static let description = OperatorDescription(
    "TreeEnsemble", domain: "ai.onnx.ml", inputs: 1...1, support: "FP16, FP32, FP64"
  ) { reader in
    let targets = try reader.int("n_targets", default: 1)
    guard (1..<1 << 24).contains(targets) else { throw ONNXError(.invalid, "n_targets \(targets)") }
    let aggregates: [DecisionTrees.Aggregate] = [.average, .sum, .minimum, .maximum]
    let number = try reader.int("aggregate_function", default: 1)
    guard aggregates.indices.contains(number) else {
      throw ONNXError(.invalid, "aggregate_function \(number)")
    }
    let splits = try reader.required("nodes_splits", try reader.tensor("nodes_splits"))
    return TreeEnsembleRegressor(
      name: "TreeEnsemble", trees: try trees(reader, splits, targets: targets), targets: targets,
      aggregate: aggregates[number],
      transform: try PostTransform(number: try reader.int("post_transform", default: 0)), base: [],
      datatype: splits.datatype)
  }

  private static func trees(_ reader: NodeReader, _ splits: Tensor, targets: Int) throws -> DecisionTrees {
    func ints(_ name: String) throws -> [Int] { try reader.required(name, try reader.ints(name)) }
    let modes = try reader.required("nodes_modes", try reader.tensor("nodes_modes")).integers()
    let (features, yes, no) = (
      try ints("nodes_featureids"), try ints("nodes_truenodeids"), try ints("nodes_falsenodeids")
    )
    let (yesLeaves, noLeaves) = (try ints("nodes_trueleafs"), try ints("nodes_falseleafs"))
    let missing = try reader.ints("nodes_missing_value_tracks_true")
    let weights = try reader.required("leaf_weights", try reader.tensor("leaf_weights")).doubles()
    let leafTargets = try ints("leaf_targetids")
    let count = modes.count
    guard
      [features.count, yes.count, no.count, yesLeaves.count, noLeaves.count, splits.elementCount].allSatisfy({
        $0 == count
      }),
      missing.map({ $0.count == count }) ?? true, weights.count == leafTargets.count
    else { throw ONNXError(.invalid, "attributes of different lengths") }
    var members = try reader.tensor("membership_values").map { Self.sets($0.doubles()) } ?? []
    var trees = DecisionTrees()
    let thresholds = splits.doubles()
    for index in 0..<count {
      guard let mode = DecisionTrees.Mode(rawValue: modes[index]) else {
        throw ONNXError(.invalid, "a node of mode \(modes[index])")
      }
      guard mode != .member || !members.isEmpty else {
        throw ONNXError(.invalid, "too few membership_values")
      }
      trees.nodes.append(
        DecisionTrees.Node(
          feature: features[index], mode: mode, threshold: thresholds[index],
          members: mode == .member ? members.removeFirst() : [],
          yes: yesLeaves[index] != 0 ? .leaf(yes[index]) : .node(yes[index]),
          no: noLeaves[index] != 0 ? .leaf(no[index]) : .node(no[index]),
          missingIsYes: missing.map { $0[index] != 0 } ?? false))
    }
    trees.leaves = zip(leafTargets, weights).map { [DecisionTrees.Weight(target: $0, value: $1)] }
    trees.roots = try ints("tree_roots").map { .node($0) }
    try trees.finish(targets: targets)
    return trees
  }

  /// Sets with a NaN behind each.
  private static func sets(_ values: [Double]) -> [Set<Double>] {
    values.split(omittingEmptySubsequences: false) { $0.isNaN }.map { Set($0) }
  }
}
