import DMALedger

/// The part of a text report that tells the story of one group.
enum TextGroup {
  /// Changes shown; the JSON report has them all.
  private static let shownChanges = 40

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
    changes(group, report, &canvas)
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

  // MARK: - Changes

  private static func changes(_ group: GroupReport, _ report: Report, _ canvas: inout TextCanvas) {
    let all = group.changes
    guard !all.isEmpty else { return }
    canvas.line()
    let devices = min(20, all.map { ($0.device ?? "").count }.max() ?? 0)
    let drivers = min(14, all.map { ($0.driver ?? "").count }.max() ?? 0)
    let scale = max(1, (all.compactMap(\.after.max).max() ?? 1))
    let head =
      "  " + "time".leftPadded(14) + "  " + "call".padded(14) + " " + "device".padded(devices) + "  "
      + "driver".padded(drivers) + "  " + "count".padded(10) + " " + "line".leftPadded(8)
    canvas.line(canvas.fitted(head, from: 0), .dim)
    let leaks = leakLines(group, report)
    let tail = all.count > shownChanges ? 12 : 0
    let headCount = all.count > shownChanges ? shownChanges - tail : all.count
    for index in all.indices {
      if index == headCount, tail > 0 {
        canvas.line("  … \(all.count - shownChanges) more changes, in the JSON report …", .dim)
      }
      if index < headCount || index >= all.count - tail {
        change(all[index], devices, drivers, scale, leaks, &canvas)
      }
    }
  }

  private static func change(
    _ change: Change, _ devices: Int, _ drivers: Int, _ scale: Int, _ leaks: Set<LineReference>,
    _ canvas: inout TextCanvas
  ) {
    let time = change.time?.secondsText ?? ""
    let moved =
      change.before == change.after ? count(change.after) : "\(count(change.before)) → \(count(change.after))"
    var line = "  " + time.leftPadded(14) + "  " + name(change).padded(14) + " "
    line += cut(change.device ?? "", devices).padded(devices) + "  "
    line += cut(change.driver ?? "", drivers).padded(drivers) + "  "
    line += moved.padded(10) + " " + "\(change.at.line)".leftPadded(8) + "  "
    line += bar(change.after, scale: scale)
    let isLeak = leaks.contains(change.at)
    if isLeak { line += " ← leak" }
    canvas.line(canvas.fitted(line, from: 0), isLeak ? .bad : .plain)
  }

  private static func cut(_ name: String, _ width: Int) -> String {
    let safe = Printable.text(name)
    return safe.count <= width ? safe : safe.prefix(max(1, width - 1)) + "…"
  }

  private static func name(_ change: Change) -> String {
    guard let result = change.result, !(result == 0 && change.call != .query) else {
      return change.call.rawValue
    }
    return "\(change.call.rawValue) = \(result)"
  }

  /// The count as a bar: full blocks for what is certain, light ones up to what is possible.
  private static func bar(_ count: Count, scale: Int) -> String {
    let unit = max(1, (scale + 15) / 16)
    let low = min(16, (count.min + unit - 1) / unit)
    guard let max = count.max else { return String(repeating: "▮", count: low) + "…" }
    let high = min(16, (max + unit - 1) / unit)
    return String(repeating: "▮", count: low) + String(repeating: "▯", count: high - low)
  }

  /// The second uses of the group's leaks.
  private static func leakLines(_ group: GroupReport, _ report: Report) -> Set<LineReference> {
    var lines: Set<LineReference> = []
    for finding in report.findings
    where finding.rule == .testRemoveLeak && finding.group == group.id
      && finding.incarnation == group.incarnation
    {
      let own = finding.evidence.map(\.at)
      if let again = group.changes.last(where: { $0.call == .use && own.contains($0.at) }) {
        lines.insert(again.at)
      }
    }
    return lines
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
      var text: String
      switch holder.kind {
      case .bound: text = "by right   "
      case .leaked:
        text = "leaked     "
        if holder.device == nil { text += "before the capture began, or outside what it shows" }
      case .owner: text = "by owner   "
      case .unknown: text = "unknown    since before the capture began, or taken outside what it shows"
      }
      if let driver = holder.driver { text += Printable.text(driver) + " " }
      if let device = holder.device { text += "for " + Printable.text(device) }
      if let since = holder.since { text += ", since \(since.secondsText) s" }
      if let at = holder.at { text += " (line \(at.line))" }
      canvas.line(canvas.fitted("\(number)  \(text)", from: 0), holder.kind == .leaked ? .bad : .plain)
    }
  }
}
