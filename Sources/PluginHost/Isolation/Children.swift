internal import Glibc
internal import Locks

/// The children of this process that somebody waits for, and the orphans that nobody does.
///
/// The first process of a container gets every process whose parent has ended, and has to take leave of it. How a
/// worker ended is its supervisor's to learn, so workers are left alone.
public enum Children {
  private static let awaited = Lock<Set<pid_t>>([])

  /// Starts a child that its caller waits for.
  /// - Parameter spawn: gives the child, or an error code below 0. Nobody else can take leave of it before it is known.
  static func start(_ spawn: () -> pid_t) -> pid_t {
    awaited.withLock { awaited in
      let child = spawn()
      if child > 0 { awaited.insert(child) }
      return child
    }
  }

  /// Waits for the end of a child that `start` gave.
  /// - Returns: its status; nil if it is no child of this process.
  static func wait(for child: pid_t) -> Int32? {
    var status: Int32 = 0
    var outcome = waitpid(child, &status, 0)
    while outcome < 0, errno == EINTR { outcome = waitpid(child, &status, 0) }
    awaited.withLock { _ = $0.remove(child) }
    // Those that ended behind it in the row could not be seen before it was gone.
    if getpid() == 1 { reapOrphans() }
    return outcome == child ? status : nil
  }

  /// Takes leave of ended children that nobody waits for. From any thread.
  public static func reapOrphans() {
    awaited.withLock { awaited in
      while true {
        var ended = siginfo_t()
        guard waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 else { return }
        let child = ended._sifields._sigchld.si_pid
        guard child > 0, !awaited.contains(child) else { return }
        _ = waitpid(child, nil, WNOHANG)
      }
    }
  }
}
