/// A device without a reference gave back that of a sibling.
enum StolenCount {
  static let explanation = Explanation(
    title: "A device gave back a reference that a sibling had taken",
    meaning: """
      A device was probed before it had a group, so its iommu_device_use_default_domain() took nothing; it \
      joined a group later, and its unbind ran iommu_device_unuse_default_domain() on that group. Unlike in \
      over-release, another member held a reference at that time. owner_cnt carries no identity, so the \
      kernel took that member's reference away and had no reason to warn. From then on the count is one \
      lower than the number of bound drivers, and VFIO may claim the group while a native driver is still \
      doing DMA in it: isolation is broken, whether or not anybody notices. When that sibling is unbound \
      during such a claim, its unuse lowers the owner's count to 0 with the owner still set, the owner's \
      release warns, and the group is stuck.
      """,
    evidence: """
      The books have to be kept for each device: one that gave back more than it took, while the group's \
      count was above 0. It is proved where the early use is seen with a NULL group (or the device's whole \
      life is in the capture without an effective use) and the unuse with the group and a count above 0. It \
      is consistent where log lines show the device bound before "Adding to iommu group N", and suspected \
      where the early use is seen and nothing says whether the group had a reference when the unuse came, or \
      where function names alone have one unuse too many. A successful claim of a group in which a native \
      driver is still bound is the consequence, and supports it.
      """,
    lookAlikes: """
      In a capture that starts in mid-life, a device whose use happened earlier appears to give back what it \
      never took. A leak elsewhere in the group can hide this, because one too many and one too few add up \
      to the right count. Two probes running at the same time may print the same count on entry, since \
      arguments are read before the group's mutex is taken; the effect counts, not the snapshot. A use of \
      the CDX bus that failed and was ignored leads to the same stolen reference by another way: \
      swallowed-use-error.
      """,
    remedy: """
      Treat the machine as not isolated: stop the guests and programs that use the group, then reboot. Fix \
      the order of probing as described in over-release, so that the IOMMU driver is there before its \
      clients. Do not unbind the sibling while an owner holds the group; that is the step that leaves the \
      group owned by nobody. Do not take a group that VFIO calls viable as proof that it is free on such a \
      boot.
      """)
}

extension StolenCount {
  /// One finding for each unuse that gave back a reference which its device had not taken.
  static func find(in summary: GroupSummary, _ context: FindingContext) -> [Finding] {
    summary.ledger.anomalies.compactMap { anomaly in
      guard case .stolen(let call, let use, let certainty) = anomaly.kind else { return nil }
      let group = summary.ledger
      let isProved = certainty > .suspected
      let what =
        isProved
        ? "that somebody else had taken"
        : "that it had never taken"
      let consequence =
        isProved
        ? "The count is now 1 too low: user space may claim the group while a driver still uses it."
        : "If a sibling held one, the count is now 1 too low, and user space may claim the group while a driver "
          + "still uses it; if not, the kernel warned in iommu_device_unuse_default_domain() and changed nothing."
      var found = context.defect(
        .stolenCount, certainty, by: call, in: group,
        message:
          "\(context.holder(driver: call.driver, device: call.device)) gave back a reference of "
          + "\(context.name(group)) \(context.moment(call.entry)) \(what): when it was bound "
          + "(\(context.moment(use.entry))) its device had no group, and so it took none. \(consequence)",
        remedy:
          "Make the IOMMU driver available before its clients, so that a device joins its group before it is bound. "
          + "Do not assign the group on this boot: its count no longer shows who uses it.",
        chain: "use@nogroup>unuse",
        evidence: context.lines(of: use, "a use without a group: it takes nothing")
          + context.lines(
            of: call,
            isProved ? "the unuse takes somebody else's reference" : "an unuse of what was never taken"))
      if !isProved { found.severity = .warning }
      return context.repeated(found, anomaly.alike)
    }
  }
}
