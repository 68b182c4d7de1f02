internal import CJansson
internal import CSwervePlugin
internal import Glibc

/// A model's configuration, read.
///
/// Unchecked: the values are never changed, and jansson reads those from any threads.
final class ConfigurationValues: @unchecked Sendable {
  private static let pathLimit = 4096

  private let root: UnsafeMutablePointer<json_t>?

  /// - Parameter text: a JSON object; what does not read has no values.
  init(_ text: String) { root = json_loads(text, 0, nil) }

  deinit { if let root { swerve_json_release(root) } }

  /// What lies at a path of names and positions; nil: nothing.
  func value(at path: UnsafePointer<CChar>?) -> UnsafeMutablePointer<json_t>? {
    guard var value = root, let path else { return nil }
    let parts = text(path, limit: Self.pathLimit)
    guard !parts.isEmpty else { return value }
    for part in parts.split(separator: ".", omittingEmptySubsequences: false) {
      let next: UnsafeMutablePointer<json_t>?
      switch value.pointee.type {
      case JSON_OBJECT: next = json_object_get(value, String(part))
      case JSON_ARRAY: next = Int(part).flatMap { $0 >= 0 ? json_array_get(value, $0) : nil }
      default: next = nil
      }
      guard let next else { return nil }
      value = next
    }
    return value
  }

  /// The name of a member of an object.
  func key(_ index: Int64, of object: UnsafeMutablePointer<json_t>) -> UnsafePointer<CChar>? {
    guard object.pointee.type == JSON_OBJECT, index >= 0 else { return nil }
    var iterator = json_object_iter(object)
    var left = index
    while iterator != nil, left > 0 {
      iterator = json_object_iter_next(object, iterator)
      left -= 1
    }
    return iterator.flatMap { json_object_iter_key($0) }
  }
}

func makeConfigTable() -> swerve_config {
  var table = swerve_config()
  table.struct_size = MemoryLayout<swerve_config>.size
  table.number = { host, path, target in
    guard let value = value(host, path), let target else { return false }
    switch value.pointee.type {
    case JSON_REAL: target.pointee = json_real_value(value)
    case JSON_INTEGER: target.pointee = Double(json_integer_value(value))
    default: return false
    }
    return true
  }
  table.integer = { host, path, target in
    guard let value = value(host, path), let target, value.pointee.type == JSON_INTEGER else { return false }
    target.pointee = Int64(json_integer_value(value))
    return true
  }
  table.boolean = { host, path, target in
    guard let value = value(host, path), let target else { return false }
    guard value.pointee.type == JSON_TRUE || value.pointee.type == JSON_FALSE else { return false }
    target.pointee = value.pointee.type == JSON_TRUE
    return true
  }
  table.text = { host, path, target in
    guard let value = value(host, path), let target, value.pointee.type == JSON_STRING else { return false }
    target.pointee = json_string_value(value)
    return true
  }
  table.count = { host, path in
    guard let value = value(host, path) else { return -1 }
    switch value.pointee.type {
    case JSON_OBJECT: return Int64(json_object_size(value))
    case JSON_ARRAY: return Int64(json_array_size(value))
    default: return -1
    }
  }
  table.key = { host, path, index, target in
    guard let values = HostBinding.behind(host)?.configuration, let target,
      let object = values.value(at: path), let key = values.key(index, of: object)
    else { return false }
    target.pointee = key
    return true
  }
  return table
}

private func value(
  _ host: UnsafePointer<swerve_host>?, _ path: UnsafePointer<CChar>?
) -> UnsafeMutablePointer<json_t>? {
  HostBinding.behind(host)?.configuration?.value(at: path)
}
