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
      func names(_ groups: [GroupReport]) -> String {
        (groups.count == 1 ? "Group " : "Groups ") + groups.map(TextGroup.shortName).joined(separator: ", ")
      }
      var sentences: [String] = []
      if !leaky.isEmpty {
        let count = leaked(leaky)
        sentences.append(
          "\(names(leaky)) \(leaky.count == 1 ? "keeps" : "keep") "
            + "\(count == 1 ? "1 reference" : "\(count) references") that nobody will give back.")
      }
      if !others.isEmpty {
        sentences.append("\(names(others)): calls broke the rules of ownership, as the findings tell.")
      }
      return sentences.joined(separator: " ")
    case .inconclusive: return ""
    }
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
    var parts = [Printable.text(source.format)]
    if source.compression != "none" { parts.append(source.compression) }
    parts.append("\(source.lines) lines")
    parts.append("\(source.events) events on ownership")
    if let first = source.firstTime, let last = source.lastTime {
      parts.append("\(first.secondsText) to \(last.secondsText) s")
    }
    if source.lostEvents > 0 { parts.append("\(source.lostEvents) events lost") }
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
  static func holder(_ holder: Holder) -> String {
    var text = ""
    switch holder.kind {
    case .leaked where holder.device == nil: text = "before the capture began, or outside what it shows"
    case .unknown: text = "since before the capture began, or taken outside what it shows"
    default: break
    }
    if let driver = holder.driver { text += driver + " " }
    if let device = holder.device { text += "for " + device }
    if let since = holder.since { text += ", since \(since.secondsText) s" }
    return text
  }
}
