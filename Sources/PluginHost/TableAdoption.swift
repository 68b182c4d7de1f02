internal import CSwervePlugin
internal import Glibc

/// A plugin's table, checked: the functions that every plugin must have are there.
struct AdoptedPlugin {
  typealias Create =
    @convention(c) (
      UnsafePointer<swerve_create_args>?, UnsafeMutablePointer<OpaquePointer?>?,
      UnsafeMutablePointer<swerve_error>?
    ) -> swerve_status
  typealias Execute =
    @convention(c) (
      OpaquePointer?, UnsafePointer<swerve_batch>?, UnsafeMutablePointer<swerve_error>?
    ) -> swerve_status

  static let serverABI = "\(SWERVE_ABI_MAJOR).\(SWERVE_ABI_MINOR)"

  let name: String
  let version: String
  let create: Create
  let destroy: @convention(c) (OpaquePointer?) -> Void
  let describe: @convention(c) (OpaquePointer?) -> UnsafePointer<swerve_model_info>?
  let execute: Execute
  let cancel: (@convention(c) (OpaquePointer?, OpaquePointer?) -> Void)?

  /// Reads the table at `pointer`, of whatever size and minor version.
  init(_ pointer: UnsafePointer<swerve_plugin>) throws(PluginError) {
    // Size and version come first in every major, so they can be read before it is known.
    let header = adopt(UnsafeRawPointer(pointer), as: PluginTableHeader.self)
    guard header.major == SWERVE_ABI_MAJOR else {
      throw Self.refusal(
        "it was built for ABI \(header.major).\(header.minor), and this server speaks ABI \(Self.serverABI);"
          + " build it against this server's swerve_plugin.h")
    }
    let least =
      MemoryLayout<swerve_plugin>.offset(of: \.execute)! + MemoryLayout<UnsafeRawPointer>.size
    guard header.structSize >= least else {
      throw Self.refusal(
        "its table says struct_size \(header.structSize); ABI \(SWERVE_ABI_MAJOR).0 has at least \(least)")
    }
    let table = adopt(UnsafeRawPointer(pointer), as: swerve_plugin.self)
    name = try Self.word(table.name, "name", "letters, digits, _ . -", limit: 64) { byte in
      isalnum(Int32(byte)) != 0 || [UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-")].contains(byte)
    }
    version = try Self.word(table.version, "version", "text", limit: 64) { _ in true }
    create = try Self.required(table.create, "create")
    destroy = try Self.required(table.destroy, "destroy")
    describe = try Self.required(table.describe, "describe")
    execute = try Self.required(table.execute, "execute")
    cancel = table.cancel
  }

  private static func required<Function>(_ function: Function?, _ name: String) throws(PluginError)
    -> Function
  {
    guard let function else { throw refusal("its table has no function \(name)") }
    return function
  }

  private static func word(
    _ string: UnsafePointer<CChar>?, _ field: String, _ expected: String, limit: Int,
    isAllowed: (UInt8) -> Bool
  ) throws(PluginError) -> String {
    guard let word = wellFormedText(string, limit: limit), word.utf8.allSatisfy(isAllowed) else {
      throw refusal(
        "its \(field) is \(string.map { "\"\(excerpt($0))\"" } ?? "NULL"); expected 1 to \(limit) bytes: \(expected)"
      )
    }
    return word
  }

  private static func refusal(_ message: String) -> PluginError {
    PluginError(status: .unsupported, message: message)
  }
}

/// What the tables of all majors begin with.
private struct PluginTableHeader {
  var structSize = 0
  var major: UInt16 = 0
  var minor: UInt16 = 0
}

/// The struct at `source`, which begins with its size: as much of it as both sides know, the rest zero.
func adopt<Struct>(_ source: UnsafeRawPointer, as _: Struct.Type) -> Struct {
  adopt(source, size: source.loadUnaligned(as: Int.self), as: Struct.self)
}

/// The struct of `size` bytes at `source`: as much of it as both sides know, the rest zero.
/// Precondition: zeros are a value of `Struct`, as they are of every C struct.
func adopt<Struct>(_ source: UnsafeRawPointer, size: Int, as _: Struct.Type) -> Struct {
  withUnsafeTemporaryAllocation(of: Struct.self, capacity: 1) { target in
    let known = MemoryLayout<Struct>.size
    memset(target.baseAddress!, 0, known)
    memcpy(target.baseAddress!, source, min(max(size, 0), known))
    return target.baseAddress!.pointee
  }
}
