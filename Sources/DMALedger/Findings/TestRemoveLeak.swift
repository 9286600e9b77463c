/// The first of two probes kept its reference, because the test-remove in between forgot the DMA cleanup.
enum TestRemoveLeak {
  static let explanation = Explanation(
    title: "A driver was probed twice and its first reference was never given back",
    meaning: """
      With CONFIG_DEBUG_TEST_DRIVER_REMOVE the driver core tries out the removal of every driver at every \
      bind: really_probe() configures DMA and probes, calls device_remove(), then jumps back and does all of \
      it again. Each pass calls the bus's ->dma_configure() (pci_dma_configure() and its platform, amba, \
      fsl-mc and cdx counterparts), and that calls iommu_device_use_default_domain(), which adds one to \
      iommu_group::owner_cnt. Before commit \(TestRemoveFix.commit) the removal in the middle ran \
      device_unbind_cleanup() but not ->dma_cleanup(), from where iommu_device_unuse_default_domain() would \
      have been called. So one bind takes two references and one unbind gives back one. When the native \
      driver has let go and vfio-pci sits on the device, the count is still 1, and VFIO is told that the \
      group is in use.

      Every further bind of a native driver leaves one reference more. If the second pass fails, in \
      ->probe() or even before DMA is configured again, the reference of the first pass stays behind with no \
      driver bound at all. The bug came with 5.19 and is gone in \(TestRemoveFix.releases); the 5.19, \
      6.0, 6.2 and 6.3 stable series ended with it.
      """,
    evidence: """
      Within one really_probe() call of one task: iommu_device_use_default_domain() returns 0, \
      device_remove() is called from really_probe() itself, the use runs a second time, and no \
      iommu_device_unuse_default_domain() lies in between. It is proved where the captured arguments name \
      the same device and a group that is not NULL, and return codes or the count itself show both uses \
      taking effect. It is consistent where the capture has function names only, and log lines ("probing \
      driver X with device D", "Adding to iommu group N") say which device and group they belong to. With \
      the pattern alone it is suspected: that says something certain about the kernel, but not which group \
      it happened to.

      The rule needs a capture that could have shown the unuse, and it is never applied across lost events. \
      Supporting signs are a driver whose probe banner appears twice with its removal message in between, \
      and every group with a native driver being affected at once.
      """,
    lookAlikes: """
      A kernel with the fix shows the same device_remove() below really_probe(), but with an unuse before \
      the second use; that is balanced. A device outside every group, such as i8042 on x86, goes through the \
      same calls without effect, and the id, cnt and owner printed for it are leftovers of the ring buffer: \
      only the group pointer tells. Drivers that manage DMA themselves (vfio-pci, pcieport, pci-stub) are \
      probed twice too and never touch the count; drivers with suppress_bind_attrs are not probed twice. A \
      first pass whose ->probe() fails never reaches the test-remove and gives its reference back.

      When QEMU fails, the count is usually 1 and not 2, because the native driver has already returned one. \
      That makes the leak look like a sibling device that is still bound, most of all when the second pass \
      failed; check that some member really has a native driver before blaming it.
      """,
    remedy: """
      Build the kernel without CONFIG_DEBUG_TEST_DRIVER_REMOVE, which belongs on test machines only, or take \
      commit \(TestRemoveFix.commit) ("\(TestRemoveFix.title)"), which came with \
      \(TestRemoveFix.releases). Until then, let vfio-pci be the first driver that the device ever sees, with \
      vfio-pci.ids= or driver_override set before the native module is loaded; a group whose devices never \
      had a native driver stays at 0.

      A leak that is already there goes away only with the group: write 1 to the remove file of ALL members, \
      so that the group is freed, then rescan the bus; or reboot. From 6.4 on the emptied group warns once, \
      see group-freed-with-count. The rescan probes the native driver again and so leaks again on such a \
      kernel: unload that module or make vfio-pci match first. drivers_autoprobe=0 did not prevent this on \
      6.1.

      Do not unbind and rebind the device in the hope of clearing it: each native bind adds one more. Do not \
      unbind the other members because of this finding; what they hold is their own.
      """)
}

extension Leak.Cause {
  /// The rule that tells of it; none tells of what was not seen.
  var rule: Rule? {
    switch self {
    case .testRemove, .testRemoveUnbound: .testRemoveLeak
    case .probeFailure: .probeFailureLeak
    case .unbind: .unbindLeak
    case .blocked: .pasidBlockedUnuse
    case .unexplained: nil
    }
  }

  var isTestRemove: Bool { rule == .testRemoveLeak }
}

extension TestRemoveLeak {
  /// One finding for each window that left a reference behind.
  static func find(in summary: GroupSummary, _ context: FindingContext) -> [Finding] {
    let group = summary.ledger
    return group.allLeaks.compactMap { device, leak in
      leak.cause.isTestRemove
        ? context.repeated(finding(device, leak, group, context), leak.alike) : nil
    }
  }

  private static func finding(
    _ device: NameID, _ leak: Leak, _ group: GroupLedger, _ context: FindingContext
  ) -> Finding {
    let driver = leak.use.driver ?? leak.again?.driver
    let who = context.holder(driver: driver, device: device)
    var message = context.keeps(leak, of: who, group)
    var chain = "really_probe>use>device_remove>use"
    if let again = leak.again {
      message +=
        " and, in the same really_probe(), took another one \(context.moment(again.exit ?? again.entry))"
      message += " with no unuse in between. The test-remove of CONFIG_DEBUG_TEST_DRIVER_REMOVE"
      message += leak.remove.map { " (\(context.moment($0)))" } ?? ""
      message +=
        leak.certainty == .suspected
        ? " would then have run without dma_cleanup(). The capture does not prove it: an unuse may be missing from it."
        : " ran without dma_cleanup(): this kernel lacks commit \(TestRemoveFix.commit)."
    } else {
      chain = "really_probe>use>device_remove>fail"
      message +=
        leak.certainty == .suspected
        ? ", and behind the test-remove the second pass did not come to use the group again. The capture does "
          + "not prove that the reference stayed: an unuse may be missing from it."
        : ", the test-remove ran without dma_cleanup(), and the second pass did not come to use "
          + "the group again: the reference stays."
    }
    var lines: [Evidence] = []
    if let naming = leak.naming { lines.append(context.evidence(naming, "the log names driver and device")) }
    if let window = leak.window { lines.append(context.evidence(window, "really_probe() begins")) }
    lines += context.lines(of: leak.use, "the first pass takes a reference")
    if let remove = leak.remove {
      lines.append(context.evidence(remove, "the test-remove; no unuse follows"))
    }
    if let again = leak.again { lines += context.lines(of: again, "the second pass takes another one") }
    return Finding(
      rule: .testRemoveLeak, severity: leak.certainty == .suspected ? .warning : .error,
      certainty: leak.certainty, group: group.id.map(GroupID.init), incarnation: group.incarnation,
      device: context.text(device), driver: context.text(driver), excess: 1, message: message,
      remedy:
        "Build the kernel without CONFIG_DEBUG_TEST_DRIVER_REMOVE or with commit \(TestRemoveFix.commit) "
        + "(\(TestRemoveFix.releases)). To clear it now, remove all devices of the group through their `remove` "
        + "files and rescan with vfio-pci matching first, or reboot. Rebinding adds one more each time.",
      fingerprint: context.fingerprint(.testRemoveLeak, driver: driver, device: device, chain: chain),
      evidence: lines.sorted { $0.at < $1.at })
  }
}
