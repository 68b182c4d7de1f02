import ModelFiles

/// The files of a new plugin.
struct Skeleton {
  private let name: String
  private let language: PluginLanguage
  private let checkout: String?

  init(name: String, language: PluginLanguage, checkout: String?) throws {
    self.name = name
    self.language = language
    self.checkout = checkout.map(Files.absolute) ?? Installation.checkout
    if language == .swift, self.checkout.map({ Files.exists($0 + "/Package.swift") }) != true {
      throw Refusal("a plugin in Swift needs a checkout of swerve, for PluginKit: give --checkout FOLDER")
    }
  }

  /// Paths within the folder, and what stands there.
  func files() throws -> [(path: String, text: String)] {
    var files = [("Makefile", makefile), ("example.json", example), ("README.md", readme)]
    switch language {
    case .c: files.append(("\(name).c", CSkeleton.text(name)))
    case .cxx: files.append(("\(name).cpp", CxxSkeleton.text(name)))
    case .swift:
      files.append(("Package.swift", SwiftSkeleton.package(name, checkout: checkout ?? "")))
      files.append(("Sources/\(name)/\(name).swift", SwiftSkeleton.text(name)))
    }
    if language != .swift {
      for file in ["swerve_plugin.h"] + Self.extensions {
        files.append(("include/\(file)", try header(file)))
      }
    }
    if language == .cxx { files.append(("include/swerve_plugin.hpp", try header("swerve_plugin.hpp"))) }
    return files
  }

  /// The headers of the server's services.
  private static let extensions = ["config", "kernels", "memory", "metrics", "models", "threads", "tool"].map
  {
    "ext/\($0).h"
  }

  private func header(_ file: String) throws -> String {
    if let text = Installation.header(file) { return text }
    throw Refusal("\(file) is not where this installation of swerve should have it, include/swerve")
  }

  private var example: String {
    """
    {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}]}

    """
  }

  private var readme: String {
    """
    # \(name)

    A model plugin for Swerve. It adds one to each number.

    | | name | datatype | shape |
    |---|---|---|---|
    | input | `x` | FP32 | [-1, -1] |
    | output | `y` | FP32 | [-1, -1] |

    ```sh
    make            # models/\(name)/1/plugin.so
    make test       # puts it to the test
    make serve      # then: curl localhost:8080/v2/models/\(name)/infer -d @example.json
    ```

    """
  }

  private var makefile: String {
    """
    # SWERVE: the command, if it is not on the path.
    SWERVE ?= swerve
    PLUGIN = models/\(name)/1/plugin.so

    all: $(PLUGIN)

    \(rule)
    test: $(PLUGIN)
    \t$(SWERVE) plugin check $(PLUGIN) --example example.json

    serve: $(PLUGIN)
    \t$(SWERVE) serve --models models

    clean:
    \trm -rf models .build

    .PHONY: all test serve clean

    """
  }

  private var rule: String {
    switch language {
    case .c:
      """
      # For writes beyond memory: make clean test CFLAGS="-g -fsanitize=address"; for races: thread.
      CFLAGS ?= -O2
      $(PLUGIN): \(name).c
      \tmkdir -p $(@D)
      \t$(CC) -std=c11 -Wall -Wextra -shared -fPIC -Iinclude $(CFLAGS) $< -o $@

      """
    case .cxx:
      """
      # For writes beyond memory: make clean test CXXFLAGS="-g -fsanitize=address"; for races: thread.
      CXXFLAGS ?= -O2
      $(PLUGIN): \(name).cpp
      \tmkdir -p $(@D)
      \t$(CXX) -std=c++20 -Wall -Wextra -shared -fPIC -Iinclude $(CXXFLAGS) $< -o $@

      """
    case .swift:
      """
      $(PLUGIN): $(wildcard Sources/\(name)/*.swift)
      \tmkdir -p $(@D)
      \tswift build -c release --static-swift-stdlib
      \tcp .build/release/lib\(name).so $@

      """
    }
  }
}
