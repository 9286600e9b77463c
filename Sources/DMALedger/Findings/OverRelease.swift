/// An unuse found the count at 0.
enum OverRelease {
  static let explanation = Explanation(
    title: "A reference was given back that the group did not have",
    meaning: """
      iommu_device_unuse_default_domain() found owner_cnt at 0; it warns and leaves the count alone. The \
      usual story is a device that was probed before it had a group. iommu_device_use_default_domain() then \
      sees dev->iommu_group == NULL and returns 0 without taking anything, the IOMMU driver arrives and puts \
      the bound device into a group, and the unbind gives back a reference that was never taken. The warning \
      itself does no harm, and the count stays right from then on. What it reveals is worse: as long as the \
      early driver was bound, its group looked free, and VFIO could have claimed it under a device that was \
      doing DMA.
      """,
    evidence: """
      It is proved where an argument shows the count at 0 on entry with a group that is not NULL, or where \
      the capture has the whole story: the use with a NULL group, iommu:add_device_to_group while the driver \
      is bound, then the unuse. It is consistent where the kernel's warning names \
      iommu_device_unuse_default_domain() and is joined by task and time to an unbind of the device. With \
      the warning alone no device and no group is known, and it is suspected (consistent before 6.2, where nothing looks \
      at PASIDs) and no error. It is suspected, too, where only function names show more unuses than uses. From 6.15 on, "late IOMMU probe at \
      driver bind, something fishy here!" in the log points the same way.
      """,
    lookAlikes: """
      A capture that starts in mid-life often begins with an unuse; that only means that the count was at \
      least 1 before, so the rule asks for the warning or for the group's arguments. From 6.2 on, the same \
      line warns when the count is above 0 but a PASID is attached, and then a reference really stays: \
      pasid-blocked-unuse. Values printed for a device without a group (grp=0x0) are leftovers of the ring \
      buffer, and id=0 cnt=0 among them looks like an underflow of group 0. If a sibling held a reference, \
      there is no warning at all; see stolen-count.
      """,
    remedy: """
      Make the IOMMU driver available before the devices behind it: build it in or put its module into the \
      initramfs, and look at deferred_probe_timeout and at the firmware tables that describe which device is \
      behind which IOMMU. On the running machine the accounting is right again once the warning has come, \
      and binding the driver anew takes a proper reference, because this time it sees the group. Do not hand \
      the group to VFIO while a driver that was probed before its IOMMU is still bound. Do not silence the \
      warning: it is the only trace that this leaves.
      """)
}

extension OverRelease {
  /// One finding for each unuse at count 0.
  static func find(in summary: GroupSummary, _ context: FindingContext) -> [Finding] {
    summary.ledger.anomalies.compactMap { anomaly in
      guard case .overRelease(let call, let certainty) = anomaly.kind else { return nil }
      return context.repeated(finding(call, certainty, summary.ledger, context), anomaly.alike)
    }
  }

  private static func finding(
    _ call: OwnershipCall, _ certainty: Certainty, _ group: GroupLedger, _ context: FindingContext
  ) -> Finding {
    let shown =
      certainty == .proved ? "its owner_cnt was read as 0" : "every reference that the capture shows was gone"
    return context.defect(
      .overRelease, certainty, by: call, in: group,
      message: "\(context.holder(driver: call.driver, device: call.device)) gave back a reference of "
        + "\(context.name(group)) \(context.moment(call.entry)) although \(shown). The kernel warns in "
        + "iommu_device_unuse_default_domain() and changes nothing.",
      remedy:
        "Find the use that this unuse belongs to. If the device was probed before it joined its group (an "
        + "IOMMU driver that loads late), make the IOMMU driver available before its clients.",
      chain: "unuse@0",
      evidence: context.lines(of: call, "an unuse at count 0"))
  }
}
