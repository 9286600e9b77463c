import DMALedger

/// A capture told as tests: one for each group, and one for the capture itself.
///
/// JUnit XML, KTAP and TAP say the same things in different words; what they say is decided here.
struct CaptureCheck {
  enum Result {
    case passed
    /// A defect is proved.
    case failed
    /// The evidence does not decide.
    case skipped
    /// The capture could not be read.
    case errored
  }

  /// `group 45 balanced`; no two checks of a capture have the same, and it does not depend on what was found.
  var name: String
  var result: Result
  /// What kind of failure: the rule of the gravest finding, or `unreadable`.
  var kind: String = ""
  /// Why it did not pass, in a line. Hostile text.
  var reason: String = ""
  /// The findings that are told with it, gravest first.
  var findings: [Finding] = []
  /// Remarks that are told with it. Hostile text.
  var remarks: [String] = []

  /// Where the trouble can be seen best.
  var place: LineReference? { findings.lazy.compactMap(\.bestPlace).first }

  /// The checks of a capture, that of the capture itself first: there is always at least one.
  static func all(of capture: CaptureRecord) -> [CaptureCheck] {
    var names: [String: Int] = [:]
    return [whole(capture)]
      + capture.report.groups.map { group in
        var check = CaptureCheck(group, in: capture.report)
        let number = (names[check.name] ?? 0) + 1
        names[check.name] = number
        check.name += number == 1 ? " balanced" : ", the \(number). of them, balanced"
        return check
      }
  }

  private init(name: String, result: Result) {
    self.name = name
    self.result = result
  }

  /// What is not a matter of one group.
  private static func whole(_ capture: CaptureRecord) -> CaptureCheck {
    let report = capture.report
    var check = CaptureCheck(name: "capture conclusive", result: .passed)
    check.findings = report.findings.filter { finding in !report.groups.contains { $0.owns(finding) } }
    check.remarks = report.diagnostics.map { report.remark($0) }
    if capture.outcome == .unreadable {
      check.result = .errored
      check.kind = "unreadable"
      check.reason = capture.readingTroubles.joined(separator: "; ")
    } else if let worst = check.findings.first, worst.severity == .error {
      check.result = .failed
      check.kind = worst.rule.rawValue
      check.reason = worst.message
    } else if report.verdict == .inconclusive {
      check.result = .skipped
      check.kind = "inconclusive"
      check.reason = report.reasons.joined(separator: "; ")
    }
    return check
  }

  private init(_ group: GroupReport, in report: Report) {
    self.init(name: group.plainName, result: .passed)
    findings = report.findings.filter { group.owns($0) }
    switch group.verdict {
    case .balanced: break
    case .unbalanced:
      result = .failed
      kind = findings.first?.rule.rawValue ?? "unbalanced"
      reason = findings.first?.message ?? "the count does not agree with who holds the group"
    case .inconclusive:
      result = .skipped
      kind = "inconclusive"
      reason = group.reasons.joined(separator: "; ")
    }
  }

  // MARK: - What is told

  /// Whether there is anything to read about it: a balanced group may have a story too.
  var hasStory: Bool { result != .passed || !findings.isEmpty || !remarks.isEmpty }

  /// The story line by line, without line breaks in it: findings, the lines that show them, what to do. Hostile text.
  func story(in report: Report) -> [String] {
    var lines: [String] = []
    if !reason.isEmpty, findings.first?.message != reason { lines.append(reason) }
    var remedies: [String] = []
    for finding in findings.prefix(Self.toldFindings) {
      lines.append(
        "\(finding.severity.rawValue): \(finding.rule.rawValue) (\(finding.certainty.rawValue)), "
          + "fingerprint \(finding.fingerprint)")
      lines.append(finding.message)
      for evidence in finding.evidence.prefix(Self.toldLines) {
        lines.append("  \(report.placeName(evidence.at)): \(evidence.note)")
        lines.append("    \(evidence.text)")
      }
      if finding.evidence.count > Self.toldLines {
        lines.append("  and \(counted(finding.evidence.count - Self.toldLines, "more line"))")
      }
      if finding.severity > .note, !remedies.contains(finding.remedy) { remedies.append(finding.remedy) }
    }
    if findings.count > Self.toldFindings {
      lines.append("and \(counted(findings.count - Self.toldFindings, "more finding"))")
    }
    return lines + remedies.map { "what to do: \($0)" } + remarks
  }

  /// The rest is in the JSON report; a CI page is no place for megabytes.
  private static let toldFindings = 12
  private static let toldLines = 12
}

extension GroupReport {
  /// Whether a finding is about this group.
  func owns(_ finding: Finding) -> Bool {
    finding.group != nil && finding.group == id && (finding.incarnation ?? 0) == incarnation
  }

  /// `group 45`, `group 45 (reused)`, `group 45 (reused 2 times)`.
  var plainName: String {
    let name = id.map { "group \($0.value)" } ?? "group without number"
    return switch incarnation {
    case 0: name
    case 1: name + " (reused)"
    default: name + " (reused \(incarnation) times)"
    }
  }
}

extension Finding {
  /// The line to open first: the last one that is no mere return, because that is where the trouble is complete.
  var bestPlace: LineReference? {
    (evidence.last { !$0.note.hasPrefix("it returns") } ?? evidence.first)?.at
  }

  /// `group 45: test-remove-leak`
  var title: String {
    (group.map { "group \($0.value): " } ?? "") + rule.rawValue
  }
}

extension Report {
  /// `trace.txt:12`. Hostile text.
  func placeName(_ at: LineReference) -> String {
    "\(path(of: at.source) ?? "source \(at.source)"):\(at.line)"
  }

  /// The path of a source. Hostile text.
  func path(of source: Int) -> String? {
    sources.indices.contains(source) ? sources[source].path : nil
  }

  /// A diagnostic in a line. Hostile text.
  func remark(_ diagnostic: Diagnostic) -> String {
    let place =
      switch (diagnostic.source.flatMap(path), diagnostic.line) {
      case (let path?, let line?): "\(path):\(line): "
      case (let path?, nil): "\(path): "
      case (nil, _): ""
      }
    return "\(diagnostic.level.rawValue): \(place)\(diagnostic.message)"
  }
}
