import CZlib

/// Bytes packed by zlib, as clients send them.
public enum Packed {
  public static func gzip(_ content: [UInt8]) -> [UInt8] { pack(content, windowBits: MAX_WBITS + 16) }
  public static func zlib(_ content: [UInt8]) -> [UInt8] { pack(content, windowBits: MAX_WBITS) }
  public static func raw(_ content: [UInt8]) -> [UInt8] { pack(content, windowBits: -MAX_WBITS) }

  /// Raw deflate data without an end: the same data may follow, as often as one likes.
  public static func rawPiece(_ content: [UInt8]) -> [UInt8] {
    pack(content, windowBits: -MAX_WBITS, flush: Z_FULL_FLUSH)
  }

  private static func pack(_ content: [UInt8], windowBits: Int32, flush: Int32 = Z_FINISH) -> [UInt8] {
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer { stream.deallocate() }
    precondition(swerve_deflate_init(stream, 6, windowBits) == Z_OK)
    defer { deflateEnd(stream) }
    var content = content
    var packed = [UInt8](repeating: 0, count: Int(deflateBound(stream, UInt(content.count))) + 64)
    let room = packed.count
    content.withUnsafeMutableBufferPointer { source in
      packed.withUnsafeMutableBufferPointer { target in
        stream.pointee.next_in = source.baseAddress
        stream.pointee.avail_in = UInt32(source.count)
        stream.pointee.next_out = target.baseAddress
        stream.pointee.avail_out = UInt32(room)
        let code = deflate(stream, flush)
        precondition(code == (flush == Z_FINISH ? Z_STREAM_END : Z_OK))
      }
    }
    packed.removeLast(Int(stream.pointee.avail_out))
    return packed
  }

  /// Unpacks gzip or zlib data with the tests' own decoder, whose checksums it leaves out.
  public static func unpack(_ packed: [UInt8], coding: String) throws -> [UInt8] {
    switch coding {
    case "gzip": try Inflate.unpack(packed[10..<(packed.count - 8)])
    case "deflate": try Inflate.unpack(packed[2..<(packed.count - 4)])
    default: throw Inflate.Failure(reason: "unknown coding \(coding)")
    }
  }
}
