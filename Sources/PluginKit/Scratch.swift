internal import CSwervePlugin

/// Bytes that lie still until the batch they belong to is let go.
///
/// Unchecked: outputs of a batch are filled one call at a time, as the ABI asks.
final class Scratch: @unchecked Sendable {
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
