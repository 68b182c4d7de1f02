import Foundation
import Kernels

/// Measures our side of Benchmarks/kernels: reads a case a line from standard input and answers each with
/// its shortest time, so that the driver can measure us and what we are compared with in turns.
@main
enum KernelsBenchmark {
  static func main() throws {
    let table = KernelTable.forInstructionSet(
      .detect(limit: ProcessInfo.processInfo.environment["SWERVE_CPU"]))
    var pools: [Int: ThreadPool] = [:]
    // The last case of each kind: it comes again in each round.
    var prepared: [Case: Workload] = [:]
    while let line = readLine() {
      let request = try JSONDecoder().decode(Case.self, from: Data(line.utf8))
      let pool = pools[request.threads] ?? ThreadPool(workerCount: request.threads - 1)
      pools[request.threads] = pool
      let known = prepared[request]
      let workload = try known ?? Workload(request, table, ThreadTeam(pool))
      if known == nil {
        prepared = prepared.filter { $0.key.kind != request.kind }
        prepared[request] = workload
        _ = workload.run()
      }
      print(answer(workload, milliseconds: request.milliseconds, table))
      fflush(nil)
    }
  }

  /// The shortest of as many runs as fit the time.
  private static func answer(_ workload: Workload, milliseconds: Double, _ table: KernelTable) -> String {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(milliseconds / 1000)
    var best = Double.infinity
    var operations = 0.0
    repeat {
      let elapsed = clock.measure { operations = workload.run() }
      best = min(best, elapsed / .seconds(1))
    } while clock.now < end
    return
      #"{"seconds": \#(best), "operations": \#(operations), "byteCount": \#(workload.byteCount), "method": "\#(workload.method)", "cpu": "\#(table.instructionSet.rawValue)"}"#
  }
}
