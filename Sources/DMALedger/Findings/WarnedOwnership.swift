/// The kernel's own warnings about ownership: evidence of the finding whose call they were printed in, and findings of
/// their own where no call shows what happened.
///
/// A warning names a function and a task, never a device or a group, and each of them has two reasons: alone it proves
/// neither.
enum WarnedOwnership {
  /// A warning is printed this much later than the entry of the call at most, in nanoseconds: consoles are slow.
  private static let longestDelay: Int64 = 20_000_000
  /// The clocks of log and trace may disagree by this much, in nanoseconds.
  private static let skew: Int64 = 1_000_000

  /// The findings of each group with the warnings that belong to them, and findings of what is left.
  static func quote(
    _ warnings: [IncidentLog.Warning], in found: [[Finding]], _ summaries: [GroupSummary],
    _ contexts: [FindingContext]
  ) -> (own: [[Finding]], unclaimed: [Finding]) {
    var own = found
    var left: [IncidentLog.Warning] = []
    for warning in warnings {
      if claim(warning, warnings, &own, summaries, contexts) { continue }
      left.append(warning)
    }
    return (own, unclaimed(left, contexts))
  }

  // MARK: - In a call

  private static func claim(
    _ warning: IncidentLog.Warning, _ all: [IncidentLog.Warning], _ own: inout [[Finding]],
    _ summaries: [GroupSummary], _ contexts: [FindingContext]
  ) -> Bool {
    // Without a common clock only one warning and one call of its kind belong together.
    var anomalies: [(group: Int, at: LineReference)] = []
    for (group, summary) in summaries.enumerated() where isOf(warning, summary) {
      for anomaly in summary.ledger.anomalies {
        guard let shown = shown(anomaly, warning.warning.kind) else { continue }
        if warning.moment == nil || isPrinted(warning, in: shown) {
          anomalies.append((group, shown.entry.at))
        }
      }
    }
    let isOnly = all.count { $0.warning.kind == warning.warning.kind } == 1
    if anomalies.count == 1, warning.moment != nil || isOnly {
      let place = anomalies[0]
      let at = contexts[0].order.place(place.at)
      if let index = own[place.group].firstIndex(where: { finding in
        finding.evidence.contains { $0.at == at } && finding.severity == .error
      }) {
        let context = contexts[summaries[place.group].ledger.boot]
        own[place.group][index].evidence.append(context.evidence(warning.warning.witness, "the kernel warns"))
        return true
      }
    }
    guard warning.moment != nil else { return false }
    var calls: [(group: Int, call: OwnershipCall)] = []
    for (group, summary) in summaries.enumerated() where isOf(warning, summary) {
      for entry in summary.ledger.changes.kept where matches(entry.call.kind, warning.warning.kind) {
        let shown = Shown(entry: entry.call.entry, end: entry.call.exit, pid: entry.call.pid)
        if isPrinted(warning, in: shown) { calls.append((group, entry.call)) }
      }
      // One of those that are only counted may be the one.
      if let fold = summary.ledger.changes.fold, mayBe(warning, in: fold) { return false }
    }
    guard calls.count == 1, let (group, call) = calls.first else { return false }
    let context = contexts[summaries[group].ledger.boot]
    own[group].append(finding(warning, call, summaries[group].ledger, context))
    return true
  }

  /// When and in which task a call ran.
  private struct Shown {
    var entry: Witness
    var end: Witness?
    var pid: Int32
  }

  private static func isOf(_ warning: IncidentLog.Warning, _ summary: GroupSummary) -> Bool {
    warning.boot == summary.ledger.boot
  }

  private static func shown(_ anomaly: Anomaly, _ kind: OwnershipWarning.Kind) -> Shown? {
    switch (anomaly.kind, kind) {
    case (.overRelease(let call, _), .unuse), (.pasidBlocked(let call), .unuse),
      (.releaseUnowned(let call), .release):
      Shown(entry: call.entry, end: call.exit, pid: call.pid)
    case (.freed(let witness, _), .freed): Shown(entry: witness, end: nil, pid: -1)
    default: nil
    }
  }

  private static func matches(_ call: OwnershipCallKind, _ kind: OwnershipWarning.Kind) -> Bool {
    switch kind {
    case .unuse: call == .unuse
    case .release: call == .release || call == .deviceRelease
    case .freed: false
    }
  }

  private static func mayBe(_ warning: IncidentLog.Warning, in fold: ChangeList.Fold) -> Bool {
    let kind = warning.warning.kind
    guard OwnershipCallKind.allCases.contains(where: { matches($0, kind) && fold.calls[$0] > 0 }) else {
      return false
    }
    return isPrinted(
      warning, in: Shown(entry: fold.first.entry, end: fold.last.exit ?? fold.last.entry, pid: -1))
  }

  private static func isPrinted(_ warning: IncidentLog.Warning, in call: Shown) -> Bool {
    if warning.warning.pid >= 0, call.pid >= 0, warning.warning.pid != call.pid { return false }
    guard let moment = warning.moment, let entry = call.entry.time, entry.isSane else { return false }
    let end = call.end?.time ?? entry
    return moment >= entry.value - skew && moment <= max(end.value, entry.value) + longestDelay
  }

  private static func finding(
    _ warning: IncidentLog.Warning, _ call: OwnershipCall, _ group: GroupLedger, _ context: FindingContext
  ) -> Finding {
    let isBlocked = warning.warning.kind == .unuse && call.countBefore ?? 0 > 0
    let rule: Rule =
      warning.warning.kind == .release ? .releaseUnowned : isBlocked ? .pasidBlockedUnuse : .overRelease
    var message =
      "The kernel warned while \(context.name(group)) was given back \(context.moment(call.entry))"
    if let device = context.text(call.device) { message += " for \(device)" }
    message +=
      ". " + (meaning(of: warning.warning.kind, at: call.countBefore) ?? meaning(warning.warning.kind))
    return Finding(
      rule: rule, severity: warning.warning.kind == .release ? .warning : .error, certainty: .consistent,
      group: group.id.map(GroupID.init), incarnation: group.incarnation, device: context.text(call.device),
      driver: context.text(call.driver), message: message, remedy: remedy(warning.warning.kind),
      fingerprint: context.fingerprint(rule, driver: call.driver, device: call.device, chain: "warning"),
      evidence: context.lines(of: call, "the call") + [
        context.evidence(warning.warning.witness, "the kernel warns")
      ])
  }

  // MARK: - In the log alone

  private static func unclaimed(_ warnings: [IncidentLog.Warning], _ contexts: [FindingContext]) -> [Finding]
  {
    guard let last = contexts.last else { return [] }
    return OwnershipWarning.Kind.allCases.compactMap { kind in
      let same = warnings.filter { $0.warning.kind == kind }
      guard let first = same.first else { return nil }
      let context = first.boot.map { contexts[$0] } ?? last
      let times = same.count == 1 ? "once" : "\(same.count) times"
      let rule = rule(kind)
      return Finding(
        rule: rule, severity: .warning, certainty: certainty(kind, context),
        message:
          "The kernel log warns \(times) in \(function(kind)), first \(context.moment(first.warning.witness)), and no "
          + "call in the capture shows of which device or group. " + meaning(kind),
        remedy: remedy(kind),
        fingerprint: context.fingerprint(rule, driver: nil, device: nil, chain: "warning"),
        evidence: same.prefix(6).map { context.evidence($0.warning.witness, "the kernel warns") })
    }
  }

  /// PASIDs are looked at from 6.2 on: before that an unuse warns for one reason only.
  private static func certainty(_ kind: OwnershipWarning.Kind, _ context: FindingContext) -> Certainty {
    guard kind == .unuse, let version = context.version else { return .suspected }
    return version < KernelVersion(6, 2, 0) ? .consistent : .suspected
  }

  private static func rule(_ kind: OwnershipWarning.Kind) -> Rule {
    switch kind {
    case .unuse: .overRelease
    case .release: .releaseUnowned
    case .freed: .groupFreedWithCount
    }
  }

  private static func function(_ kind: OwnershipWarning.Kind) -> String {
    switch kind {
    case .unuse: "iommu_device_unuse_default_domain()"
    case .release: "the release of DMA ownership"
    case .freed: "the freeing of an IOMMU group"
    }
  }

  /// The same, where the call tells the count that the kernel found; `nil` where that decides nothing.
  private static func meaning(of kind: OwnershipWarning.Kind, at count: Int?) -> String? {
    guard kind == .unuse, let count else { return nil }
    return count == 0
      ? "owner_cnt was 0 then: a reference was given back that had never been taken (a device probed before it joined "
        + "its group)."
      : "owner_cnt was \(count) then, so it was not the count that the kernel minded: a PASID was still attached, and the "
        + "reference stays."
  }

  private static func meaning(_ kind: OwnershipWarning.Kind) -> String {
    switch kind {
    case .unuse:
      "Either a reference was given back that had never been taken (a device probed before it joined its group), or, "
        + "from 6.2 on, a PASID was still attached and the reference stays (pasid-blocked-unuse). Only the count at "
        + "that moment tells which."
    case .release:
      "Either nobody owned the group any more, or its default domain could not be attached again, which has nothing to "
        + "do with the count. The line number in the warning tells which."
    case .freed:
      "Either references were left in the group when its last device went, which buries an earlier leak, or a foreign "
        + "domain was still attached. The group is gone; a new one of that number starts at 0."
    }
  }

  private static func remedy(_ kind: OwnershipWarning.Kind) -> String {
    switch kind {
    case .unuse:
      "Read the backtrace below the warning for the task that unbound the driver, and record the unbind with the group's "
        + "id and count as arguments of iommu_device_unuse_default_domain()."
    case .release:
      "Look up the line number in the kernel's drivers/iommu/iommu.c, and record claims and releases with the group's id, "
        + "count and owner as arguments."
    case .freed:
      "Look for the leak that came before. To find it, record from the first bind of the group's drivers on."
    }
  }
}
