import CEvent
import Glibc

/// Who is at the other end of a connection.
enum SocketAddress: Equatable, Sendable {
  /// The address in network order, and the port.
  case ipv4(UInt32, port: UInt16)
  /// The address as two halves in network order, and the port.
  case ipv6(high: UInt64, low: UInt64, port: UInt16)
  case unix

  init(_ storage: sockaddr_storage) {
    self = withUnsafeBytes(of: storage) { bytes in
      switch Int32(storage.ss_family) {
      case AF_INET:
        let address = bytes.loadUnaligned(as: sockaddr_in.self)
        return .ipv4(address.sin_addr.s_addr, port: UInt16(bigEndian: address.sin_port))
      case AF_INET6:
        let port = UInt16(bigEndian: bytes.loadUnaligned(as: sockaddr_in6.self).sin6_port)
        let offset = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr) ?? 8
        return .ipv6(
          high: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self),
          low: bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self), port: port)
      default: return .unix
      }
    }
  }

  /// What connections are counted by: an IPv4 address or the /64 of an IPv6 address; nil for a
  /// Unix-domain socket. An IPv4 address that arrives as IPv6 counts as IPv4.
  var limitKey: UInt64? {
    switch self {
    case .ipv4(let address, _): UInt64(address)
    case .ipv6(0, let low, _) where Self.isMapped(low): UInt64(truncatingIfNeeded: low >> 32)
    case .ipv6(let high, _, _): high
    case .unix: nil
    }
  }

  /// Whether the low half (in network order) is that of `::ffff:a.b.c.d`.
  private static func isMapped(_ low: UInt64) -> Bool { UInt32(truncatingIfNeeded: low) == 0xffff_0000 }

  /// `127.0.0.1:50312`, `[::1]:50312` or `unix`.
  var text: String {
    switch self {
    case .ipv4(var address, let port): return "\(Self.print(AF_INET, &address)):\(port)"
    case .ipv6(let high, let low, let port):
      var address = (high, low)
      return "[\(Self.print(AF_INET6, &address))]:\(port)"
    case .unix: return "unix"
    }
  }

  private static func print(_ family: Int32, _ address: UnsafeRawPointer) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
      guard let start = text.baseAddress, inet_ntop(family, address, start, socklen_t(text.count)) != nil
      else { return "?" }
      return String(cString: start)
    }
  }
}

extension SocketAddress: CustomStringConvertible {
  /// `192.0.2.1:49152`, `[2001:db8::1]:49152` or `unix`.
  var description: String {
    switch self {
    case .ipv4(var address, let port): "\(Self.text(AF_INET, &address)):\(port)"
    case .ipv6(let high, let low, let port):
      withUnsafeBytes(of: (high, low)) { "[\(Self.text(AF_INET6, $0.baseAddress))]:\(port)" }
    case .unix: "unix"
    }
  }

  private static func text(_ family: Int32, _ address: UnsafeRawPointer?) -> String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { room in
      guard let address, inet_ntop(family, address, room.baseAddress, socklen_t(room.count)) != nil,
        let text = room.baseAddress
      else { return "?" }
      return String(cString: text)
    }
  }
}
