/// The count is proved too high, and what raised it is not in the capture.
enum ExcessCount {
  static let explanation = Explanation(
    title: "The count is higher than its legitimate holders, and what raised it was not captured",
    meaning: """
      owner_cnt is proved to be above the number of references that somebody will give back: one for each \
      member bound to a driver that does not manage DMA itself, or the claims of the current owner. The \
      difference belongs to nobody, and it keeps VFIO out for as long as the group lives. The call that took \
      it is not in the capture, most often because recording began after the driver had been bound. A kernel \
      with CONFIG_DEBUG_TEST_DRIVER_REMOVE and without commit \(TestRemoveFix.commit) leaves just this behind at every \
      bind, but this rule does not claim it: it has the amount and not the moment.
      """,
    evidence: """
      Two facts are needed, a lower bound of the count and an upper bound of the holders. The count comes \
      from a fetched argument or from return codes that allow nothing else (a query that says claimed, or a \
      claim refused with -EPERM, means at least 1); the holders come from the members of the group and what \
      is bound to them. It is proved where the bound on both sides rests on such facts. It is consistent \
      where the members are known from log lines or from a listing of sysfs taken at another time, and \
      suspected where the list of members may be incomplete.
      """,
    lookAlikes: """
      A member that the capture never mentions, still bound to its native driver, accounts for the whole \
      difference; compare with /sys/kernel/iommu_groups/N/devices. An iommufd context that has claimed \
      several devices holds one reference for each, so 2 and more are normal there. A PCI bridge bound to \
      shpchp holds one, a bridge bound to pcieport holds none. Between iommu_device_use_default_domain() and \
      driver_bound() a probe under way holds a reference that is not a holder yet. A count printed with a \
      NULL group pointer is no count.
      """,
    remedy: """
      Find out what took it: record from boot with probes on both default-domain functions, really_probe and \
      device_remove (kprobe_event= on the command line or a bootconfig file), with the group's id and count \
      as arguments. Meanwhile look at the kernel's configuration for CONFIG_DEBUG_TEST_DRIVER_REMOVE and at \
      its version; both together often settle it. The group becomes usable again when all of its members \
      have been removed and rescanned, or after a reboot. Do not rebind native drivers to clear it: nothing \
      that is bound holds this reference, and on a kernel with the test-remove bug each bind adds another.
      """)
}

extension ExcessCount {
  /// At most one finding a group: the part of the excess that no leak in the capture explains.
  static func find(in summary: GroupSummary, _ context: FindingContext) -> [Finding] {
    let group = summary.ledger
    let rest = summary.excess.min - summary.leaked
    guard rest > 0, let last = group.changes.last else { return [] }
    let isLeast = summary.excess.exact == nil
    return [
      Finding(
        rule: .excessCount, severity: .error,
        certainty: summary.seesHolders ? .proved : .consistent,
        group: group.id.map(GroupID.init),
        incarnation: group.incarnation, excess: rest,
        message:
          "\(context.name(group)) carries \(isLeast ? "at least " : "")\(references(rest)) more than its bound drivers and owners account "
          + "for, and what took \(rest == 1 ? "it" : "them") is not in the capture.",
        remedy:
          "Record from before the first driver binds (probes on the kernel command line), so that the call "
          + "that took the reference is in the capture. Until then the group is freed only by removing all of its "
          + "devices and rescanning, or by a reboot.",
        fingerprint: context.fingerprint(.excessCount, driver: nil, device: nil, chain: "count>holders"),
        evidence: context.lines(of: last.call, "the last call that shows the count")
          + group.listing.prefix(8).map { context.evidence($0.witness, "a member, as the listing shows it") })
    ]
  }
}
