import Kernels
import PluginKit

/// The server's threads as a team for the kernels.
///
/// The team holds an unretained pointer to this object; the model keeps the object as long as it runs.
final class HostThreads: Sendable {
  private let host: ModelHost

  init(_ host: ModelHost) { self.host = host }

  var team: ThreadTeam {
    let width = host.parallelWidth
    if width < 2 { return .single }
    return ThreadTeam(width: width, context: Unmanaged.passUnretained(self).toOpaque()) {
      owner, count, body, context in
      guard let owner, let body else { return }
      let threads = Unmanaged<HostThreads>.fromOpaque(owner).takeUnretainedValue()
      threads.host.parallelFor(count) { body(context, $0) }
    }
  }
}
