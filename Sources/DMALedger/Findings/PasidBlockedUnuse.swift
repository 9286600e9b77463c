/// An unuse was refused because a PASID was still attached.
enum PasidBlockedUnuse {
  static let explanation = Explanation(
    title: "A PASID that was still attached kept a reference from being given back",
    meaning: """
      Since 6.2 iommu_device_unuse_default_domain() refuses to act while a PASID of the group has a domain \
      attached: it warns and returns without lowering owner_cnt. The driver was unbound before its PASIDs \
      were detached, so an SVA bond or a PASID domain outlived it. The device is without a driver then and \
      the reference stays: this is a real leak, although the warning reads exactly like the one for a \
      reference too many. As long as the PASID is attached, a new use is refused with -EBUSY; once it is \
      detached the device can be bound again, but the old reference is still there.
      """,
    evidence: """
      The unuse warns although the count is above 0. It is proved where the argument on entry shows a group \
      that is not NULL and a count of at least 1, and the next observation finds the count unchanged. It is \
      consistent where the warning is joined to the unbind by task and time and the ledger, from names and \
      return codes, has the count at 1 or more. It is suspected where the warning is there and the count is \
      not known.
      """,
    lookAlikes: """
      At a count of 0 the same line of the kernel warns for over-release, where nothing leaks; only the \
      count on entry tells the two apart. That count is read before the mutex is taken, so with two unbinds \
      at the same time a 1 may already be a 0. A PASID that is still attached when an owner releases the \
      group warns in __iommu_release_dma_ownership(), which is release-unowned. A claim that fails with \
      -EBUSY while a PASID is attached is claim-refused-domain and leaks nothing.
      """,
    remedy: """
      The driver has to undo in its remove callback, before it returns, what it attached: \
      every SVA bond and every PASID domain. Until it does, stop the programs that use the device's shared address space before unbinding it. Clear the \
      leak by removing all members of the group and rescanning, or by a reboot. Do not bind and unbind the \
      driver again: the old reference has no one left to return it, and with a PASID still attached the bind \
      fails.
      """)
}

extension PasidBlockedUnuse {
  /// One finding for each unuse that changed nothing although the count was not 0.
  static func find(in summary: GroupSummary, _ context: FindingContext) -> [Finding] {
    summary.ledger.anomalies.compactMap { anomaly in
      guard case .pasidBlocked(let call) = anomaly.kind else { return nil }
      let group = summary.ledger
      let found = context.defect(
        .pasidBlockedUnuse, by: call, in: group, excess: 1,
        message:
          "\(context.holder(driver: call.driver, device: call.device)) tried to give back its reference of "
          + "\(context.name(group)) \(context.moment(call.entry)), and the count stayed at "
          + "\(call.countBefore.map(String.init) ?? "what it was"): the kernel refuses while a PASID is attached, and "
          + "warns as it does for a count of 0. The reference stays.",
        remedy: "Let whoever attached the PASID (SVA, iommufd) detach it before the driver is unbound.",
        chain: "unuse@pasid",
        evidence: context.lines(of: call, "an unuse that changes nothing"))
      return context.repeated(found, anomaly.alike)
    }
  }
}
