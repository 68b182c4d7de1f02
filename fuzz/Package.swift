// swift-tools-version: 6.3
import PackageDescription

/// The fuzzers, each named after its folder in Sources/. To add one: a folder with a `main.swift` that calls
/// `fuzz`, its name here, and seeds in corpus/NAME. `./run NAME [SECONDS]` builds and runs it.
let fuzzers = ["http-parser"]

let package = Package(
  name: "fuzz",
  dependencies: [.package(name: "swerve", path: "..")],
  targets: [
    .target(name: "CFuzzer"),
    .target(name: "FuzzDriver", dependencies: ["CFuzzer"], swiftSettings: [.swiftLanguageMode(.v6)]),
  ]
    + fuzzers.map { name in
      .executableTarget(
        name: name,
        dependencies: ["FuzzDriver", .product(name: "HTTP", package: "swerve")],
        swiftSettings: [.swiftLanguageMode(.v6)])
    }
)
