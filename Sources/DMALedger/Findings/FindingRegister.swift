/// All rules in one place: the order in which they are asked and the order in which they are told.
enum FindingRegister {
  /// What the rules find in one group.
  static func findings(in summary: GroupSummary, _ context: FindingContext) -> [Finding] {
    TestRemoveLeak.find(in: summary, context) + ProbeFailureLeak.find(in: summary, context)
      + UnbindLeak.find(in: summary, context) + OverRelease.find(in: summary, context)
      + StolenCount.find(in: summary, context) + SwallowedUseError.find(in: summary, context)
      + PasidBlockedUnuse.find(in: summary, context) + GroupFreedWithCount.find(in: summary, context)
      + ReleaseUnowned.find(in: summary, context) + ExcessCount.find(in: summary, context)
      + NotViable.find(in: summary, context) + SiblingHolder.find(in: summary, context)
      + ForeignOwner.find(in: summary, context) + ClaimRefusedDomain.find(in: summary, context)
      + NativeBindRefused.find(in: summary, context)
  }

  /// What they find in the capture as a whole.
  static func general(
    unattributedRefusals: [OwnershipCall], lostBefore: Int, traceResets: [Witness],
    _ contexts: [FindingContext]
  ) -> [Finding] {
    guard let last = contexts.last else { return [] }
    return NotViable.find(unattributed: unattributedRefusals, last)
      + contexts.flatMap { TestRemoveActive.find($0) }
      + EvidenceLost.find(last, header: lostBefore, resets: traceResets)
  }

  /// Gravest first; of equals the one that was found first.
  static func sorted(_ findings: [Finding]) -> [Finding] {
    findings.enumerated().sorted { left, right in
      if left.element.severity != right.element.severity {
        return left.element.severity > right.element.severity
      }
      return left.offset < right.offset
    }.map(\.element)
  }
}
