import Glibc
import PluginHost
import Synchronization
import Tensors

/// Calls of a plugin through PluginHost, in this process and in a worker. Told by `Benchmarks/plugins/plugins.py`:
///
///     plugins in-process|process PLUGIN.so ELEMENTS ROUNDS    nanoseconds of a call, the median
@main
enum PluginsBenchmark {
  static func main() {
    let arguments = CommandLine.arguments
    if arguments.count == 3, arguments[1] == "worker", let parent = Int32(arguments[2]) {
      PluginWorker.run(parent: parent)
    }
    guard arguments.count == 5, let elements = Int(arguments[3]), let rounds = Int(arguments[4]), rounds > 0
    else {
      print("usage: plugins in-process|process PLUGIN.so ELEMENTS ROUNDS")
      exit(2)
    }
    do {
      print(try measure(try model(arguments[1], arguments[2]), elements, rounds))
    } catch {
      print("failed: \(error.message)")
      exit(1)
    }
  }

  private static func model(_ mode: String, _ file: String) throws(PluginError) -> PluginModel {
    let services = HostServices { _, _, _, line in print("log: \(line)") }
    guard mode == "process" else {
      return try Plugin(path: file, services: services).makeModel(path: "/tmp", configuration: "{}")
    }
    let cores = sysconf(Int32(_SC_NPROCESSORS_ONLN))
    return try PluginModel(
      isolated: file, path: "/tmp", configuration: "{}", name: "reader", settings: IsolationSettings(),
      command: WorkerCommand(
        executable: "/proc/self/exe", arguments: ["worker"], arenaBytes: 256 << 20,
        spinNanoseconds: cores > 1 ? 20_000 : 0), services: services)
  }

  private static func measure(_ model: PluginModel, _ elements: Int, _ rounds: Int) throws(PluginError)
    -> Int64
  {
    guard let memory = model.inputMemory(byteCount: elements * 4) else {
      throw PluginError(status: .outOfMemory, message: "no memory for the input")
    }
    let input = Tensor(name: "x", datatype: .fp32, shape: [1, elements], memory: memory)
    let values = input.elements(as: Float.self)
    for index in 0..<elements { values[index] = Float(index % 7) }
    let sum = (0..<elements).reduce(Float(0)) { $0 + Float($1 % 7) }
    var times: [Int64] = []
    times.reserveCapacity(rounds)
    for round in 0..<rounds + rounds / 10 {
      let receiver = Receiver()
      let request = PluginRequest(id: "", parameters: "{}", deadline: 0, rows: 1, receiver: receiver)
      let start = now()
      model.execute(inputs: [input], requests: [request])
      let end = now()
      guard receiver.isRight(sum) else {
        throw PluginError(status: .internalFault, message: "the answer is wrong: \(receiver.message)")
      }
      if round >= rounds / 10 { times.append(end - start) }
    }
    times.sort()
    return times[times.count / 2]
  }

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// Keeps an answer. Unchecked: written before `execute` returns, on the same thread, and read after it.
final class Receiver: PluginRequestReceiver, @unchecked Sendable {
  private var status = PluginStatus.pending
  private var outputs: [Tensor] = []
  private(set) var message = ""

  func receive(chunk: [Tensor]) -> Bool { false }

  func finish(status: PluginStatus, message: String, outputs: [Tensor]) {
    self.status = status
    self.message = message
    self.outputs = outputs
  }

  func isRight(_ sum: Float) -> Bool {
    guard status == .ok, let value = outputs.first?.elements(as: Float.self).first else { return false }
    return abs(value - sum) <= sum * 1e-3
  }
}
