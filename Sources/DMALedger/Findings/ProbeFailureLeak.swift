/// A probe failed with a reference taken and left it behind.
enum ProbeFailureLeak {
  static let explanation = Explanation(
    title: "A probe failed and kept the reference it had taken",
    meaning: """
      iommu_device_use_default_domain() took a reference for the device, the probe then ended without a \
      bound driver, and iommu_device_unuse_default_domain() never ran. The driver core cannot do this on its \
      own: once ->dma_configure() has succeeded, every way out of really_probe() that does not bind passes \
      through the bus's ->dma_cleanup(). The exit taken when ->dma_configure() itself fails skips the \
      cleanup, and rightly so, because a hook that fails is expected to leave nothing behind. The leak \
      therefore comes from a hook that takes the reference and afterwards returns an error of its own, or \
      from a bus that has no ->dma_cleanup(). The pci, platform, amba and fsl-mc hooks of mainline do \
      neither, so the suspect is bus code from outside the tree or a vendor's change to one of them.
      """,
    evidence: """
      One really_probe() call: the use returns 0, really_probe() returns something other than 0, and no \
      unuse for the device follows before it returns. A positive result means that ->probe() refused \
      (really_probe() turns the sign around); a negative one means that something around it did. It is \
      proved where arguments name the device and a group that is not NULL and nothing was lost in between, \
      best of all where a later event still shows the count too high. It is consistent where return codes \
      are there but device and group come from log lines, and suspected where only function names show the \
      use and the absence of the unuse.
      """,
    lookAlikes: """
      A deferred probe is balanced: -517 before any use, or +517 with a use and its unuse. A use that itself \
      returned -16 or -517 took nothing, so nothing has to come back. A driver whose ->probe() fails in the \
      ordinary way shows the unuse directly below really_probe(). A function filter that lists the use but \
      not the unuse makes every failed probe look like this, and so does a gap in the ring buffer. Where \
      device_remove() and a second use stand in the same probe, the kernel tests removal, and the finding is \
      test-remove-leak.
      """,
    remedy: """
      Find the bus from the call chain or from the log ("bus: 'NAME': really_probe"), and read its \
      ->dma_configure(): every error return after iommu_device_use_default_domain() has to call \
      iommu_device_unuse_default_domain() first, and the bus needs a ->dma_cleanup() that does the same. \
      Confirm it with a second capture that loses nothing and whose filter lists both functions. On the \
      running machine, remove all members of the group and rescan, or reboot.

      Do not let the probe be retried (deferred probing, udev, a loop around bind): each attempt leaks one \
      more. The test-remove fix \(TestRemoveFix.commit) is about another path and changes nothing here.
      """)
}

extension ProbeFailureLeak {
  /// One finding for each probe that failed with its reference still out.
  static func find(in summary: GroupSummary, _ context: FindingContext) -> [Finding] {
    let group = summary.ledger
    return group.allLeaks.filter { $0.leak.cause == .probeFailure }.map { device, leak in
      let who = context.holder(driver: leak.use.driver, device: device)
      let isProved = leak.certainty > .suspected
      var lines = leak.window.map { [context.evidence($0, "really_probe() begins")] } ?? []
      lines += context.lines(of: leak.use, "the probe takes a reference; no unuse follows")
      let found = Finding(
        rule: .probeFailureLeak, severity: isProved ? .error : .warning,
        certainty: leak.certainty, group: group.id.map(GroupID.init), incarnation: group.incarnation,
        device: context.text(device), driver: context.text(leak.use.driver), excess: 1,
        message:
          context.keeps(leak, of: who, group) + ", the probe failed, and "
          + (isProved
            ? "no unuse followed."
            : "the capture shows no unuse, but does not prove that there was none."),
        remedy:
          "The driver core gives the reference back on every path behind dma_configure(). Look at the bus: one "
          + "whose hook takes it and then returns an error itself, or has no dma_cleanup(). Confirm with a capture "
          + "that lost nothing.",
        fingerprint: context.fingerprint(
          .probeFailureLeak, driver: leak.use.driver, device: device, chain: "really_probe>use>fail"),
        evidence: lines)
      return context.repeated(found, leak.alike)
    }
  }
}
