// swift-tools-version: 6.3
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]
/// The server's own modules. Exclusive access is checked at run time in debug builds, by every test; a release
/// build does not pay for it at each access to an object's property.
let served =
  strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]
let strictC: [CSetting] = [.treatAllWarnings(as: .error)]

/// Kernel targets hold pointers and SIMD only: unchecked arithmetic in debug builds too, since a
/// checked kernel is 400 times slower, and one instruction set per target.
func kernelSettings(_ instructionSet: [String]) -> [SwiftSetting] {
  strict + [
    .unsafeFlags(["-Ounchecked", "-wmo", "-num-threads", "1"] + instructionSet.flatMap { ["-Xcc", $0] })
  ]
}

#if arch(x86_64)
  let avx512 = ["-mavx512f", "-mavx512vl", "-mavx512bw", "-mavx512dq", "-mfma", "-mavx2", "-mf16c"]
  let avx2 = ["-mavx2", "-mfma", "-mf16c"]
#else
  let avx512: [String] = []
  let avx2: [String] = []
#endif

let package = Package(
  name: "swerve",
  products: [
    .executable(name: "swerve", targets: ["swerve"]),
    .library(name: "PluginKit", targets: ["PluginKit"]),
    .library(name: "Kernels", targets: ["Kernels"]),
    // What the programs of fuzz/ and Benchmarks/ drive.
    .library(name: "Bytes", targets: ["Bytes"]),
    .library(name: "HTTP", targets: ["HTTP"]),
    .library(name: "InferenceAPI", targets: ["InferenceAPI"]),
    .library(name: "JSON", targets: ["JSON"]),
    .library(name: "ONNX", targets: ["ONNX"]),
    .library(name: "PluginHost", targets: ["PluginHost"]),
    .library(name: "Tensors", targets: ["Tensors"]),
    .library(name: "SchedulerSimulation", targets: ["SchedulerSimulation"]),
    .library(name: "identity", type: .dynamic, targets: ["IdentityPlugin"]),
    .library(name: "half_plus_two", type: .dynamic, targets: ["HalfPlusTwoPlugin"]),
    .library(name: "words", type: .dynamic, targets: ["WordsPlugin"]),
    .library(name: "onnx", type: .dynamic, targets: ["OnnxPlugin"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2")
  ],
  targets: [
    // The public C ABI, and system libraries.
    .target(name: "CSwervePlugin", cSettings: strictC),
    .target(name: "CIsolation", cSettings: strictC),
    .systemLibrary(
      name: "CEvent", pkgConfig: "libevent_core", providers: [.apt(["libevent-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CJansson", pkgConfig: "jansson", providers: [.apt(["libjansson-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CMalloc"),
    // A signal handler, which Swift cannot be trusted to run in.
    .target(name: "CFileGuard", cSettings: strictC),
    // openapi.yaml inside the executable.
    .target(name: "COpenAPI", cSettings: strictC),
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),

    // Leaves.
    .target(name: "Bytes", swiftSettings: served),
    .target(name: "Tensors", swiftSettings: served),
    .target(name: "Locks", swiftSettings: served),
    // Generic over what it schedules: whoever uses it compiles it for that.
    .target(
      name: "Scheduling",
      swiftSettings: served + [
        .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release))
      ]),
    .target(name: "Telemetry", dependencies: ["Bytes", "Locks"], swiftSettings: served),

    // Kernels: one target an instruction set, chosen at run time.
    .target(name: "CKernels", cSettings: strictC + [.unsafeFlags(["-O2"])]),
    .target(name: "KernelsBaseline", dependencies: ["CKernels"], swiftSettings: kernelSettings([])),
    .target(name: "KernelsAVX2", dependencies: ["CKernels"], swiftSettings: kernelSettings(avx2)),
    .target(name: "KernelsAVX512", dependencies: ["CKernels"], swiftSettings: kernelSettings(avx512)),
    .target(
      name: "Kernels",
      dependencies: [
        "Tensors", "CKernels", "KernelsBaseline", "KernelsAVX2", "KernelsAVX512", "COpenBLAS",
      ], swiftSettings: strict),
    .target(
      name: "ONNX", dependencies: ["Tensors", "Kernels", "Locks", "CFileGuard"], swiftSettings: strict),

    // Plugins, and what their authors use.
    .target(name: "PluginKit", dependencies: ["CSwervePlugin"], swiftSettings: strict),
    .target(
      name: "IdentityPlugin", dependencies: ["CSwervePlugin"], path: "plugins/identity",
      sources: ["identity.c"], publicHeadersPath: ".", cSettings: strictC),
    .target(
      name: "HalfPlusTwoPlugin", dependencies: ["CSwervePlugin"], path: "plugins/half_plus_two",
      sources: ["half_plus_two.c"], publicHeadersPath: ".", cSettings: strictC),
    .target(
      name: "WordsPlugin", dependencies: ["CSwervePlugin"], path: "plugins/words",
      exclude: ["README.md", "example"],
      sources: ["words.c"], publicHeadersPath: ".", cSettings: strictC),
    .target(
      name: "OnnxPlugin", dependencies: ["CSwervePlugin", "PluginKit", "ONNX", "Kernels", "Tensors"],
      path: "plugins/onnx", exclude: ["README.md", "example"], sources: ["Sources"], swiftSettings: strict),

    // The server.
    .target(
      name: "PluginHost",
      dependencies: [
        "CSwervePlugin", "CIsolation", "CJansson", "COpenSSL", "Tensors", "Kernels", "Telemetry", "Locks",
      ],
      swiftSettings: served),
    .target(
      name: "Serving", dependencies: ["PluginHost", "Scheduling", "Tensors", "Telemetry", "Locks"],
      swiftSettings: served),
    .target(
      name: "HTTP", dependencies: ["CEvent", "CZlib", "COpenSSL", "Bytes", "Telemetry", "Locks"],
      swiftSettings: served),
    .target(name: "JSON", dependencies: ["CJansson", "Bytes", "Tensors"], swiftSettings: served),
    .target(
      name: "ModelFiles", dependencies: ["Serving", "PluginHost", "JSON", "Tensors", "Bytes"],
      swiftSettings: served),
    .target(
      name: "InferenceAPI",
      dependencies: [
        "HTTP", "JSON", "Serving", "Scheduling", "PluginHost", "Tensors", "Bytes", "Telemetry", "Locks",
      ], swiftSettings: served),
    .executableTarget(
      name: "swerve",
      dependencies: [
        "InferenceAPI", "ModelFiles", "HTTP", "JSON", "Serving", "Scheduling", "PluginHost", "Kernels",
        "Tensors",
        "Telemetry", "Bytes", "CMalloc", "COpenAPI",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: served),

    // Tests.
    .target(
      name: "TestSupport", dependencies: ["Tensors", "CZlib"], path: "Tests/TestSupport",
      swiftSettings: strict),
    .target(
      name: "SchedulerSimulation", dependencies: ["Scheduling", "TestSupport"],
      path: "Tests/SchedulerSimulation",
      swiftSettings: strict),
    .testTarget(
      name: "SchedulingTests", dependencies: ["Scheduling", "SchedulerSimulation", "TestSupport"],
      swiftSettings: strict),
    .executableTarget(
      name: "onnx-cases", dependencies: ["ONNX", "Kernels", "Tensors"], path: "Tests/OnnxCases",
      swiftSettings: strict),
    .testTarget(name: "BytesTests", dependencies: ["Bytes"], swiftSettings: strict),
    .testTarget(name: "TensorsTests", dependencies: ["Tensors", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "TelemetryTests", dependencies: ["Telemetry", "Bytes", "Locks"], swiftSettings: strict),
    .target(name: "CAllocationCount", path: "Tests/CAllocationCount", cSettings: strictC),
    .testTarget(
      name: "KernelsTests", dependencies: ["Locks", "Kernels", "Tensors", "TestSupport", "CAllocationCount"],
      swiftSettings: strict),
    .testTarget(
      name: "ONNXTests", dependencies: ["Locks", "ONNX", "Kernels", "Tensors", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "PluginHostTests",
      dependencies: [
        "Locks", "PluginHost", "PluginKit", "CSwervePlugin", "Bytes", "Kernels", "Telemetry", "Tensors",
        "TestSupport", "swerve",
      ], exclude: ["Fixtures"], swiftSettings: strict
    ),
    .testTarget(
      name: "ABITests", dependencies: ["Locks", "CSwervePlugin", "PluginHost", "Tensors", "TestSupport"],
      exclude: ["Fixtures"], swiftSettings: strict),
    .testTarget(
      name: "ServingTests",
      dependencies: ["Locks", "Serving", "PluginHost", "Tensors", "Telemetry", "TestSupport"],
      exclude: ["Fixtures"],
      swiftSettings: strict),
    .testTarget(
      name: "HTTPTests", dependencies: ["Locks", "HTTP", "Bytes", "TestSupport", "COpenSSL"],
      swiftSettings: strict),
    .testTarget(
      name: "ModelFilesTests", dependencies: ["ModelFiles", "Serving", "Tensors", "TestSupport"],
      swiftSettings: strict),
    .testTarget(name: "JSONTests", dependencies: ["JSON", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "InferenceAPITests", dependencies: ["Locks", "InferenceAPI", "TestSupport"], swiftSettings: strict
    ),
    .testTarget(
      name: "EndToEndTests", dependencies: ["Tensors", "TestSupport", "swerve"], exclude: ["Fixtures"],
      swiftSettings: strict),
    .testTarget(name: "ArchitectureTests", dependencies: ["TestSupport"], swiftSettings: strict),
  ]
)
