import DMALedger

/// What holds of every report, whatever it is about.
enum ReportInvariants {
  static func check(_ report: Report) {
    for source in report.sources {
      let left = source.unparsed.reduce(0) { $0 + $1.count }
      require(source.understoodLines >= 0 && left >= 0, "lines below nothing")
      require(source.understoodLines + left <= source.lines, "more lines were judged than there are")
      require(source.lines <= source.bytes, "more lines than bytes")
      require(source.events <= source.lines + 64, "more events than lines")
      require(source.lostEvents >= 0, "events lost below nothing")
      for shape in source.unparsed {
        require((1...max(1, source.lines)).contains(shape.firstLine), "a shape of no line")
      }
    }
    require((report.verdict == .inconclusive) == !report.reasons.isEmpty, "reasons and verdict disagree")
    let isProved = report.findings.contains { $0.severity == .error }
    require((report.verdict == .unbalanced) == isProved, "findings and verdict disagree")
    if report.verdict == .balanced {
      require(report.groups.contains { !$0.changes.isEmpty }, "balanced without a call")
      require(report.groups.allSatisfy { $0.verdict == .balanced }, "balanced with a group that is not")
      require(report.sources.allSatisfy { $0.lostEvents == 0 }, "balanced although events were lost")
    }
    for group in report.groups { check(group, in: report) }
    for finding in report.findings { check(finding, in: report) }
    for diagnostic in report.diagnostics {
      if let source = diagnostic.source {
        require(report.sources.indices.contains(source), "a remark on no source")
      }
      require(!diagnostic.message.isEmpty, "a remark that says nothing")
    }
    for answer in report.answers {
      if let place = answer.at { check(place, in: report) }
      for step in answer.steps { if let place = step.at { check(place, in: report) } }
    }
  }

  private static func check(_ group: GroupReport, in report: Report) {
    for count in [group.initial, group.final, group.peak, group.excess] { check(count) }
    if let most = group.peak.max, let last = group.final.max {
      require(last <= most, "the last count, at most \(last), is above the highest, at most \(most)")
    }
    require(
      group.peak.min >= group.final.min, "the last count, \(group.final), is above the highest, \(group.peak)"
    )
    if group.verdict == .balanced { require(group.excess.min == 0, "balanced with an excess") }
    require(
      (group.verdict == .inconclusive) || group.reasons.isEmpty || group.changes.isEmpty,
      "a firm verdict with doubts")
    for change in group.changes {
      check(change.before)
      check(change.after)
      check(change.at, in: report)
    }
    for holder in group.holders {
      if let place = holder.at { check(place, in: report) }
      if let count = holder.count { require(count >= 0, "a holder of less than nothing") }
    }
    let names = group.devices.map(\.name)
    require(Set(names).count == names.count, "a device stands twice in its group")
  }

  private static func check(_ finding: Finding, in report: Report) {
    require(
      !finding.message.isEmpty && !finding.remedy.isEmpty && !finding.fingerprint.isEmpty, "an empty finding")
    if finding.severity == .error {
      require(!finding.evidence.isEmpty, "a defect without a line that shows it")
      require(finding.certainty == .proved || finding.certainty == .consistent, "a defect on suspicion")
    }
    for line in finding.evidence { check(line.at, in: report) }
  }

  private static func check(_ count: Count) {
    require(count.min >= 0, "a count below nothing")
    if let most = count.max { require(count.min <= most, "a count between \(count.min) and \(most)") }
  }

  private static func check(_ place: LineReference, in report: Report) {
    require(report.sources.indices.contains(place.source), "a line of no source")
    require(
      (1...max(1, report.sources[place.source].lines)).contains(place.line), "line \(place.line) is none")
  }
}
