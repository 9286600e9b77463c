/// A release found no owner or no count.
enum ReleaseUnowned {
  static let explanation = Explanation(
    title: "An owner released a group that was not owned",
    meaning: """
      iommu_group_release_dma_owner(), or iommu_device_release_dma_owner() for iommufd, found owner_cnt at 0 \
      or owner at NULL. Since 6.2 the test stands in __iommu_release_dma_ownership() and also fires while a \
      PASID is attached. The kernel warns and returns, so the state stays as it was: if the owner was still \
      set with a count of 0, the group remains in that state and no orderly call leads out of it. There are \
      two known ways to get here. Either somebody took the owner's reference away earlier (stolen-count, \
      swallowed-use-error), or VFIO released twice or too late, as when a device was unplugged while open; \
      the 6.0 release candidates did that on s390.
      """,
    evidence: """
      It is proved where arguments on entry of the release show the count at 0 or the owner at NULL for a \
      group that is not NULL. It is consistent where the warning names one of these functions and is joined \
      by task and time to the release (and no error then, for the sake of the look-alike), and suspected with the \
      warning alone or where function names alone show a release without a \
      claim in a capture that saw the group's life from its beginning. Any earlier finding in the same group \
      is listed with it, because it is usually the cause.
      """,
    lookAlikes: """
      A release without a claim at the start of a capture is normal: the claim was made before. The task \
      that releases need not be the one that claimed, because a file descriptor can be handed to another \
      process. An unbind of vfio-pci enters device_remove() seconds before the release it waits for, and \
      that order is legal too. A second warning with the same function in its text has another reason: the \
      default domain could not be attached again, for example because the device was fenced (seen on s390 \
      with 6.11). Read the line number and the expression of the warning before counting it here.
      """,
    remedy: """
      Look for stolen-count and swallowed-use-error in the same group and solve those; this finding then \
      goes away. If there is none, report it as a lifetime bug of VFIO, with a capture of \
      vfio_group_detach_container, the claim and release functions and device_remove around an unplug, and \
      the exact kernel version. To use the group again, remove all of its members and rescan, or reboot. Do \
      not try to repair it by opening and closing the group again: with the count at 0 and the owner still \
      set, the next native bind succeeds, and the stale owner seems to hold the group again.
      """)
}

extension ReleaseUnowned {
  /// One finding for each release of a group that nobody owned.
  static func find(in summary: GroupSummary, _ context: FindingContext) -> [Finding] {
    summary.ledger.anomalies.compactMap { anomaly in
      guard case .releaseUnowned(let call) = anomaly.kind else { return nil }
      let group = summary.ledger
      let found = Finding(
        rule: .releaseUnowned, severity: .error, certainty: .proved, group: group.id.map(GroupID.init),
        incarnation: group.incarnation,
        message:
          "\(context.name(group)) was released \(context.moment(call.entry)) although nobody owned it. "
          + (call.kind == .deviceRelease
            ? "iommu_device_release_dma_owner() warns if the count is 1 and takes a driver's reference if it is more."
            : "The kernel warns in iommu_group_release_dma_owner() and changes nothing."),
        remedy:
          "Look at what happened to the group between the claim and this release: an unuse too many, or a "
          + "hot-unplug, takes the count away from its owner.",
        fingerprint: context.fingerprint(.releaseUnowned, driver: nil, device: nil, chain: "release@unowned"),
        evidence: context.lines(of: call, "a release without an owner"))
      return context.repeated(found, anomaly.alike)
    }
  }
}
