/// A plugin in Swift: a package of its own.
enum SwiftSkeleton {
  static func package(_ name: String, checkout: String) -> String {
    """
    // swift-tools-version: 6.3
    import PackageDescription

    let package = Package(
      name: "\(name)",
      products: [.library(name: "\(name)", type: .dynamic, targets: ["\(name)"])],
      dependencies: [.package(name: "swerve", path: "\(checkout)")],
      targets: [
        .target(name: "\(name)", dependencies: [.product(name: "PluginKit", package: "swerve")])
      ])

    """
  }

  private static let imports = ["CSwervePlugin", "PluginKit"].map { "import \($0)" }.joined(separator: "\n")

  static func text(_ name: String) -> String {
    """
    \(imports)

    final class Model: InferenceModel {
      /// What the model takes and gives. -1 is any size; dimension 0 is the batch.
      let signature = ModelSignature(
        inputs: [TensorDescription("x", .float32, [-1, -1])],
        outputs: [TensorDescription("y", .float32, [-1, -1])],
        maximumBatch: 64, concurrency: .concurrent, isSafeToRetry: true)

      init(path: String, configuration: String, host: ModelHost) throws {}

      func execute(_ batch: Batch) throws -> Completion {
        let x = try batch.input("x")
        let from = try x.elements(as: Float.self)
        let to = try batch.output("y", .float32, x.dimensions).elements(as: Float.self)
        for index in from.indices { to[index] = from[index] + 1 }
        return .done
      }
    }

    private let plugin = PluginTable(name: "\(name)", version: "1.0.0", model: Model.self)

    @c(swerve_plugin_entry)
    public func entry(_ host: UnsafePointer<swerve_host>?) -> UnsafePointer<swerve_plugin>? {
      plugin.pointer
    }

    """
  }
}
