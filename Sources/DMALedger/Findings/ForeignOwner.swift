/// The group is owned by somebody else.
enum ForeignOwner {
  static let explanation = Explanation(
    title: "Another container or iommufd context owns the group",
    meaning: """
      A group has one owner at a time, kept as a pointer in iommu_group::owner: the vfio_group that was put \
      into a container, or an iommufd context. iommu_group_claim_dma_owner() refuses with -EPERM whenever \
      owner_cnt is not 0, and iommu_device_claim_dma_owner() does so unless the caller is the owner already. \
      Here the count is not 0 because such an owner holds the group: another virtual machine, a DPDK \
      program, a process that is slow to exit, or the same process using a container for one device of the \
      group and an iommufd for another. An owner of the same iommufd context may claim further devices, and \
      each adds one to the count.
      """,
    evidence: """
      A claim or device claim that succeeded earlier, not released since, and a later one that returns -1, \
      or a query that says claimed. It is proved where the arguments give group and owner and the pointers \
      differ, and consistent where return codes and names are joined by task and log line to two different \
      users. It is suspected where the first claim lies before the capture and only the refusal is seen. The \
      task of the first claim is named where the capture has it.
      """,
    lookAlikes: """
      -EPERM only says that the count is not 0; without a claim in sight a native driver or a leak explains \
      it as well. A count of 2 and more under one iommufd context is normal and no leak. A second open() of \
      /dev/vfio/N fails with -EBUSY in VFIO itself and never reaches the claim. The task that releases may \
      be another than the one that claimed, so an owner does not vanish because the process that claimed has \
      exited: someone may still have the descriptor.
      """,
    remedy: """
      Find the process that has /dev/vfio/N, a device of /dev/vfio/devices or the iommufd open (lsof or \
      fuser will tell), and end it or take the device out of its configuration. Within one process use \
      either containers or one iommufd for all devices of a group, not both. Check management daemons that \
      keep descriptors open for a restarting guest. Do not rebind the group's devices meanwhile: an unbind \
      of vfio-pci waits inside device_remove() until the owner lets go. Nothing has leaked, so removing the \
      group or rebooting is not called for.
      """)
}

extension ForeignOwner {
  /// One finding for each claim that came while somebody else owned the group.
  static func find(in summary: GroupSummary, _ context: FindingContext) -> [Finding] {
    let group = summary.ledger
    return group.refusals.kept.filter { $0.owner == .user }.prefix(16).map { refusal in
      let call = refusal.call
      let owner = refusal.ownerCall.map {
        "\(context.text($0.comm) ?? "another task")\($0.pid >= 0 ? " (pid \($0.pid))" : "") "
          + "\(context.moment($0.exit ?? $0.entry))"
      }
      var lines = refusal.ownerCall.map { context.lines(of: $0, "the first owner claims the group") } ?? []
      lines += context.lines(of: call, "another one is refused")
      let found = Finding(
        rule: .foreignOwner, severity: .warning, certainty: .proved, group: group.id.map(GroupID.init),
        incarnation: group.incarnation, device: context.text(call.device),
        message:
          "\(context.name(group)) was asked for \(context.moment(call.exit ?? call.entry)) while it was claimed"
          + (owner.map { " by \($0)" } ?? " by another owner")
          + ". A group has one owner at a time: one container, or one iommufd context.",
        remedy:
          "Stop the other user of the group, or open all devices of it through the same container or iommufd.",
        fingerprint: context.fingerprint(.foreignOwner, driver: nil, device: nil, chain: "claim>claim"),
        evidence: lines)
      return context.repeated(found, refusal.alike)
    }
  }
}
