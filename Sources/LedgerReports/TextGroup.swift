import DMALedger

/// The part of a text report that tells the story of one group.
enum TextGroup {
  static func render(_ group: GroupReport, _ report: Report, isBrief: Bool, _ canvas: inout TextCanvas) {
    canvas.line()
    let ink: Ink =
      switch group.verdict {
      case .balanced: .good
      case .unbalanced: .bad
      case .inconclusive: .doubtful
      }
    var title = "group \(shortName(group))  \(group.verdict.rawValue)"
    title += "  count \(count(group.initial)) → \(count(group.final))"
    if group.peak.max != nil { title += ", at most \(count(group.peak))" }
    canvas.line(title, ink)
    for reason in group.reasons { canvas.paragraph(Printable.text(reason) + ".", indent: 4, lead: "  - ") }
    TextChart.render(group, report, &canvas)
    TextChanges(group, report)?.render(&canvas)
    holders(group, report, &canvas)
    if isBrief { return }
    let own = report.findings.filter {
      $0.group == group.id && $0.incarnation == group.incarnation && $0.group != nil
    }
    var told: Set<Rule> = []
    for finding in own {
      // The second leak of a group happened as the first one did: a line of it is enough.
      if finding.rule == .testRemoveLeak, !told.insert(finding.rule).inserted {
        again(finding, &canvas)
        continue
      }
      canvas.line()
      TextFinding.render(finding, report, &canvas)
    }
  }

  private static func again(_ finding: Finding, _ canvas: inout TextCanvas) {
    let uses = finding.evidence.filter { !$0.note.hasPrefix("it returns") }.map { "\($0.at.line)" }
    let who = [finding.driver, finding.device].compactMap { $0 }.map(Printable.text).joined(
      separator: " for ")
    canvas.paragraph(
      "\(who) once more, in lines \(uses.joined(separator: ", "))", indent: 12, lead: "      and   ")
  }

  static func shortName(_ group: GroupReport) -> String {
    let id = group.id.map { "\($0.value)" } ?? "?"
    return group.incarnation == 0 ? id : "\(id)#\(group.incarnation + 1)"
  }

  /// `3`, `1…4`, `≥1`, `?`
  static func count(_ count: Count) -> String {
    if let exact = count.exact { return "\(exact)" }
    guard let max = count.max else { return count.min == 0 ? "?" : "≥\(count.min)" }
    return "\(count.min)…\(max)"
  }

  // MARK: - Holders

  private static func holders(_ group: GroupReport, _ report: Report, _ canvas: inout TextCanvas) {
    canvas.line()
    if group.holders.isEmpty {
      canvas.line("  nobody holds the group at the end", .dim)
      return
    }
    canvas.line("  held at the end", .dim)
    for holder in group.holders {
      let number = (holder.count.map { "\($0)" } ?? "?").leftPadded(6)
      var text =
        ReportSentence.kind(holder).padded(11) + Printable.text(ReportSentence.holder(holder, report))
      if let at = holder.at { text += " (line \(at.line))" }
      canvas.line(canvas.fitted("\(number)  \(text)", from: 0), holder.kind == .leaked ? .bad : .plain)
    }
  }
}
