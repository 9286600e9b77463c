/// A native driver was kept out of an owned group.
enum NativeBindRefused {
  static let explanation = Explanation(
    title: "A kernel driver was kept out of a group that user space owns",
    meaning: """
      A driver tried to bind to a member of a group that a VFIO container or an iommufd context owns. \
      iommu_device_use_default_domain() returned -EBUSY, the bus's ->dma_configure() passed it on, and \
      really_probe() ended with -16 before ->probe() ran. That is what the ownership rules are for: a kernel \
      driver must not do DMA in an address space that a guest controls. It happens with sibling functions at \
      boot, with VFs and rescanned devices that join an owned group, and with somebody writing to a bind \
      file. sysfs reports "Device or resource busy"; a probe by udev or at boot says nothing in the log.
      """,
    evidence: """
      One really_probe() call with a use that returns -16, no unuse, and -16 as its own result, while the \
      group is owned. It is proved where arguments give the group and its owner, or the claim was seen. It is \
      consistent where return codes are joined with names from the log, or where nothing shows the owner: the \
      code alone may come from an attached domain as well. It is suspected where only the refused write to the \
      bind file is known. Nothing changes in the count: there is no reference to give back.
      """,
    lookAlikes: """
      really_probe() also ends with -16 without any use when the device's list of managed resources is not \
      empty, and that is an error of a driver. A write to bind for a device that already has a driver gives \
      the same message, and never enters really_probe(). If the group is not owned, -16 from the use means \
      that a foreign domain or a PASID is attached. A refused use after which the driver is bound all the \
      same is swallowed-use-error.
      """,
    remedy: """
      Nothing has to be repaired. If the device should have its native driver, end the guest that owns the \
      group first and bind again; if it should not, keep the native driver from trying with driver_override \
      or a blacklist entry. Where VFs or hot-added functions appear in the group, set \
      sriov_drivers_autoprobe to 0 on the PF, or bind them to vfio-pci. Do not work around the refusal; it \
      keeps the host's memory out of the guest's reach.
      """)
}

extension NativeBindRefused {
  /// One finding for each device that was refused, with how often.
  static func find(in summary: GroupSummary, _ context: FindingContext) -> [Finding] {
    let group = summary.ledger
    return group.refusals.binds.compactMap { device, calls, count in
      guard let first = calls.first else { return nil }
      let times = count == 1 ? "" : " (and \(more(count - 1)))"
      let isOwned = isOwned(group, at: first)
      return Finding(
        rule: .nativeBindRefused, severity: .note,
        certainty: first.group == nil || isOwned == nil ? .consistent : .proved,
        group: group.id.map(GroupID.init), incarnation: group.incarnation, device: context.text(device),
        driver: context.text(first.driver),
        message:
          "\(context.holder(driver: first.driver, device: device)) was refused \(context.name(group)) with "
          + "-EBUSY \(context.moment(first.exit ?? first.entry))\(times), \(why(isOwned))",
        remedy: isOwned == true
          ? "Nothing, if the device was not meant to be bound. Otherwise release the group first."
          : "Nothing, if the device was not meant to be bound. Otherwise find the owner, or who attached a domain of "
            + "its own (vdpa, a graphics driver, SVA), and let it go first.",
        fingerprint: context.fingerprint(
          .nativeBindRefused, driver: first.driver, device: device, chain: "really_probe>use=-16"),
        evidence: calls.flatMap { context.lines(of: $0, "the use is refused") })
    }
  }

  /// Whether user space owned the group, where the capture shows that: by the owner that was read, which a refusal leaves
  /// as it was, or by the last claim before.
  private static func isOwned(_ group: GroupLedger, at call: OwnershipCall) -> Bool? {
    if let owner = call.ownerBefore ?? call.ownerAfter { return owner != 0 }
    guard group.losses == 0 else { return nil }
    let last = group.changes.kept.last { entry in
      guard entry.call.entry.at < call.entry.at else { return false }
      return switch entry.call.kind {
      case .claim, .deviceClaim, .use: entry.call.result == 0
      case .release, .deviceRelease: true
      case .unuse, .query: false
      }
    }
    return last?.call.kind == .claim || last?.call.kind == .deviceClaim ? true : nil
  }

  private static func why(_ isOwned: Bool?) -> String {
    switch isOwned {
    case true?:
      "because the group has another owner. That is how the kernel keeps native drivers out of a group in use by "
        + "user space."
    case false?:
      "although it has no owner: a foreign domain or a PASID is attached to it while it is in use."
    case nil:
      "because user space owns the group, or because a foreign domain or a PASID is attached to it while it is in use. "
        + "The capture does not show which."
    }
  }
}
