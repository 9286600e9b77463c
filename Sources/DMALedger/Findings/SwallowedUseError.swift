/// The bus ignored the error of a use and bound the driver.
enum SwallowedUseError {
  static let explanation = Explanation(
    title: "A refused use was ignored and the driver was bound all the same",
    meaning: """
      iommu_device_use_default_domain() said no (-EBUSY because the group is owned or carries a foreign \
      domain, or -EPROBE_DEFER because it has no default domain yet), and the bus's ->dma_configure() \
      returned 0 nevertheless. The CDX bus, which has made these calls since 6.5, drops the result in its \
      hook, and still does in 7.3. really_probe() goes on and binds the driver, which now does DMA in a \
      group that belongs to somebody else. At unbind ->dma_cleanup() calls \
      iommu_device_unuse_default_domain() without knowing that nothing was taken, and takes away a reference \
      of somebody else. In a group with a single claim this leaves the count at 0 and the owner set; the \
      owner's iommu_group_release_dma_owner() then warns and does nothing, and the group stays owned by \
      nobody.
      """,
    evidence: """
      Within one really_probe() call the use returns -16 or -517, and the probe still reaches driver_bound() \
      or returns 0. It is proved where the captured arguments name the device and its group, and consistent \
      where return codes are there and log lines supply the names. It is suspected where the code was not \
      captured and only the order of calls suggests it: a CDX driver bound while the group was owned. The \
      later unuse, and the warning in the owner's release, are consequences that strengthen it.
      """,
    lookAlikes: """
      On the other buses -16 from the use ends the probe with -16, which is native-bind-refused and correct. \
      A use with -517 whose probe also ends with -517 is a deferral and will be tried again. Two probes on \
      two CPUs can interleave so that one's refusal seems to belong to the other's success; calls are paired \
      by task, never by CPU. With test-remove active one probe has two uses, each with a result of its own.
      """,
    remedy: """
      Patch the CDX bus to return the error of iommu_device_use_default_domain() from its ->dma_configure(). \
      Until then bind all devices of such a group to vfio-cdx before the first claim, and bind no native CDX \
      driver in a group that is owned. If it has already happened, let the owner go first: its release sets \
      the count to 0 and clears the owner, and the unbind afterwards only warns. Do not unbind the native \
      driver while the group is owned; in that order the group is lost until its members are removed or the \
      machine is rebooted.
      """)
}

extension SwallowedUseError {
  /// One finding for each driver that was bound although its use was refused.
  static func find(in summary: GroupSummary, _ context: FindingContext) -> [Finding] {
    summary.ledger.anomalies.compactMap { anomaly in
      guard case .swallowed(let use, let bound) = anomaly.kind else { return nil }
      let group = summary.ledger
      let found = context.defect(
        .swallowedUseError, by: use, in: group,
        message:
          "\(context.holder(driver: use.driver, device: use.device)) was refused \(context.name(group)) with "
          + "\(use.result.map(String.init) ?? "an error") \(context.moment(use.exit ?? use.entry)) and bound all the "
          + "same. When it is unbound it gives back a reference that it never took.",
        remedy:
          "The bus ignores the error of its dma_configure(), as cdx does: let it return it. Until then keep native "
          + "drivers off the devices of a group that user space owns.",
        chain: "really_probe>use=refused>driver_bound",
        evidence: context.lines(of: use, "the use is refused")
          + (bound.map { [context.evidence($0, "the bind completes")] } ?? []))
      return context.repeated(found, anomaly.alike)
    }
  }
}
