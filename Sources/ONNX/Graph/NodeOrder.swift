/// Brings nodes into an order in which each comes after those it needs.
enum NodeOrder {
  static func sorted(_ nodes: [Graph.Node], valueCount: Int) throws -> [Graph.Node] {
    var producer = [Int](repeating: -1, count: valueCount)
    for (index, node) in nodes.enumerated() {
      for case let output? in node.outputs { producer[output] = index }
    }
    var missing = [Int](repeating: 0, count: nodes.count)
    var users = [[Int]](repeating: [], count: nodes.count)
    for (index, node) in nodes.enumerated() {
      for case let input? in node.inputs where producer[input] >= 0 {
        missing[index] += 1
        users[producer[input]].append(index)
      }
    }
    var order = nodes.indices.filter { missing[$0] == 0 }
    var next = 0
    while next < order.count {
      for user in users[order[next]] {
        missing[user] -= 1
        if missing[user] == 0 { order.append(user) }
      }
      next += 1
    }
    if order.count < nodes.count {
      let stuck = nodes.indices.filter { missing[$0] > 0 }.prefix(3).map { nodes[$0].place }
      throw ONNXError(.invalid, "the graph has a cycle through \(stuck.joined(separator: ", "))")
    }
    // Files are nearly always in order already; theirs is then kept.
    let isOrdered = nodes.enumerated().allSatisfy { index, node in
      node.inputs.allSatisfy { $0.map { producer[$0] < index } ?? true }
    }
    return isOrdered ? nodes : order.map { nodes[$0] }
  }
}
