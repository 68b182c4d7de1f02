import CSwervePlugin
import PluginKit

/// Degrees Celsius to kelvins: a plugin as docs/writing-a-plugin.md has it.
final class Kelvin: InferenceModel {
  let signature = ModelSignature(
    inputs: [TensorDescription("celsius", .float32, [-1])],
    outputs: [TensorDescription("kelvin", .float32, [-1])],
    maximumBatch: 256, concurrency: .concurrent)

  init(path: String, configuration: String, host: ModelHost) throws {
    host.log(.info, "loaded from \(path)")
  }

  func execute(_ batch: Batch) throws -> Completion {
    let celsius = try batch.input("celsius").elements(as: Float.self)
    let kelvin = try batch.output("kelvin", .float32, [celsius.count]).elements(as: Float.self)
    for index in celsius.indices {
      guard celsius[index] >= -273.15 else {
        throw ModelError(.invalidArgument, "\(celsius[index]) is colder than can be")
      }
      kelvin[index] = celsius[index] + 273.15
    }
    return .done
  }
}

private let plugin = PluginTable(name: "kelvin", version: "1.0.0", model: Kelvin.self)

@c(swerve_plugin_entry)
public func entry(_ host: UnsafePointer<swerve_host>?) -> UnsafePointer<swerve_plugin>? {
  plugin.pointer
}
