// swift-tools-version: 6.3
import PackageDescription

// A package of its own, so that nothing the server needs depends on what only measures it.
let package = Package(
  name: "swerve-benchmarks",
  dependencies: [.package(name: "swerve", path: "..")],
  targets: [
    .executableTarget(
      name: "json-read",
      dependencies: [
        .product(name: "JSON", package: "swerve"), .product(name: "Tensors", package: "swerve"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
    .executableTarget(
      name: "plugins",
      dependencies: [
        .product(name: "PluginHost", package: "swerve"), .product(name: "Tensors", package: "swerve"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
    .executableTarget(
      name: "simulate-batching", dependencies: [.product(name: "SchedulerSimulation", package: "swerve")],
      swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
    .target(name: "CPeak", cSettings: [.treatAllWarnings(as: .error)]),
    .executableTarget(
      name: "kernels",
      dependencies: [
        "CPeak", .product(name: "Kernels", package: "swerve"), .product(name: "Tensors", package: "swerve"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
    .executableTarget(
      name: "models",
      dependencies: [
        .product(name: "Kernels", package: "swerve"), .product(name: "ONNX", package: "swerve"),
        .product(name: "Tensors", package: "swerve"),
      ],
      swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]),
  ]
)
