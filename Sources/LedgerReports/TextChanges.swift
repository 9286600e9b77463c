import DMALedger

/// The changes of a group as a table, as narrow as its contents allow.
struct TextChanges {
  /// Changes shown; the JSON report has more.
  private static let shown = 40
  /// Of more changes than are shown these many come from the end.
  private static let shownAtEnd = 12

  private let changes: [Change]
  /// Changes that no report tells one by one.
  private let folded: Int
  private let foldPlace: Int?
  private let countsTicks: Bool
  /// The second uses of the group's leaks.
  private let leaks: Set<LineReference>
  private let time: Int
  private let call: Int
  private let device: Int
  private let driver: Int
  private let line: Int
  /// The highest count, which the longest bar stands for.
  private let scale: Int

  /// Nothing where nothing changed.
  init?(_ group: GroupReport, _ report: Report) {
    guard !group.changes.isEmpty else { return nil }
    changes = group.changes
    let countsTicks = report.countsTicks
    self.countsTicks = countsTicks
    folded = group.foldedChanges?.count ?? 0
    foldPlace = group.foldedChanges?.place
    leaks = GroupTimeline.leakLines(of: group, report)
    func width(_ least: Int, _ most: Int, _ cell: (Change) -> String) -> Int {
      min(most, max(least, group.changes.map { cell($0).count }.max() ?? 0))
    }
    time = width(4, 20) { $0.time.map { ReportSentence.clock($0, countsTicks) } ?? "" }
    call = width(4, 20, Self.name)
    device = width(6, 20) { $0.device ?? "" }
    driver = width(6, 14) { $0.driver ?? "" }
    line = width(4, 12) { "\($0.at.line)" }
    scale = max(1, changes.compactMap(\.after.max).max() ?? 1)
  }

  func render(_ canvas: inout TextCanvas) {
    canvas.line()
    canvas.line(
      canvas.fitted(row(countsTicks ? "tick" : "time", "call", "device", "driver", "count", "line"), from: 0),
      .dim)
    let isCut = changes.count > Self.shown
    let atStart = isCut ? Self.shown - Self.shownAtEnd : foldPlace ?? changes.count
    for change in changes.prefix(atStart) { render(change, &canvas) }
    if isCut {
      var rest = "  … \(counted(changes.count - Self.shown, "more change")), in the JSON report"
      if folded > 0 { rest += ", and \(folded) that are only counted" }
      canvas.line(rest + " …", .dim)
      for change in changes.suffix(Self.shownAtEnd) { render(change, &canvas) }
    } else if atStart < changes.count {
      canvas.line(
        "  … \(counted(folded, "more change, which is", "more changes, which are")) only counted …", .dim)
      for change in changes.dropFirst(atStart) { render(change, &canvas) }
    }
  }

  private func render(_ change: Change, _ canvas: inout TextCanvas) {
    let before = TextGroup.count(change.before)
    let after = TextGroup.count(change.after)
    let isLeak = leaks.contains(change.at)
    let text =
      row(
        change.time.map { ReportSentence.clock($0, countsTicks) } ?? "", Self.name(change),
        change.device ?? "", change.driver ?? "",
        change.before == change.after ? after : "\(before) → \(after)", "\(change.at.line)")
      + "  " + bar(change.after) + (isLeak ? " ← leak" : "")
    canvas.line(canvas.fitted(text.trimmingEnd(), from: 0), isLeak ? .bad : .plain)
  }

  private func row(
    _ time: String, _ call: String, _ device: String, _ driver: String, _ count: String, _ line: String
  ) -> String {
    "  " + time.leftPadded(self.time) + "  " + call.padded(self.call) + "  "
      + cut(device, self.device).padded(self.device) + "  " + cut(driver, self.driver).padded(self.driver)
      + "  "
      + count.padded(9) + "  " + line.leftPadded(self.line)
  }

  private func cut(_ name: String, _ width: Int) -> String {
    let safe = Printable.text(name)
    return safe.count <= width ? safe : safe.prefix(max(1, width - 1)) + "…"
  }

  /// The call, and its result where that says anything.
  static func name(_ change: Change) -> String {
    guard let result = change.result, !(result == 0 && change.call != .query) else {
      return change.call.rawValue
    }
    return "\(change.call.rawValue) = \(result)"
  }

  /// The count as a bar: full blocks for what is certain, light ones up to what is possible.
  private func bar(_ count: Count) -> String {
    let unit = max(1, (scale + 15) / 16)
    let low = min(16, (count.min + unit - 1) / unit)
    guard let max = count.max else { return String(repeating: "▮", count: low) + "…" }
    let high = min(16, (max + unit - 1) / unit)
    return String(repeating: "▮", count: low) + String(repeating: "▯", count: high - low)
  }
}
