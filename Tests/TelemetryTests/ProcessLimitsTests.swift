import Testing

@testable import Telemetry

/// A process as its files in /proc and /sys show it.
private func limits(_ files: [String: String]) -> ProcessLimits {
  var files = files
  files["/proc/meminfo"] = "MemTotal:       16384 kB\nMemFree: 1 kB\n"
  if files["/proc/self/status"] == nil { files["/proc/self/status"] = "Cpus_allowed_list:\t0-7\n" }
  return ProcessLimits { files[$0] }
}

@Suite struct ProcessLimitsTests {
  @Test func withoutLimitsItIsTheMachine() {
    let free = limits(["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n"])
    #expect(free.processors == 8)
    #expect(free.quota == nil && free.memoryLimit == nil)
    #expect(free.memory == 16_384 << 10)
  }

  @Test func theLeastOfAllGroupsAroundCountsInVersion2() {
    let held = limits([
      "/proc/self/cgroup": "0::/pod/box\n",
      "/sys/fs/cgroup/pod/box/cpu.max": "max 100000\n",
      "/sys/fs/cgroup/pod/cpu.max": "150000 100000\n",
      "/sys/fs/cgroup/cpu.max": "400000 100000\n",
      "/sys/fs/cgroup/pod/box/memory.max": "8388608\n",
      "/sys/fs/cgroup/pod/box/memory.high": "4194304\n",
      "/sys/fs/cgroup/pod/memory.max": "max\n",
    ])
    #expect(held.quota == 1.5)
    #expect(held.processors == 2)
    #expect(held.memoryLimit == 4_194_304)
    #expect(held.memory == 4_194_304)
  }

  @Test func version1IsReadByController() {
    let held = limits([
      "/proc/self/cgroup": "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n1:cpuset:/\n0::/\n",
      "/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "50000\n",
      "/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "1048576\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    ])
    #expect(held.quota == 0.5)
    #expect(held.processors == 1)
    #expect(held.memoryLimit == 1_048_576)
  }

  /// A container of version 1 sees its own group as the root, under the name that it has outside.
  @Test func aGroupThatIsTheRootOfItsContainerIsFound() {
    let held = limits([
      "/proc/self/cgroup": "2:cpu:/docker/abc\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "300000\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    ])
    #expect(held.processors == 3)
  }

  @Test func noQuotaInVersion1IsNone() {
    let free = limits([
      "/proc/self/cgroup": "2:cpu:/\n", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
      "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
    ])
    #expect(free.quota == nil && free.memoryLimit == nil)
  }

  @Test(arguments: [("0", 1), ("0-3", 4), ("0-3,8,10-11", 7), ("", nil), ("0-", nil), ("3-1", nil)])
  func processorListsAreCounted(list: String, count: Int?) {
    #expect(ProcessLimits.count(of: Substring(list)) == count)
  }

  @Test func aCpusetIsAnAffinity() {
    #expect(limits(["/proc/self/status": "Name:\tx\nCpus_allowed_list:\t2,5\n"]).processors == 2)
  }

  @Test func quotasThatAreNoneAreNil() {
    for text in ["", "max 100000\n", "0 100000", "100000", "a b"] {
      #expect(ControlGroups.quota(ofVersion2: text) == nil, "\(text)")
    }
  }

  @Test func thisProcessHasSome() {
    #expect(ProcessLimits.current.processors >= 1)
    #expect(ProcessLimits.current.memory > 1 << 20)
  }
}
