import Testing

@testable import Serving

private func source(_ name: String, _ version: Int, _ fingerprint: UInt64 = 1) -> ModelSource {
  ModelSource(name: name, version: version, path: "/m/\(name)/\(version)", fingerprint: fingerprint)
}

private func known(_ name: String, _ version: Int, ready: Bool = true, _ fingerprint: UInt64 = 1)
  -> LifecyclePolicy.Known
{
  .init(name: name, version: version, fingerprint: fingerprint, isReady: ready)
}

@Test func newAndChangedVersionsAreLoaded() {
  let actions = LifecyclePolicy.actions(
    wanted: [source("a", 1), source("b", 1, 2), source("c", 1)], known: [known("b", 1), known("c", 1)])
  #expect(actions == [.load(source("a", 1)), .load(source("b", 1, 2))])
}

@Test func anOldVersionStaysUntilANewOneIsReady() {
  let wanted = [source("a", 2)]
  #expect(LifecyclePolicy.actions(wanted: wanted, known: [known("a", 1)]) == [.load(source("a", 2))])
  #expect(LifecyclePolicy.actions(wanted: wanted, known: [known("a", 1), known("a", 2, ready: false)]) == [])
  #expect(
    LifecyclePolicy.actions(wanted: wanted, known: [known("a", 1), known("a", 2)]) == [
      .unload(name: "a", version: 1)
    ])
}

@Test func aModelThatLeftTheDiskIsUnloaded() {
  #expect(LifecyclePolicy.actions(wanted: [], known: [known("a", 1)]) == [.unload(name: "a", version: 1)])
}

@Test func aVersionThatFailedAndIsNoLongerWantedGoes() {
  let actions = LifecyclePolicy.actions(
    wanted: [source("a", 2)], known: [known("a", 1, ready: false), known("a", 2)])
  #expect(actions == [.unload(name: "a", version: 1)])
}

@Test func versionPoliciesChooseAscending() {
  let onDisk = [3, 10, 1, 2]
  #expect(VersionPolicy.latest(1).choose(from: onDisk) == [10])
  #expect(VersionPolicy.latest(2).choose(from: onDisk) == [3, 10])
  #expect(VersionPolicy.all.choose(from: onDisk) == [1, 2, 3, 10])
  #expect(VersionPolicy.specific([7, 2]).choose(from: onDisk) == [2])
}
