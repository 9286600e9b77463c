/// The symptom: VFIO was refused the group.
enum NotViable {
  static let explanation = Explanation(
    title: "VFIO asked for the group and was refused",
    meaning: """
      This is the symptom, and its cause stands beside it. Since 5.19 VFIO does not look at which drivers \
      are bound: a group is viable if iommu_group_dma_owner_claimed() says no, that is, if owner_cnt is 0. \
      VFIO_GROUP_GET_STATUS asks just that, and QEMU turns a negative answer into "group N is not viable". \
      The same refusal appears later as -EPERM from iommu_group_claim_dma_owner() in \
      VFIO_GROUP_SET_CONTAINER, or from iommu_device_claim_dma_owner() when a device is bound to an iommufd. \
      The hint that QEMU adds, to bind all devices of the group to their vfio bus driver, is a fixed text; \
      in case of a leak they all are.

      The cause is one of five: leak (references that nobody will give back), holder (a member bound to a \
      native driver), owner (another container or iommufd context), domain (the count is 0, but a foreign \
      domain or a PASID is attached), or unknown.
      """,
    evidence: """
      It is proved where the query returns 1, or a claim returns -1 or -16, and arguments name the group. It \
      is consistent where the refusal has only a function name or a return code and the line of QEMU, \
      libvirt or DPDK names the group, and suspected where that line is all there is. The cause has a \
      certainty of its own, that of the finding or the holder it points at. With cause leak the severity is \
      error, otherwise warning.
      """,
    lookAlikes: """
      "group N used in multiple address spaces", "failed to open /dev/vfio/N: Device or resource busy" and \
      "no iommu_group found" are not about owner_cnt. A claim that succeeds and is released within the same \
      ioctl was refused by the backend, for example because interrupt remapping is missing; the group was \
      viable. Binding to an iommufd can fail before any claim, with -EINVAL for cache coherency or -EPERM \
      for MSI isolation. Members without a driver, and bridges bound to pcieport, do not stand in the way; \
      tools that list pcieport as an offender follow the rules from before 5.19.
      """,
    remedy: """
      Follow the cause. For leak, see the finding it names; no unbinding will help. For holder, free the \
      member it names, see sibling-holder. For owner, see foreign-owner; for domain, see \
      claim-refused-domain. For unknown, record again with the group's id and count as arguments, from \
      before the first native bind if possible.

      Do not work through the group binding everything to vfio-pci before the cause is known, bridges least \
      of all. Do not bind and unbind in a loop: with a leak of the test-remove kind every round makes it \
      worse.
      """)
}

extension NotViable {
  /// One finding for each story: the same holders and leaks refused again are told once.
  static func find(in summary: GroupSummary, _ context: FindingContext) -> [Finding] {
    let stories = summary.ledger.refusals.kept.map { RefusalStory($0, in: summary) }
    var told: [[RefusalStory]] = []
    for story in stories {
      if let index = told.firstIndex(where: { $0[0].key == story.key }) {
        told[index].append(story)
      } else {
        told.append([story])
      }
    }
    var findings = told.map { finding($0, summary, context) }
    let logged = summary.ledger.toldRefusals
    guard !logged.isEmpty else { return findings }
    if findings.isEmpty { return [finding(logged, summary.ledger, context)] }
    // The program that asked says so too; its lines have no time, so they stand with the first story.
    findings[0].evidence += logged.prefix(4).map {
      context.evidence($0.witness, "the program that asked says so")
    }
    return findings
  }

  /// A refusal that only a log tells of: who is in the group says what it may be.
  private static func finding(
    _ logged: [(witness: Witness, device: NameID?)], _ group: GroupLedger, _ context: FindingContext
  ) -> Finding {
    let story = LoggedStory(group)
    let holders = story.holders
    var message = "\(context.name(group)) is not viable, says the program that asked for it. "
    if let moved = story.moved {
      message +=
        "The listing is of another moment: it shows \(context.names.text(moved.device)) with the driver "
      message +=
        "\(context.text(moved.driver) ?? "of its own"), and that was the device to be assigned. Who held the "
      message += "group then, only a trace would show."
    } else if !holders.isEmpty {
      message += "Held by right: "
      message +=
        holders.map { context.names.text($0.device) + " (\(context.text($0.driver) ?? "a driver"))" }
        .joined(separator: ", ")
      message += "; whether anything else is held, only a trace would show."
    } else if story.knowsDrivers {
      message += "None of its \(group.listing.count) members has a driver that takes a reference ("
      message +=
        group.listing.map {
          context.names.text($0.device) + " " + (context.text($0.driver) ?? "without driver")
        }
        .joined(separator: ", ")
      message +=
        "): what is counted was leaked, or another owner has the group. Only a trace would show which."
    } else if !group.listing.isEmpty {
      message += "Its members are "
      message += group.listing.map { context.names.text($0.device) }.joined(separator: ", ")
      let binds = group.loggedHolders
      message +=
        binds.isEmpty
        ? "; which drivers they have is not in what was given."
        : ". The kernel log shows "
          + binds.map {
            "\(context.text($0.driver) ?? "a driver") being bound to \(context.names.text($0.device)) "
              + context.moment($0.witness)
          }.joined(separator: ", ")
          + ": whoever of them still was held the group by right, but an unbind is not in a log."
    } else {
      message += "Who is in the group is not in what was given."
    }
    if !story.leaks.isEmpty {
      message +=
        " The trace shows \(references(story.leaks.map(\.leak).references)) being leaked in it; the log has no time that would say whether "
      message += "the refusal came before or after."
    }
    let shown = holders.isEmpty ? group.listing : holders
    return Finding(
      rule: .notViable, severity: .warning, certainty: .consistent, group: group.id.map(GroupID.init),
      incarnation: group.incarnation, device: context.text(holders.first?.device),
      driver: context.text(holders.first?.driver), message: message, cause: story.cause,
      remedy: story.cause == "holder"
        ? "Unbind " + holders.map { context.names.text($0.device) }.joined(separator: ", ")
          + " or bind it to vfio-pci, and ask again."
        : "Record a trace from before the first driver binds, with the group's id and count as arguments, and give it "
          + "together with this log and a listing of the group's devices and drivers.",
      fingerprint: context.fingerprint(
        .notViable, driver: holders.first?.driver, device: holders.first?.device, chain: "log>\(story.cause)"),
      evidence: logged.prefix(4).map { context.evidence($0.witness, "the program that asked was refused") }
        + shown.prefix(8).map { context.evidence($0.witness, "a member of the group") }
        + group.loggedHolders.prefix(8).map { context.evidence($0.witness, "a driver is bound") })
  }

  private static func finding(
    _ stories: [RefusalStory], _ summary: GroupSummary, _ context: FindingContext
  ) -> Finding {
    let story = stories[0]
    let group = summary.ledger
    let call = story.refusal.call
    let who = (context.text(call.comm) ?? "a task") + (call.pid >= 0 ? " (pid \(call.pid))" : "")
    var message = "\(context.name(group)) is not viable: "
    message += "owner_cnt is \(describe(story.count)) when \(who) asks for it \(context.moment(call.entry))"
    let times = stories.reduce(0) { $0 + $1.refusal.count }
    if times > 1 { message += " (and \(more(times - 1)) later, for the same reason)" }
    message += ". " + explain(story, context)
    var lines = context.lines(of: call, call.kind == .query ? "VFIO asks" : "the claim is refused")
    if let second = story.refusal.second {
      lines += context.lines(of: second, "the claim that follows is refused")
    }
    for (_, leak) in story.leaks.prefix(4) {
      lines += context.lines(of: leak.use, "the reference that stays")
    }
    for holding in story.holdings.prefix(4) {
      let note =
        holding.isListed
        ? "bound, as the listing shows"
        : holding.isFromBefore ? "gives back what it held all along" : "takes the reference it still holds"
      lines.append(context.evidence(holding.witness, note))
    }
    if let owner = story.refusal.ownerCall { lines += context.lines(of: owner, "the owner claims the group") }
    let cause = story.cause
    return Finding(
      rule: .notViable, severity: cause == "leak" ? .error : .warning,
      certainty: call.group == nil ? .consistent : .proved, group: group.id.map(GroupID.init),
      incarnation: group.incarnation,
      device: context.text(story.leaks.first?.device ?? story.holdings.first?.device),
      driver: context.text(story.leaks.first?.leak.use.driver ?? story.holdings.first?.driver),
      excess: story.leaks.isEmpty ? nil : story.leaked, message: message, cause: cause,
      remedy: remedy(story, context),
      fingerprint: context.fingerprint(
        .notViable, driver: story.leaks.first?.leak.use.driver ?? story.holdings.first?.driver,
        device: story.leaks.first?.device ?? story.holdings.first?.device, chain: "query>\(cause)"),
      evidence: lines.sorted { $0.at < $1.at })
  }

  /// Refusals that no group can be named for: one finding for all.
  static func find(unattributed calls: [OwnershipCall], _ context: FindingContext) -> [Finding] {
    guard let first = calls.first else { return [] }
    let times = calls.count == 1 ? "once" : "\(calls.count) times"
    return [
      Finding(
        rule: .notViable, severity: .warning, certainty: .proved,
        message:
          "VFIO asked for a group and was refused, \(times), first \(context.moment(first.exit ?? first.entry)). "
          + "Return codes say so; which group it was is not in the capture.",
        cause: "unknown",
        remedy:
          "Record with probes that capture the group's id and count, or add the QEMU log that names the group.",
        fingerprint: context.fingerprint(.notViable, driver: nil, device: nil, chain: "query>unknown"),
        evidence: calls.prefix(6).map { context.evidence($0.exit ?? $0.entry, "refused") })
    ]
  }

  private static func describe(_ count: Count) -> String {
    if let exact = count.exact { return "\(exact)" }
    return count.max.map { "between \(count.min) and \($0)" } ?? "at least \(count.min)"
  }

  private static func explain(_ story: RefusalStory, _ context: FindingContext) -> String {
    if story.refusal.owner == .user {
      let when = story.refusal.ownerCall.map { " \(context.moment($0.exit ?? $0.entry))" } ?? ""
      return "Another user-space owner claimed it\(when)."
    }
    var parts: [String] = []
    if story.leaked == 1, let (device, leak) = story.leaks.first {
      parts.append(
        "1 reference was leaked: \(context.holder(driver: leak.use.driver, device: device)) took it "
          + "\(context.moment(leak.use.exit ?? leak.use.entry)) and nobody will give it back")
    } else if !story.leaks.isEmpty {
      let devices = Array(Set(story.leaks.map { context.names.text($0.device) })).sorted()
      parts.append("\(references(story.leaked)) were leaked for \(devices.joined(separator: ", "))")
    }
    for holding in story.holdings {
      let name = context.names.text(holding.device)
      let driver = context.text(holding.driver).map { " by \($0)" } ?? ""
      parts.append(
        holding.isListed
          ? "1 is held by right for \(name)\(driver), as the listing shows, since before the capture began"
          : holding.isFromBefore
            ? "1 is held by right for \(name)\(driver), since before the capture began (it is given back "
              + "\(context.moment(holding.witness)))"
            : "1 is held by right for \(name)\(driver), taken \(context.moment(holding.witness))")
    }
    if let rest = story.unexplained.max {
      if story.ownerless > 0 {
        parts.append(ownerless(story, rest))
      } else if rest > 0 {
        let isExact = story.unexplained.min == rest
        let amount =
          !parts.isEmpty
          ? "\(isExact ? "" : "up to ")\(rest) more"
          : isExact ? (rest == 1 ? "It" : "All \(rest)") : "Up to \(rest) of them"
        parts.append(
          "\(amount) \(rest == 1 ? "was" : "were") taken before "
            + "the capture began, or outside it, and nothing in it shows by whom")
      }
    } else if parts.isEmpty {
      parts.append("Nothing in the capture shows who holds it")
    }
    var text = parts.joined(separator: "; ").capitalizedFirst + "."
    if story.leaks.isEmpty, story.unexplained.max != 0, context.evidence.verdict == .unfixed {
      text += " This kernel leaks one reference at every bind, which may well be what they are."
    }
    return text
  }

  private static func ownerless(_ story: RefusalStory, _ rest: Int) -> String {
    let count = story.ownerless
    let them = count == 1 ? "it" : "them"
    let isExact = count == rest
    return "\(isExact ? "" : "at least ")\(count) \(count == 1 ? "belongs" : "belong") to nobody: "
      + story.whyOwnerless
      + ", and what took \(them) is not in the capture"
  }

  /// The rules that tell how the references came to stay.
  private static func rules(of story: RefusalStory) -> String {
    var rules: [String] = []
    for rule in story.leaks.compactMap(\.leak.cause.rule) + (story.ownerless > 0 ? [Rule.excessCount] : [])
    where !rules.contains(rule.rawValue) {
      rules.append(rule.rawValue)
    }
    return FindingContext.joined(rules)
  }

  private static func remedy(_ story: RefusalStory, _ context: FindingContext) -> String {
    switch story.cause {
    case "leak":
      "Unbinding helps only with what is held by right. For the rest see \(rules(of: story)): remove all devices of "
        + "the group and rescan with vfio-pci matching first, or reboot"
        + (story.leaks.contains(where: \.leak.cause.isTestRemove) ? " into a fixed kernel." : ".")
    case "holder":
      "Unbind "
        + story.holdings.map { context.names.text($0.device) }.joined(separator: ", ")
        + " from its native driver, or bind it to vfio-pci, before asking for the group."
    case "owner": "Let the other owner release the group, or give both devices to the same one."
    default:
      "Record again from before the first driver binds, with the group's id and count as arguments, or add a listing "
        + "of the group's devices and their drivers."
    }
  }
}
