// swift-tools-version: 6.3
import PackageDescription

/// The fuzzers, each named after its folder in Sources/, and the products of Swerve that they drive. To add
/// one: a folder with a `main.swift` that calls `fuzz`, a line here, and seeds in corpus/NAME.
/// `./run NAME [SECONDS]` builds and runs it.
let fuzzers = [
  "content-coding": ["Bytes", "HTTP"],
  "http-parser": ["HTTP"],
  "infer-request": ["InferenceAPI", "PluginHost", "Tensors"],
  "json-tensor": ["Bytes", "JSON", "Tensors"],
  "onnx-model": ["Kernels", "ONNX", "Tensors"],
  "predict": ["InferenceAPI", "PluginHost", "Tensors"],
]

let package = Package(
  name: "fuzz",
  dependencies: [.package(name: "swerve", path: "..")],
  targets: [
    .target(name: "CFuzzer"),
    .target(name: "FuzzDriver", dependencies: ["CFuzzer"], swiftSettings: [.swiftLanguageMode(.v6)]),
  ]
    + fuzzers.map { name, products in
      .executableTarget(
        name: name,
        dependencies: ["FuzzDriver"] + products.map { .product(name: $0, package: "swerve") },
        swiftSettings: [.swiftLanguageMode(.v6)])
    }
)
