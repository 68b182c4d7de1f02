import CEvent
import Glibc

/// Makes sockets that listen. Each function throws what the system said about which address.
enum ListeningSocket {
  private static let waiting: Int32 = 4_096

  /// Listens on a TCP address with `count` sockets that share its port, one for each loop. With port
  /// 0 the system picks the port.
  static func tcp(
    _ address: ListenAddress, host: String, port: Int, count: Int, sharesPort: Bool
  ) throws(HTTPServerError) -> (descriptors: [Int32], port: Int) {
    var descriptors: [Int32] = []
    do throws(HTTPServerError) {
      var target = try resolve(address, host, port)
      // Sockets with SO_REUSEPORT listen beside those of another process without a word; one
      // without it finds out whether the port is free.
      if !sharesPort, target.port != 0 { close(try bound(address, target, sharesPort: false)) }
      for _ in 0..<count {
        let descriptor = try bound(address, target, sharesPort: sharesPort || count > 1)
        descriptors.append(descriptor)
        guard listen(descriptor, waiting) == 0 else { throw .cannotListen(on: address, code: errno) }
        if target.port == 0 { target.port = boundPort(descriptor) }
      }
      return (descriptors, target.port)
    } catch {
      for descriptor in descriptors { close(descriptor) }
      throw error
    }
  }

  /// Listens on a Unix-domain socket; replaces one that nobody listens on.
  static func unix(_ address: ListenAddress, path: String, mode: UInt32) throws(HTTPServerError) -> Int32 {
    var target = sockaddr_un()
    target.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: target.sun_path), !bytes.contains(0) else {
      throw HTTPServerError(
        "cannot listen on \(address): expected a path of 1 to 107 bytes, got \(bytes.count)"
      )
    }
    withUnsafeMutableBytes(of: &target.sun_path) { $0.copyBytes(from: bytes) }
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | flags, 0)
    guard descriptor >= 0 else { throw .cannotListen(on: address, code: errno) }
    removeStaleSocket(path, target)
    guard withSocketAddress(of: &target, { bind(descriptor, $0, $1) }) == 0, chmod(path, mode) == 0,
      listen(descriptor, waiting) == 0
    else {
      let code = errno
      close(descriptor)
      throw .cannotListen(on: address, code: code)
    }
    return descriptor
  }

  private static let flags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)

  private static func removeStaleSocket(_ path: String, _ address: sockaddr_un) {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { return }
    let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | flags, 0)
    guard probe >= 0 else { return }
    defer { close(probe) }
    var address = address
    let answer = withSocketAddress(of: &address) { connect(probe, $0, $1) }
    if answer != 0, errno == ECONNREFUSED { unlink(path) }
  }

  /// A resolved address: the socket address with its size, and the port apart.
  private struct Target {
    var storage: sockaddr_storage
    var length: socklen_t
    var port: Int
  }

  private static func resolve(
    _ address: ListenAddress, _ host: String, _ port: Int
  ) throws(HTTPServerError) -> Target {
    guard (0...65_535).contains(port) else {
      throw HTTPServerError("cannot listen on \(address): expected a port from 0 to 65535, got \(port)")
    }
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE
    var found: UnsafeMutablePointer<addrinfo>?
    let code = getaddrinfo(host, nil, &hints, &found)
    defer { if let found { freeaddrinfo(found) } }
    guard code == 0, let first = found?.pointee, let source = first.ai_addr,
      Int(first.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size
    else {
      throw HTTPServerError(
        "cannot listen on \(address): \(String(cString: gai_strerror(code))); give an address or a known name"
      )
    }
    var target = Target(storage: sockaddr_storage(), length: first.ai_addrlen, port: port)
    memcpy(&target.storage, source, Int(first.ai_addrlen))
    return target
  }

  private static func bound(
    _ address: ListenAddress, _ target: Target, sharesPort: Bool
  ) throws(HTTPServerError) -> Int32 {
    var target = target
    let family = Int32(target.storage.ss_family)
    let descriptor = socket(family, Int32(SOCK_STREAM.rawValue) | flags, 0)
    guard descriptor >= 0 else { throw .cannotListen(on: address, code: errno) }
    set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
    if sharesPort { set(descriptor, SOL_SOCKET, SO_REUSEPORT, 1) }
    // Accepted sockets inherit both: answers go out at once, and dead peers are found in the end.
    set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
    set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
    let bigEndianPort = UInt16(target.port).bigEndian
    withUnsafeMutableBytes(of: &target.storage) { bytes in
      if family == AF_INET6 {
        set(descriptor, Int32(IPPROTO_IPV6), IPV6_V6ONLY, isUnspecified(bytes) ? 0 : 1)
      }
      // In both families the port follows the family.
      bytes.storeBytes(of: bigEndianPort, toByteOffset: 2, as: UInt16.self)
    }
    let length = target.length
    guard withSocketAddress(of: &target.storage, { pointer, _ in bind(descriptor, pointer, length) }) == 0
    else {
      let code = errno
      close(descriptor)
      throw .cannotListen(on: address, code: code)
    }
    return descriptor
  }

  /// Whether an IPv6 socket address is `::`; it listens on IPv4 too.
  private static func isUnspecified(_ bytes: UnsafeMutableRawBufferPointer) -> Bool {
    let offset = MemoryLayout<sockaddr_in6>.offset(of: \.sin6_addr) ?? 8
    return bytes[offset..<(offset + 16)].allSatisfy { $0 == 0 }
  }

  private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) {
    var value = value
    setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
  }

  private static func boundPort(_ descriptor: Int32) -> Int {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    _ = withSocketAddress(of: &storage) { pointer, _ in getsockname(descriptor, pointer, &length) }
    return withUnsafeBytes(of: storage) {
      Int(UInt16(bigEndian: $0.load(fromByteOffset: 2, as: UInt16.self)))
    }
  }

  private static func withSocketAddress<Address>(
    of address: inout Address, _ body: (UnsafeMutablePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    let length = socklen_t(MemoryLayout<Address>.size)
    return withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }
}
