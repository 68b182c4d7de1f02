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
    // The case of the last line: it comes again in each round.
    var last: (line: String, request: Case, workload: Workload)?
    while let line = readLine() {
      if last?.line != line {
        let request = try JSONDecoder().decode(Case.self, from: Data(line.utf8))
        let pool = pools[request.threads] ?? ThreadPool(workerCount: request.threads - 1)
        pools[request.threads] = pool
        last = (line, request, try Workload(request, table, ThreadTeam(pool)))
        _ = last?.workload.run()
      }
      guard let last else { continue }
      print(answer(last.workload, milliseconds: last.request.milliseconds, table))
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
      #"{"seconds": \#(best), "operations": \#(operations), "method": "\#(workload.method)", "cpu": "\#(table.instructionSet.rawValue)"}"#
  }
}
