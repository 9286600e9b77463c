/// A group was freed with references left.
enum GroupFreedWithCount {
  static let explanation = Explanation(
    title: "The last device left a group whose count was not 0",
    meaning: """
      When the last member leaves, the group is freed, and whatever owner_cnt still held is gone with it. \
      Since 6.4 (commit dba9ca9d41f5) the kernel checks this and warns, in __iommu_group_free_device() or, \
      in 6.4 and 6.5, in iommu_release_device(); before that it happened in silence. The warning marks the \
      end of an earlier leak (test-remove-leak, probe-failure-leak, unbind-leak, pasid-blocked-unuse) and is \
      not a defect of its own. Nothing of the leak survives: a group made afterwards starts at 0, even if it \
      is given the same number, and it usually is, because the lowest free number is handed out.
      """,
    evidence: """
      The last member's departure (iommu:remove_device_from_group or the function below it) while the ledger \
      has the count above 0. It is proved where that count rests on arguments or decisive return codes, and \
      consistent where the kernel's warning is joined to a group whose count was derived from names and log \
      lines. With the warning alone it is suspected, because the same warning has a second reason. On 6.3 \
      and older there is no warning, and the ledger alone has to show it.
      """,
    lookAlikes: """
      The same check warns when a domain other than the default one is attached as the group is freed; then \
      the count may well be 0. A new group with the old number is not the old group: the pointer differs, \
      and a count carried over from one to the other is a leak that never was. From 6.4 on an ordinary \
      removal no longer prints "Removing from iommu group", so its absence says nothing. A removal in the \
      right order, with the unuse or the release before the departure, is balanced.
      """,
    remedy: """
      Nothing is left to clear in this group. Look for the leak that came before; if it is not in the \
      capture, record again from the first bind of the members' drivers. If you removed and rescanned the \
      members to get rid of a leak, this warning is the expected sign that it worked. On a machine that is \
      set to panic at a warning do not clear a leak that way: reboot it instead. Do not report the warning as a bug of the IOMMU core.
      """)
}

extension GroupFreedWithCount {
  /// One finding for a group that was freed with references left in it.
  static func find(in summary: GroupSummary, _ context: FindingContext) -> [Finding] {
    summary.ledger.anomalies.compactMap { anomaly in
      guard case .freed(let witness, let count) = anomaly.kind else { return nil }
      let group = summary.ledger
      let found = Finding(
        rule: .groupFreedWithCount, severity: .error, certainty: .proved, group: group.id.map(GroupID.init),
        incarnation: group.incarnation, excess: count.exact,
        message:
          "The last device left \(context.name(group)) \(context.moment(witness)) while its count was "
          + "\(count.exact.map(String.init) ?? "at least \(count.min)"). The group is freed and its references with it; "
          + "kernels from 6.4 on warn.",
        remedy:
          "This buries a leak and is none itself: look for the finding that tells who left the references behind.",
        fingerprint: context.fingerprint(.groupFreedWithCount, driver: nil, device: nil, chain: "left>freed"),
        evidence: [context.evidence(witness, "the last device leaves")])
      return context.repeated(found, anomaly.alike)
    }
  }
}
