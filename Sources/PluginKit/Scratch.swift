internal import CSwervePlugin

/// Bytes that lie still as long as the object.
final class Scratch {
  private var blocks: [UnsafeMutableBufferPointer<UInt8>] = []

  func keep(_ string: String) -> swerve_bytes {
    var string = string
    return string.withUTF8 { text in
      guard !text.isEmpty else { return swerve_bytes(data: nil, size: 0) }
      let block = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.count)
      _ = block.initialize(fromContentsOf: text)
      blocks.append(block)
      return swerve_bytes(data: block.baseAddress, size: text.count)
    }
  }

  deinit { for block in blocks { block.deallocate() } }
}
