import DMALedger

/// What every report for people says in the same words, whatever it is set in. The texts are not escaped yet.
enum ReportSentence {
  /// The verdict over all groups; empty where the report's reasons say more.
  static func verdict(_ report: Report) -> String {
    switch report.verdict {
    case .balanced:
      let groups = report.groups.count == 1 ? "group" : "groups"
      return
        "Every reference left in the \(report.groups.count) \(groups) of this capture belongs to a bound driver or an "
        + "owner."
    case .unbalanced:
      let broken = report.groups.filter { $0.verdict == .unbalanced }
      func leaked(_ groups: [GroupReport]) -> Int {
        groups.flatMap(\.holders).reduce(0) { $1.kind == .leaked ? $0.clampedSum($1.count ?? 0) : $0 }
      }
      let leaky = broken.filter { leaked([$0]) > 0 }
      let others = broken.filter { leaked([$0]) == 0 }
      var sentences: [String] = []
      if !leaky.isEmpty {
        let count = leaked(leaky)
        let isProved = leaky.allSatisfy { showsProvedDefect($0, report) }
        sentences.append(
          "\(names(leaky)) \(isProved ? "" : "most likely ")\(leaky.count == 1 ? "keeps" : "keep") "
            + "\(counted(count, "reference")) that nobody will give back"
            + (isProved ? "." : "; no count in the capture proves it."))
      }
      if !others.isEmpty {
        sentences.append("\(names(others)): calls broke the rules of ownership, as the findings tell.")
      }
      return sentences.joined(separator: " ")
    case .inconclusive: return namesOnly(report)
    }
  }

  /// `Groups 1, 9`, `A group without known number`, `Group 3 and 2 groups without known number`.
  private static func names(_ groups: [GroupReport]) -> String {
    let known = groups.filter { $0.id != nil }
    let unknown = groups.count - known.count
    var parts: [String] = []
    if !known.isEmpty {
      parts.append(
        (known.count == 1 ? "Group " : "Groups ") + known.map(TextGroup.shortName).joined(separator: ", "))
    }
    if unknown > 0 {
      let noun = unknown == 1 ? "group without known number" : "\(unknown) groups without known number"
      parts.append(unknown > 1 ? noun : (parts.isEmpty ? "A " : "a ") + noun)
    }
    return parts.joined(separator: " and ")
  }

  private static func showsProvedDefect(_ group: GroupReport, _ report: Report) -> Bool {
    report.findings.contains {
      $0.group == group.id && $0.incarnation == group.incarnation && $0.severity == .error
        && $0.certainty == .proved
    }
  }

  /// What a capture without groups shows all the same; empty where a group is known.
  private static func namesOnly(_ report: Report) -> String {
    guard report.unattributed.total > 0, report.groups.allSatisfy(\.changes.isEmpty) else { return "" }
    let missing = "the calls were recorded without their groups."
    let kernel =
      switch report.kernel.testDriverRemove {
      case .unfixed:
        "Every bind of a native driver leaves 1 reference behind on this kernel, \(counted(report.kernel.reprobes, "time")) in "
          + "this capture, and nothing says in which groups: \(missing)"
      case .fixed:
        "This kernel gives back what its test-remove takes, so no bind leaks by that. Which groups were used nothing says: "
          + missing
      case .inactive, .unknown: "Which groups were used nothing says: \(missing)"
      }
    let hasLog = report.sources.contains { $0.format == "kernel log" }
    return kernel
      + (hasLog
        ? ""
        : " `dmesg` of the same boot, given in the same call, may tell: its probe lines name the device.")
  }

  /// The answers, each with the steps that its headline or an answer before it has not told.
  static func answers(_ report: Report) -> [(answer: Answer, steps: [Answer.Step])] {
    var told: Set<String> = []
    return report.answers.map { answer in
      // What the kernel has to do with it is the same for every group.
      let steps = answer.steps.filter {
        $0.at == nil ? told.insert($0.text).inserted : $0.at != answer.at
      }
      return (answer, steps)
    }
  }

  /// Calls without a group; `nil` where there are none.
  static func unattributed(_ report: Report) -> String? {
    guard report.unattributed.total > 0 else { return nil }
    let parts = OwnershipCallKind.allCases.compactMap { kind in
      report.unattributed[kind] > 0 ? "\(report.unattributed[kind]) \(kind.rawValue)" : nil
    }
    return parts.joined(separator: ", ")
      + ": calls that no group can be named for, because nothing in the capture "
      + "says which device or group they were made for."
  }

  /// What to do, each remedy once, with the rule that asks for it.
  static func remedies(_ report: Report) -> [(rule: Rule, text: String)] {
    var told: [String] = []
    var remedies: [(rule: Rule, text: String)] = []
    // What to do about a refusal was said with its answer.
    for finding in report.findings
    where (finding.severity > .note || finding.rule == .testRemoveActive) && finding.rule != .notViable {
      if !told.contains(finding.remedy) {
        told.append(finding.remedy)
        remedies.append((finding.rule, finding.remedy))
      }
    }
    return remedies
  }

  /// What a source was taken for, and how much was in it.
  static func source(_ source: SourceSummary) -> String {
    let unit = source.countsTicks ? "ticks" : "s"
    var parts = [Printable.text(source.format)]
    if source.compression != "none" { parts.append(source.compression) }
    parts.append(counted(source.lines, "line"))
    parts.append("\(counted(source.events, "event")) on ownership")
    if let first = source.firstTime, let last = source.lastTime {
      parts.append("\(clock(first, source.countsTicks)) to \(clock(last, source.countsTicks)) \(unit)")
    }
    if source.lostEvents > 0 { parts.append("\(counted(source.lostEvents, "event")) lost") }
    return parts.joined(separator: ", ")
  }

  /// Whose a holding is, in two words.
  static func kind(_ holder: Holder) -> String {
    switch holder.kind {
    case .bound: "by right"
    case .leaked: "leaked"
    case .owner: "by owner"
    case .unknown: "unknown"
    }
  }

  /// Who has a holding and since when, without its line.
  static func holder(_ holder: Holder, _ report: Report) -> String {
    var text = ""
    switch holder.kind {
    case .leaked where holder.device == nil: text = "before the capture began, or outside what it shows"
    case .unknown: text = "since before the capture began, or taken outside what it shows"
    default: break
    }
    if let driver = holder.driver { text += driver + " " }
    if let device = holder.device { text += "for " + device }
    if let since = holder.since {
      text += report.countsTicks ? ", since tick \(since.value)" : ", since \(since.secondsText) s"
    }
    return text
  }

  /// A time as a column has it: seconds, or the plain number of a clock that counts something else.
  static func clock(_ time: Nanoseconds, _ countsTicks: Bool) -> String {
    countsTicks ? "\(time.value)" : time.secondsText
  }
}
