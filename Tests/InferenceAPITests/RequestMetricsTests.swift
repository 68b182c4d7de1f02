import Bytes
import Foundation
import Locks
import Telemetry
import Testing

@testable import InferenceAPI

@Suite struct RequestMetricsTests {
  @Test func threadsThatMeetAtANewModelShareItsMetrics() {
    let table = RequestMetricsTable(Metrics())
    let seen = Lock<[Int: Set<ObjectIdentifier>]>([:])
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for model in 0..<600 {
        let found = table.metrics(model: "m\(model)", version: 1, dialect: .openInference)
        seen.withLock { _ = $0[model, default: []].insert(ObjectIdentifier(found)) }
      }
    }
    #expect(seen.withLock { $0.count } == 600)
    #expect(seen.withLock { $0.values.allSatisfy { $0.count == 1 } })
  }

  @Test func modelsVersionsAndDialectsAreTold() {
    let metrics = Metrics()
    let table = RequestMetricsTable(metrics)
    table.metrics(model: "m", version: 1, dialect: .openInference).recordSuccess(
      parse: 1, serialize: 1, total: 9)
    table.metrics(model: "m", version: 2, dialect: .tensorFlowServing).recordFailure(status: 429, total: 9)
    table.unknownModel(.tensorFlowServing).recordFailure(status: 404, total: 9)
    let page = ByteBuffer()
    metrics.write(to: page)
    let text = String(decoding: page.bytes, as: UTF8.self)
    #expect(text.contains(#"swerve_requests_total{model="m",version="1",protocol="v2",code="200"} 1"#))
    #expect(text.contains(#"swerve_requests_total{model="m",version="2",protocol="v1",code="429"} 1"#))
    #expect(text.contains(#"swerve_requests_total{model="",version="",protocol="v1",code="404"} 1"#))
  }
}
