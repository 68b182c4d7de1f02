/// Finds nodes that only feed one other node, which fusion joins.
struct Chains {
  private let producers: [ValueID: Int]
  private let useCounts: [Int]

  init(_ graph: Graph) {
    producers = graph.producers()
    useCounts = graph.useCounts()
  }

  /// The place of the node whose first output `value` is, when nothing else uses it.
  func soleProducer(of value: ValueID, in graph: Graph) -> Int? {
    guard useCounts[value] == 1, let index = producers[value], graph.nodes[index].outputs.first == value
    else {
      return nil
    }
    return index
  }

  /// Whether one node, or the graph's outputs once, use the value.
  func isUsedOnce(_ value: ValueID) -> Bool { value < useCounts.count && useCounts[value] == 1 }

  /// The place of the node that defines `value`.
  func producer(of value: ValueID) -> Int? { producers[value] }
}

extension Graph {
  /// Removes the nodes at these places.
  mutating func removeNodes(at places: Set<Int>) {
    if places.isEmpty { return }
    nodes = nodes.enumerated().filter { !places.contains($0.offset) }.map(\.element)
  }
}
