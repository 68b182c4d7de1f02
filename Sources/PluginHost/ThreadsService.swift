internal import CSwervePlugin
internal import Kernels

func makeThreadsTable() -> swerve_threads {
  var table = swerve_threads()
  table.struct_size = MemoryLayout<swerve_threads>.size
  table.width = { host in UInt32(clamping: HostBinding.behind(host)?.team.width ?? 1) }
  table.parallel_for = { host, count, body, context in
    // A size_t above Int.max arrives as a negative number, and no loop ends after that many bodies.
    guard let body, count > 0, let binding = HostBinding.behind(host) else { return }
    binding.team.parallelFor(count, context: context, body)
  }
  return table
}
