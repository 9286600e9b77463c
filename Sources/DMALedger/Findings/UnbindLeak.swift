/// An unbind ran to its end without giving back the driver's reference.
enum UnbindLeak {
  static let explanation = Explanation(
    title: "A driver was unbound and its reference stayed",
    meaning: """
      An unbind, whether through sysfs, by unloading the module or by removing the device, runs \
      device_release_driver_internal(): device_remove(), then the bus's ->dma_cleanup(), then \
      device_unbind_cleanup(). Here the first and the last ran for a driver that had taken a reference, and \
      iommu_device_unuse_default_domain() between them did not. Either the bus has a ->dma_configure() that \
      takes the reference and no ->dma_cleanup() that returns it, or the condition under which the cleanup \
      acts was different from the one under which the reference was taken. The buses of mainline test \
      driver_managed_dma both times, which is constant data in every driver of the tree, so this points at \
      bus code or at a driver from outside it. The reference stays with the group until the group is freed.
      """,
    evidence: """
      device_remove() called from device_release_driver_internal() returns, device_unbind_cleanup() is seen, \
      and between them there is no unuse for a device whose effective use the capture has shown. It is \
      proved where arguments name device and group for the use, nothing was lost, and a later count or \
      return code still finds the reference there. It is consistent where log lines supply the names, and \
      suspected where there are function names only. The unuse must have been visible to this capture: seen \
      at least once elsewhere, or listed in the filter.
      """,
    lookAlikes: """
      A driver with driver_managed_dma (vfio-pci and its relatives, pcieport, pci-stub) takes no reference \
      and returns none; its unbind looks exactly like this. An unbind of vfio-pci blocks inside \
      device_remove() for as long as the device is open, so an unbind without an end is not one without a \
      cleanup. A trace filter that leaves out the unuse, or lost events at that point, produce the same \
      picture. An unuse that ran and warned because a PASID was attached is pasid-blocked-unuse. A count \
      that stays at 1 after an unbind that did call the unuse is an older leak, most often test-remove-leak.
      """,
    remedy: """
      Give the bus a ->dma_cleanup() that mirrors its ->dma_configure(), with the same test on the same \
      driver; for a driver from outside the tree check that nothing writes to driver_managed_dma after \
      registration. Record it again from bind to unbind with really_probe, device_remove, \
      device_unbind_cleanup and both default-domain functions in the filter. Clear the machine by removing \
      all members of the group and rescanning, or by a reboot. Do not bind and unbind the driver again: \
      every round adds one. Do not apply the test-remove fix for this; it touches another path.
      """)
}

extension UnbindLeak {
  /// One finding for each driver that was unbound to the end with its reference still out.
  static func find(in summary: GroupSummary, _ context: FindingContext) -> [Finding] {
    let group = summary.ledger
    return group.allLeaks.filter { $0.leak.cause == .unbind }.map { device, leak in
      let who = context.holder(driver: leak.use.driver, device: device)
      let isProved = leak.certainty > .suspected
      let found = Finding(
        rule: .unbindLeak, severity: isProved ? .error : .warning,
        certainty: leak.certainty,
        group: group.id.map(GroupID.init), incarnation: group.incarnation, device: context.text(device),
        driver: context.text(leak.use.driver), excess: 1,
        message:
          context.keeps(leak, of: who, group) + " and was unbound"
          + (isProved
            ? " without an unuse."
            : "; the capture shows no unuse, but does not prove that there was none."),
        remedy:
          "Look at the device's bus: one that has dma_configure() but no dma_cleanup() leaves a reference at "
          + "every unbind. The buses of the kernel tree are symmetric, so check first that the unuse was traced.",
        fingerprint: context.fingerprint(
          .unbindLeak, driver: leak.use.driver, device: device,
          chain: "use>device_remove>device_unbind_cleanup"),
        evidence: context.lines(of: leak.use, "the reference that stays"))
      return context.repeated(found, leak.alike)
    }
  }
}
