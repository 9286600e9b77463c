/// Commit f429378a9bf8, which gives back the first pass's reference in the test-remove: who has it, by release and by
/// what the capture shows. Vendors patch as they like.
public enum TestRemoveFix {
  /// The commit in mainline, as the kernel's own messages abbreviate it.
  public static let commit = "f429378a9bf8"
  static let title = "driver core: Call dma_cleanup() on the test_remove path"
  /// The mainline release and the first one of each stable series that carries the commit.
  private static let first = [
    KernelVersion(6, 6), KernelVersion(6, 5, 3), KernelVersion(6, 4, 16), KernelVersion(6, 1, 53),
  ]
  /// The first releases in words.
  static let releases = "6.6, 6.5.3, 6.4.16 and 6.1.53"
  /// DMA ownership, and the bug with it, came with this release.
  private static let origin = KernelVersion(5, 19)

  /// Whether a mainline or stable kernel of this release has the commit; `nil` before 5.19, which has no ownership, and
  /// where a distribution's number hides which release of the series it is.
  static func isPart(of version: KernelVersion) -> Bool? {
    if version < origin { return nil }
    if version >= first[0] { return true }
    if isHidden(version) { return nil }
    return first.dropFirst().contains { $0.series == version.series && $0 <= version }
  }

  /// Whether the commit came to the series, and the release does not say whether it came before.
  private static func isHidden(_ version: KernelVersion) -> Bool {
    !version.isPatchKnown && version >= origin && firstRelease(inSeriesOf: version) != nil
  }

  /// The first release of the same series that has it; `nil` where the series ended without.
  static func firstRelease(inSeriesOf version: KernelVersion) -> String? {
    first.dropFirst().first { $0.series == version.series }.map { "\($0.series).\($0.patch)" }
  }

  /// What release and behaviour say together; behaviour outweighs the release.
  static func standing(behaviour: TestDriverRemove, version: KernelVersion?) -> FixStanding {
    let isPart = version.flatMap(isPart(of:))
    switch behaviour {
    case .unfixed: return isPart.map { $0 ? .lacksInSpite : .lacksByRelease } ?? .lacksByBehaviour
    case .fixed: return isPart.map { $0 ? .has : .backported } ?? .hasByBehaviour
    case .inactive, .unknown: return .unknown
    }
  }

  /// One clause on the kernel, to stand behind a semicolon: `this kernel (6.1.30) lacks f429378a9bf8, …`.
  static func clause(_ context: FindingContext, behaviour: TestDriverRemove? = nil) -> String? {
    let upstream = context.upstream.flatMap { $0 == context.release ? nil : ", built from \($0)" } ?? ""
    let name = context.release.map { "this kernel (\($0)\(upstream))" } ?? "this kernel"
    switch standing(behaviour: behaviour ?? context.evidence.verdict, version: context.version) {
    case .lacksByRelease:
      let series = context.version.map { version in
        firstRelease(inSeriesOf: version).map { ", which came to its series with \($0)" }
          ?? "; the \(version.series) series ended without it, so take 6.6 or later"
      }
      return "\(name) lacks \(commit)" + (series ?? "")
    case .lacksInSpite:
      return "\(name) should have \(commit) by its release and behaves as if it had not: \(suspect(context))"
    case .lacksByBehaviour:
      guard let release = context.release else {
        return
          "\(name) behaves as one without \(commit), which came with \(releases) (`uname -r` tells its release)"
      }
      if let version = context.version, isHidden(version), let first = firstRelease(inSeriesOf: version) {
        return
          "\(name) behaves as one without \(commit), which came to its series with \(first); \(release) is its "
          + "distribution's own number and does not tell which \(version.series) it is built from (`uname -v` may)"
      }
      return context.version == nil
        ? "\(name) behaves as one without \(commit), which came with \(releases)"
        : "\(name) is older than DMA ownership itself, so its vendor brought that in without \(commit)"
    case .has: return "\(name) has \(commit), by its release and by what it does"
    case .backported:
      return
        "\(name) does what \(commit) makes it do although its release is older: the commit was backported"
    case .hasByBehaviour, .unknown: return nil
    }
  }

  /// What to boot instead, for a sentence: by the series of the kernel where that helps.
  static func cure(_ context: FindingContext) -> String {
    let option = "CONFIG_DEBUG_TEST_DRIVER_REMOVE"
    guard let version = context.version, isPart(of: version) == false else {
      return "boot a kernel built with \(commit) or without \(option)"
    }
    return "boot \(firstRelease(inSeriesOf: version) ?? "6.6") or later, or a kernel without \(option)"
  }

  /// Why a kernel that should be fixed behaves unfixed: what the evidence makes likely.
  private static func suspect(_ context: FindingContext) -> String {
    let evidence = context.evidence
    let tree =
      context.release.map(isVendorRelease) == true
      ? "a vendor tree that left the commit out" : "a tree from which the commit was taken out"
    if evidence.countsShowLeak {
      return
        "\(tree) is likely, because the counts that were read leave no room for an unuse that was not recorded"
    }
    if !context.losses.isEmpty {
      return "an unuse among the lost events is as likely as \(tree)"
    }
    let passes =
      evidence.unfixed == 1
      ? "the only second pass shows it" : "all \(evidence.unfixed) second passes show it"
    return evidence.sawUnuse
      ? "\(tree) is likely, because \(passes) and an unuse was recorded elsewhere"
      : "\(tree), or an unuse that was not traced"
  }

  /// Distributions append their own number to the release; `+` and `-g…` are marks of a build from git.
  private static func isVendorRelease(_ release: String) -> Bool {
    guard let dash = release.firstIndex(of: "-") else { return false }
    let suffix = release[release.index(after: dash)...]
    return !suffix.hasPrefix("rc") && !suffix.hasPrefix("g") && !suffix.hasPrefix("dirty")
  }
}
