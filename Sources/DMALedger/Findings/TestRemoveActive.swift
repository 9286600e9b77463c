/// This kernel removes and probes again at every bind.
enum TestRemoveActive {
  static let explanation = Explanation(
    title: "This kernel probes every driver twice",
    meaning: """
      The kernel was built with CONFIG_DEBUG_TEST_DRIVER_REMOVE: at each bind really_probe() probes, calls \
      device_remove() and probes again, unless the driver sets suppress_bind_attrs. \
      The finding says which of two kinds the kernel is. A fixed one (commit \(TestRemoveFix.commit), first in \
      \(TestRemoveFix.releases)) calls ->dma_cleanup() in between and keeps the count right; an unfixed one \
      does not, and every native bind in a group leaks a reference.
      """,
    evidence: """
      One really_probe() call with device_remove() directly below it and DMA configured again afterwards. An \
      unuse between the two uses makes it fixed, and none makes it unfixed, provided that the unuse could be \
      seen. It is proved by the calls of a single task, since the statement is about the kernel and needs no \
      group; devices outside every group serve as well. It is consistent or suspected where the only signs \
      are doubled probe messages in the log or the option in a configuration file that may belong to another \
      kernel.
      """,
    lookAlikes: """
      device_remove() below really_probe(), followed by the unuse and an error instead of a second \
      configuration, is a probe that failed late, while the driver's attributes were added. Drivers that \
      manage DMA themselves are probed twice without a use in either pass and do not tell fixed from \
      unfixed. A filter that lists the use and not the unuse makes a fixed kernel look unfixed. A version of \
      6.6 or later that looks unfixed is a vendor's tree, a filter or a gap, and is worth a second capture \
      before it is believed. Deferred probes repeat too, but as separate really_probe() calls.
      """,
    remedy: """
      If the kernel is fixed, nothing is wrong with the counts; expect slow boots and doubled messages, and \
      switch the option off outside of test machines. If it is unfixed, switch the option off or take \
      \(TestRemoveFix.commit) before passing devices through, and see test-remove-leak for groups that are already \
      affected. Do not judge a group by this finding alone: groups whose devices vfio-pci took from the \
      start are healthy even on an unfixed kernel.
      """)
}

extension TestRemoveActive {
  /// One finding a capture, where a second pass was seen.
  static func find(_ context: FindingContext) -> [Finding] {
    let evidence = context.evidence
    let verdict = evidence.pattern
    guard verdict == .fixed || verdict == .unfixed else { return [] }
    let window = verdict == .fixed ? evidence.firstFixed : evidence.firstUnfixed
    let passes = evidence.reprobes
    var message =
      "This kernel has CONFIG_DEBUG_TEST_DRIVER_REMOVE: it probes every driver, removes it and probes it again "
      + "(\(counted(evidence.windows, "really_probe() window")), \(passes) of which used their group twice). "
    let certainty: Certainty
    if verdict == .fixed {
      message +=
        "dma_cleanup() runs in between, as commit \(TestRemoveFix.commit) makes it: nothing is left behind by it."
      certainty = .proved
    } else {
      certainty = evidence.verdict == .unfixed ? .proved : .suspected
      message +=
        certainty == .proved
        ? "dma_cleanup() does not run in between: every bind of a driver that uses the DMA API leaves 1 reference in "
          + "the device's group."
        : "No unuse is seen in between. If none runs, every bind of a driver that uses the DMA API leaves 1 reference in "
          + "the device's group; but no unuse appears anywhere in the capture, so make sure that it was traced."
    }
    if certainty == .proved, let clause = TestRemoveFix.clause(context, behaviour: verdict) {
      message += " " + clause.capitalizedFirst + "."
    }
    var lines: [Evidence] = []
    if let window {
      lines.append(context.evidence(window.entry, "really_probe() begins"))
      if let use = window.openUse { lines.append(context.evidence(use.entry, "a use in it")) }
      if let remove = window.remove { lines.append(context.evidence(remove, "the test-remove")) }
    }
    return [
      Finding(
        rule: .testRemoveActive, severity: .note, certainty: certainty, message: message,
        remedy: verdict == .fixed
          ? "Nothing; the option costs boot time and belongs on test machines."
          : "Build the kernel without the option, or with commit \(TestRemoveFix.commit) (\(TestRemoveFix.releases)).",
        fingerprint: context.fingerprint(
          .testRemoveActive, driver: nil, device: nil, chain: verdict.rawValue),
        evidence: lines)
    ]
  }
}
