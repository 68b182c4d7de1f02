import ArgumentParser
import Kernels
import Telemetry

/// Prints what the kernels run on, and what they pick.
struct KernelsReport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract:
      "Prints the CPU's features, the level and threads used, and the kernels picked for some shapes.",
    discussion: "SWERVE_CPU, or --cpu, lowers the level as it does for `serve`.")

  @Option(help: "The most of the CPU to use: portable, avx2 or avx512; all of it by default.")
  var cpu: String?

  func run() throws {
    let limit = cpu ?? EnvironmentArguments.current()[EnvironmentArguments.variable(for: "cpu")]
    let sets = InstructionSet.allCases.map(\.rawValue)
    if let limit, !limit.isEmpty, !sets.contains(limit) {
      throw ValidationError("--cpu \(limit): expected \(sets.joined(separator: ", "))")
    }
    let set = InstructionSet.detect(limit: limit)
    let table = KernelTable.forInstructionSet(set)
    print("CPU features  \(KernelsReport.features(.current))")
    print("level         \(set.rawValue)\(limit.map { " (limit: \($0))" } ?? "")")
    print("threads       \(ProcessLimits.current.processors)")
    KernelsReport.products(table)
    KernelsReport.attentions(table)
    KernelsReport.convolutions()
  }

  private static func features(_ features: CPUFeatures) -> String {
    let named = [
      ("AVX2", features.avx2), ("AVX-512", features.avx512), ("VNNI", features.avx512VNNI),
      ("BF16", features.avx512BF16),
    ].filter(\.1).map(\.0)
    return named.isEmpty ? "none beyond the architecture's own" : named.joined(separator: ", ")
  }

  /// Rows × inner × columns.
  private static func products(_ table: KernelTable) {
    let sizes = [(1, 384, 1536), (8, 384, 384), (32, 384, 1536), (128, 1536, 384), (128, 512, 10)]
    for (m, k, n) in sizes {
      let shape = MatmulShape(m: m, n: n, k: k)
      let name = "\(m)×\(k)×\(n)"
      show("product \(name)", table.choice(shape, packed: true))
      show("  int8", table.integerChoice(shape))
      show("  bfloat16", table.choice(shape, compressed: .bfloat16Products))
    }
    show(
      "product of activations 128×128×128", table.choice(MatmulShape(m: 128, n: 128, k: 128), packed: false))
  }

  private static func attentions(_ table: KernelTable) {
    for (queries, keys) in [(1, 512), (16, 16), (128, 128), (512, 512)] {
      let shape = AttentionShape(batch: 1, heads: 12, queries: queries, keys: keys, headSize: 32)
      show("attention 12 × 32, \(queries) queries, \(keys) keys", table.choice(shape))
    }
  }

  private static func convolutions() {
    let sizes = [(64, 64, 3, 1), (256, 64, 1, 1), (32, 32, 3, 32)]
    for (inputs, outputs, kernel, groups) in sizes {
      var parameters = ConvolutionParameters(
        inputChannels: inputs, outputChannels: outputs, kernelHeight: kernel, kernelWidth: kernel)
      parameters.groups = groups
      let name = "convolution \(kernel)×\(kernel), \(inputs) → \(outputs), groups \(groups)"
      for (layout, word) in [(ImageLayout.channelsFirst, "first"), (.channelsLast, "last")] {
        let method = ConvolutionMethod.choose(parameters, layout)
        print(line(name + ", channels " + word, method.rawValue))
      }
      print(line("  int8", ConvolutionMethod.choose(integers: parameters).rawValue))
    }
  }

  private static func show(_ name: String, _ choice: KernelChoice) { print(line(name, "\(choice)")) }

  private static func line(_ name: String, _ text: String) -> String {
    name + String(repeating: " ", count: max(1, 52 - name.count)) + text
  }
}
