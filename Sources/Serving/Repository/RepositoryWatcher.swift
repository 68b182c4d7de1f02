import Glibc

/// Tells when something happens in the folders of the repositories, and wakes the thread that waits for it.
///
/// Where the system has no more watches to give, or a folder lies on a file system that tells nothing, only the
/// regular looks notice a change.
///
/// Unchecked: `wake` writes to a pipe, which any thread may; all else is the waiting thread's.
final class RepositoryWatcher: @unchecked Sendable {
  private let events: Int32
  private let wakeEnd: Int32
  private let readEnd: Int32
  private var watched: [String: Int32] = [:]
  private var pathOf: [Int32: String] = [:]
  /// Whether every folder it was given is watched.
  private(set) var isComplete = false

  init(watchesFolders: Bool) {
    events = watchesFolders ? inotify_init1(Int32(O_NONBLOCK | O_CLOEXEC)) : -1
    var ends: [Int32] = [-1, -1]
    let failure = pipe(&ends)
    precondition(failure == 0, "no pipe to be had: \(String(cString: strerror(errno)))")
    for end in ends {
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
    }
    (readEnd, wakeEnd) = (ends[0], ends[1])
  }

  deinit {
    for descriptor in [events, readEnd, wakeEnd] where descriptor >= 0 { close(descriptor) }
  }

  /// Ends the current `wait`, or the next one. From any thread.
  func wake() {
    var byte: UInt8 = 1
    // A full pipe wakes all the same.
    _ = write(wakeEnd, &byte, 1)
  }

  /// Watches `folders` and no others. Cheap for those that are watched already.
  func watch(_ folders: [String]) {
    guard events >= 0 else { return }
    let mask = UInt32(
      IN_CREATE | IN_DELETE | IN_CLOSE_WRITE | IN_MODIFY | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB
        | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)
    var isComplete = true
    for folder in folders where watched[folder] == nil {
      let watch = inotify_add_watch(events, folder, mask)
      if watch >= 0 {
        watched[folder] = watch
        pathOf[watch] = folder
      } else if errno != ENOENT {
        isComplete = false
      }
    }
    self.isComplete = isComplete
    let wanted = Set(folders)
    for (folder, watch) in watched where !wanted.contains(folder) {
      inotify_rm_watch(events, watch)
      forget(watch)
    }
  }

  /// Waits until something happened in a folder (true), somebody woke it, or the time is over.
  func wait(milliseconds: Int) -> Bool {
    var descriptors = [pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)]
    if events >= 0 { descriptors.append(pollfd(fd: events, events: Int16(POLLIN), revents: 0)) }
    let limit = Int32(clamping: max(milliseconds, 0))
    guard poll(&descriptors, nfds_t(descriptors.count), limit) > 0 else { return false }
    if descriptors[0].revents != 0 {
      var bytes = [UInt8](repeating: 0, count: 512)
      while read(readEnd, &bytes, bytes.count) > 0 {}
    }
    return descriptors.count > 1 && descriptors[1].revents != 0 && takeEvents()
  }

  private func takeEvents() -> Bool {
    var isChange = false
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = read(events, &buffer, buffer.count)
      guard count > 0 else { return isChange }
      isChange = true
      buffer.withUnsafeBytes { bytes in
        var offset = 0
        let head = MemoryLayout<inotify_event>.size
        while offset + head <= count {
          let watch = bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
          let mask = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
          let length = bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self)
          // A folder that moved is another folder under its old path.
          if mask & UInt32(IN_MOVE_SELF) != 0 { inotify_rm_watch(events, watch) }
          if mask & UInt32(IN_IGNORED | IN_MOVE_SELF) != 0 { forget(watch) }
          offset += head + Int(length)
        }
      }
    }
  }

  private func forget(_ watch: Int32) {
    guard let path = pathOf.removeValue(forKey: watch) else { return }
    if watched[path] == watch { watched[path] = nil }
  }
}
