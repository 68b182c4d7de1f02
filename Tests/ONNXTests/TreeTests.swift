import ONNX
import Tensors
import TestSupport
import Testing

/// Models of ai.onnx.ml.
@Suite struct TreeTests {
  /// One tree: feature 0 at most 1 leads to leaf 1, else to leaf 2.
  private let stump: [String: OnnxModelBuilder.Attribute] = [
    "nodes_treeids": .ints([0, 0, 0]), "nodes_nodeids": .ints([0, 1, 2]),
    "nodes_featureids": .ints([0, 0, 0]),
    "nodes_values": .floats([1, 0, 0]), "nodes_modes": .strings(["BRANCH_LEQ", "LEAF", "LEAF"]),
    "nodes_truenodeids": .ints([1, 0, 0]), "nodes_falsenodeids": .ints([2, 0, 0]),
  ]

  private func with(_ more: [String: OnnxModelBuilder.Attribute]) -> [String: OnnxModelBuilder.Attribute] {
    stump.merging(more) { $1 }
  }

  @Test func aRegressorAddsTheWeightsOfItsLeaves() throws {
    let y = try outputs(
      "TreeEnsembleRegressor", [.floats([1, 2], [2, 1])], [.fp32],
      with([
        "target_treeids": .ints([0, 0]), "target_nodeids": .ints([1, 2]), "target_ids": .ints([0, 0]),
        "target_weights": .floats([5, 7]), "n_targets": .int(1), "base_values": .floats([0.5]),
      ]), domain: "ai.onnx.ml")[0]
    #expect(y.shape == [2, 1] && y.floatValues == [5.5, 7.5])
  }

  @Test func aClassifierNamesTheClassOfTheGreatestScore() throws {
    let y = try outputs(
      "TreeEnsembleClassifier", [.floats([1, 2], [2, 1])], [.int64, .fp32],
      with([
        "class_treeids": .ints([0, 0]), "class_nodeids": .ints([1, 2]), "class_ids": .ints([0, 1]),
        "class_weights": .floats([0.75, 0.5]), "classlabels_int64s": .ints([10, 20]),
      ]), domain: "ai.onnx.ml")
    #expect(y[0].intValues == [10, 20] && y[1].floatValues == [0.75, 0, 0, 0.5])
  }

  /// Random trees by the walk of FP32 features and, through FP64 ones, node by node.
  @Test func treesSideBySideReachTheLeavesThatEachReachesAlone() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    for mode in ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT", "BRANCH_GTE"] {
      var ids: (trees: [Int], nodes: [Int], features: [Int], yes: [Int], no: [Int]) = ([], [], [], [], [])
      var (modes, values): ([String], [Float]) = ([], [])
      var (leafTrees, leafNodes, leafTargets, weights): ([Int], [Int], [Int], [Float]) = ([], [], [], [])
      for tree in 0..<11 {
        let inner = Int.random(in: 0...9, using: &random)
        // Node i < inner leads to 2i + 1 and 2i + 2, in the order of a heap; the others are leaves.
        for node in 0..<2 * inner + 1 {
          ids.trees.append(tree)
          ids.nodes.append(node)
          ids.features.append(Int.random(in: 0..<3, using: &random))
          ids.yes.append(node < inner ? 2 * node + 1 : 0)
          ids.no.append(node < inner ? 2 * node + 2 : 0)
          modes.append(node < inner ? mode : "LEAF")
          values.append(Float(Int.random(in: -2...2, using: &random)))
          if node >= inner {
            leafTrees.append(tree)
            leafNodes.append(node)
            leafTargets.append(Int.random(in: 0..<2, using: &random))
            weights.append(Float(Int.random(in: -8...8, using: &random)))
          }
        }
      }
      let attributes: [String: OnnxModelBuilder.Attribute] = [
        "nodes_treeids": .ints(ids.trees), "nodes_nodeids": .ints(ids.nodes),
        "nodes_featureids": .ints(ids.features), "nodes_values": .floats(values),
        "nodes_modes": .strings(modes), "nodes_truenodeids": .ints(ids.yes),
        "nodes_falsenodeids": .ints(ids.no), "target_treeids": .ints(leafTrees),
        "target_nodeids": .ints(leafNodes), "target_ids": .ints(leafTargets),
        "target_weights": .floats(weights), "n_targets": .int(2),
      ]
      let rows = (0..<20 * 3).map { _ in Float(Int.random(in: -3...3, using: &random)) }
      let wide = Tensor(name: "", datatype: .fp64, shape: [20, 3])!
      for (place, value) in rows.enumerated() { wide.elements(as: Double.self)[place] = Double(value) }
      let fast = try outputs(
        "TreeEnsembleRegressor", [.floats(rows, [20, 3])], [.fp32], attributes, domain: "ai.onnx.ml")[0]
      let slow = try outputs(
        "TreeEnsembleRegressor", [wide], [.fp32], attributes, domain: "ai.onnx.ml")[0]
      #expect(fast.floatValues == slow.floatValues, "seed \(seed), \(mode)")
    }
  }

  @Test func aTreeWhoseNodesGoInACircleIsRefused() throws {
    let circle = with([
      "nodes_modes": .strings(["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"]), "nodes_truenodeids": .ints([1, 1, 0]),
      "nodes_falsenodeids": .ints([2, 1, 0]), "target_treeids": .ints([0]), "target_nodeids": .ints([2]),
      "target_ids": .ints([0]), "target_weights": .floats([1]), "n_targets": .int(1),
    ])
    #expect(throws: ONNXError.self) {
      try outputs("TreeEnsembleRegressor", [.floats([1], [1, 1])], [.fp32], circle, domain: "ai.onnx.ml")
    }
  }

  @Test func featuresAreScaledAndLabelsMapped() throws {
    let scaled = try outputs(
      "Scaler", [.floats([1, 2], [1, 2])], [.fp32], ["offset": .floats([1]), "scale": .floats([2, 3])],
      domain: "ai.onnx.ml")[0]
    #expect(scaled.floatValues == [0, 3])
    let labels = try outputs(
      "LabelEncoder", [.texts(["b", "x"], [2])], [.int64],
      ["keys_strings": .strings(["a", "b"]), "values_int64s": .ints([1, 2]), "default_int64": .int(9)],
      domain: "ai.onnx.ml")[0]
    #expect(labels.intValues == [2, 9])
  }
}
