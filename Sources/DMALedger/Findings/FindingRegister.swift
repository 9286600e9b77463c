/// All rules in one place: the order in which they are asked and the order in which they are told.
enum FindingRegister {
  static func findings(
    _ summaries: [GroupSummary], unattributedRefusals: [OwnershipCall], lostBefore: Int,
    _ context: FindingContext
  ) -> [Finding] {
    var findings: [Finding] = []
    for summary in summaries {
      findings += TestRemoveLeak.find(in: summary, context)
      findings += OverRelease.find(in: summary, context)
      findings += ReleaseUnowned.find(in: summary, context)
      findings += ExcessCount.find(in: summary, context)
      findings += NotViable.find(in: summary, context)
      findings += SiblingHolder.find(in: summary, context)
      findings += ForeignOwner.find(in: summary, context)
      findings += ClaimRefusedDomain.find(in: summary, context)
      findings += NativeBindRefused.find(in: summary, context)
    }
    findings += NotViable.find(unattributed: unattributedRefusals, context)
    findings += TestRemoveActive.find(context)
    findings += EvidenceLost.find(context, header: lostBefore)
    return findings.enumerated().sorted { left, right in
      if left.element.severity != right.element.severity {
        return left.element.severity > right.element.severity
      }
      return left.offset < right.offset
    }.map(\.element)
  }
}
