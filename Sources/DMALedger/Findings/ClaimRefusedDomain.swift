/// The group was free, but its domain was not the default one.
enum ClaimRefusedDomain {
  static let explanation = Explanation(
    title: "The claim was refused because of the domain attached to the group",
    meaning: """
      iommu_group_claim_dma_owner() returned -EBUSY. It tests the count first, and would have said -EPERM if \
      that were above 0; so owner_cnt was 0, and the refusal is about what is attached to the group. A \
      driver in the kernel has attached a domain of its own (vhost-vdpa and vDPA devices, some graphics \
      drivers, host1x), or since 6.2 a PASID still has a domain, as with SVA, or in 7.3 a reset of a device \
      is under way. No reference is missing and none is too many.
      """,
    evidence: """
      The claim returns -16. That code alone proves a count of 0 at that moment, so the finding is proved as \
      soon as arguments name the group, and consistent where the group comes from a log line. It is \
      suspected where the code itself is derived from the message of a program. Where \
      iommu:attach_device_to_domain events were recorded, the last one before the claim shows who attached \
      the domain.
      """,
    lookAlikes: """
      -EPERM from the same function means that the count is not 0 and leads to holders, owners and leaks. A \
      claim that succeeds and is followed by a release in the same ioctl failed later, in the IOMMU backend \
      of the container. "Device or resource busy" from open() of /dev/vfio/N is about a second opener, and \
      the same words from a write to a driver's bind file are about a native bind. A -16 from \
      iommu_device_use_default_domain() is the opposite situation: a count above 0.
      """,
    remedy: """
      Find the user of the domain: unload or reconfigure the vDPA, vhost or graphics driver that attached \
      it, or stop the programs that hold SVA bonds on a device of the group. If the log shows a reset of a \
      member at that moment, try again once it is over. Do not remove the group's devices or reboot for this \
      alone; the state changes as soon as the domain is detached. Do not look for a leaked reference: the \
      code rules it out.
      """)
}

extension ClaimRefusedDomain {
  /// One finding a group: claims refused at count 0.
  static func find(in summary: GroupSummary, _ context: FindingContext) -> [Finding] {
    let group = summary.ledger
    guard let first = group.refusals.domain.first?.call else { return [] }
    return [
      Finding(
        rule: .claimRefusedDomain, severity: .warning, certainty: .proved, group: group.id.map(GroupID.init),
        incarnation: group.incarnation,
        message: "A claim of \(context.name(group)) was refused with -EBUSY "
          + "\(context.moment(first.exit ?? first.entry)) although its count was 0: a foreign domain or a PASID is "
          + "attached to it. This is no leak.",
        cause: nil,
        remedy: "Find who attached a domain of its own (vdpa, a GPU driver, SVA) and let it detach first.",
        fingerprint: context.fingerprint(.claimRefusedDomain, driver: nil, device: nil, chain: "claim=-16"),
        evidence: group.refusals.domain.prefix(4).flatMap {
          context.lines(of: $0.call, "the claim is refused")
        })
    ]
  }
}
