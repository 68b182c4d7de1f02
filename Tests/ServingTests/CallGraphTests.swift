import Testing

@testable import Serving

@Suite struct CallGraphTests {
  private func refusal(_ graph: CallGraph, _ caller: String, _ callee: String) -> String? {
    do throws(ServingError) {
      _ = try graph.admit(caller, calling: callee)
      return nil
    } catch { return error.message }
  }

  @Test func theFirstCallIsToldFromThoseAfterIt() throws {
    let graph = CallGraph()
    #expect(try graph.admit("a", calling: "b"))
    #expect(try !graph.admit("a", calling: "b"))
  }

  @Test func circlesAreRefusedWithTheirWay() {
    let graph = CallGraph()
    #expect(refusal(graph, "a", "a")?.contains("a → a") == true)
    #expect(refusal(graph, "a", "b") == nil)
    #expect(refusal(graph, "b", "c") == nil)
    #expect(refusal(graph, "c", "a")?.contains("c → a → b → c") == true)
    #expect(refusal(graph, "a", "c") == nil)
  }

  @Test func chainsHaveALimitFromBothEnds() {
    let graph = CallGraph()
    for depth in 1..<CallGraph.depthLimit { #expect(refusal(graph, "m\(depth)", "m\(depth + 1)") == nil) }
    #expect(refusal(graph, "m\(CallGraph.depthLimit)", "more")?.contains("at most 8") == true)
    #expect(refusal(graph, "before", "m1")?.contains("9 models") == true)
    #expect(refusal(graph, "beside", "m2") == nil)
  }

  @Test func whatIsForgottenMayBeCalledTheOtherWayRound() {
    let graph = CallGraph()
    #expect(refusal(graph, "a", "b") == nil)
    graph.forget("a")
    #expect(refusal(graph, "b", "a") == nil)
    #expect(refusal(graph, "a", "b") != nil)
  }
}
