/// Another member is bound to a kernel driver, and rightly holds the group.
enum SiblingHolder {
  static let explanation = Explanation(
    title: "Another device of the group is in use by a kernel driver",
    meaning: """
      Devices that the IOMMU cannot tell apart share a group, and a group goes to user space as a whole or \
      not at all. A member other than the one you want is bound to a native driver; its bind took a \
      reference with iommu_device_use_default_domain(), and it will give it back with \
      iommu_device_unuse_default_domain() when it is unbound. The count equals the number of such members, \
      so nothing has leaked and the kernel is right to refuse. Typical holders are the audio function of a \
      graphics card (snd_hda_intel), its USB-C functions, the other port of a network card, a PF beside its \
      VFs, or a chipset function such as the i2c_i801 SMBus controller that a new kernel began to load by \
      itself. A PCI bridge bound to shpchp counts as well; bound to pcieport it does not, because pcieport \
      manages DMA itself.
      """,
    evidence: """
      A member with an effective use, a completed bind and no unuse since, while the count has no excess \
      over such members. It is proved where arguments name the member, its group and the result of the use. \
      It is consistent where function names are joined with log lines that name device, driver and group, or \
      where a listing of sysfs shows the driver bound and the capture did not see the use. One that is merely \
      suspected is not told. The finding names every such member with the driver and the time of its bind, where the \
      capture has them.
      """,
    lookAlikes: """
      A leak with no driver bound leaves the same count, so a holder is named only if its bind was seen to \
      complete or its driver is known to be bound. Members bound to vfio-pci, a variant of it, pci-stub or \
      pcieport took no reference when they were bound, whatever a list of drivers in the group may suggest. \
      A member can hold a reference and another can have leaked one in the same group; compare the count \
      with the number of holders before believing that freeing the holder is enough. A device in another \
      group is no sibling, even on the same card.
      """,
    remedy: """
      Unbind the members named here from their native drivers, or bind them to vfio-pci too and pass them on \
      with the rest; set driver_override, or blacklist the module or order it after vfio-pci with a softdep, \
      so that the native driver does not come first at the next boot. If the machine needs the holder, \
      separate the devices: another slot, a slot behind ports with ACS, VFs instead of the PF. For a bridge, \
      unbind shpchp from it; the bridge itself keeps working.

      Do not look for a kernel fix, because nothing is broken. Do not bind pcieport bridges to vfio-pci: they \
      hold nothing.
      """)
}

extension SiblingHolder {
  /// One finding for each device that held the group by right when VFIO asked for it.
  static func find(in summary: GroupSummary, _ context: FindingContext) -> [Finding] {
    let group = summary.ledger
    var told: Set<NameID> = []
    var findings: [Finding] = []
    for refusal in group.refusals.kept where refusal.owner != .user {
      for holding in RefusalStory(refusal, in: summary).holdings where told.insert(holding.device).inserted {
        findings.append(finding(holding, refusal, group, context))
      }
    }
    return findings
  }

  private static func finding(
    _ holding: RefusalStory.Holding, _ refusal: GroupRefusals.Refusal, _ group: GroupLedger,
    _ context: FindingContext
  ) -> Finding {
    let name = context.names.text(holding.device)
    let driver = context.text(holding.driver)
    let since =
      holding.isListed
      ? "since before the capture began, as the listing shows"
      : holding.isFromBefore
        ? "since before the capture began, until it gave it back \(context.moment(holding.witness))"
        : "taken \(context.moment(holding.witness))"
    let isBridge = driver == "shpchp"
    let isOver =
      holding.isFromBefore && !holding.isListed
      || group.devices.contains { $0.name == holding.device && $0.holding == nil }
    return Finding(
      rule: .siblingHolder, severity: .warning,
      certainty: holding.isListed || holding.isFromBefore && !context.evidence.sawUse
        || group.hiddenUnuses > 0
        ? .consistent : .proved,
      group: group.id.map(GroupID.init),
      incarnation: group.incarnation, device: name, driver: driver,
      message:
        "\(name) \(isOver ? "was" : "is") bound to \(driver ?? "a native driver"), which \(isOver ? "held" : "holds") "
        + "1 reference of \(context.name(group)) by right, \(since). "
        + (isOver
          ? "While it did, VFIO could not have any device of the group."
          : "While it does, VFIO cannot have any device of the group."),
      remedy: isOver
        ? "Nothing now, for \(name) has given it back by the end of the capture. To have the group from the start, let "
          + "vfio-pci come before its native driver (driver_override, or a softdep)."
        : isBridge
          ? "Unbind shpchp from this bridge; unlike pcieport it takes part in DMA ownership."
          : "Unbind \(name) or bind it to vfio-pci as well (driver_override, or a softdep that loads vfio-pci first); "
            + "if it must stay native, the devices belong in different groups: another slot, or a topology with ACS.",
      fingerprint: context.fingerprint(
        .siblingHolder, driver: holding.driver, device: holding.device, chain: "use>query"),
      evidence: [
        context.evidence(
          holding.witness,
          holding.isListed
            ? "bound, as the listing shows"
            : holding.isFromBefore ? "it gives back what it held" : "it takes its reference"),
        context.evidence(refusal.call.exit ?? refusal.call.entry, "VFIO is refused"),
      ].sorted { $0.at < $1.at })
  }
}
