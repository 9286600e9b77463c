import DMALedger

/// A comparison of two captures for people: each pair of groups that differs, with both sides.
public enum ComparisonText {
  /// The comparison as text that ends in a newline.
  public static func render(
    _ comparison: CaptureComparison, good: CaptureRecord, bad: CaptureRecord, style: TextStyle = TextStyle()
  ) -> String {
    var canvas = TextCanvas(style: style)
    switch comparison.result {
    case .same: canvas.line("SAME", .good)
    case .different: canvas.line("DIFFERENT", .bad)
    case .undecided: canvas.line("UNDECIDED", .doubtful)
    }
    canvas.line("good  \(Printable.text(good.name))  \(good.outcome.rawValue)")
    canvas.line("bad   \(Printable.text(bad.name))  \(bad.outcome.rawValue)")
    for (capture, side) in [(good, "good"), (bad, "bad")] {
      for reason in capture.report.reasons + capture.readingTroubles {
        canvas.paragraph(Printable.text("\(side): \(reason)"), indent: 6)
      }
    }
    for pair in comparison.pairs {
      guard let divergence = pair.divergence else { continue }
      canvas.line()
      canvas.line(title(pair, good.report, bad.report) + (divergence.isFirm ? "" : "  (not proved)"), .strong)
      if let before = divergence.before {
        canvas.line("  both  " + words(before.bad))
        canvas.line(
          "        " + place(before.good, good.report) + " and " + place(before.bad, bad.report), .dim)
      }
      side("good", divergence.good, good.report, &canvas)
      side("bad ", divergence.bad, bad.report, &canvas)
    }
    let same = comparison.pairs.filter { $0.divergence == nil }.count
    canvas.line()
    canvas.line("\(counted(same, "group does", "groups do")) not differ")
    return canvas.text
  }

  private static func title(_ pair: CaptureComparison.Pair, _ good: Report, _ bad: Report) -> String {
    let names = [pair.good.map { name(good.groups[$0]) }, pair.bad.map { name(bad.groups[$0]) }]
    switch (names[0], names[1]) {
    case (let left?, let right?): return left == right ? left : "\(left) in good, \(right) in bad"
    case (let left?, nil): return left + " is in good only"
    case (nil, let right): return (right ?? "") + " is in bad only"
    }
  }

  private static func name(_ group: GroupReport) -> String {
    let devices = group.devices.prefix(3).map { Printable.text($0.name) }.joined(separator: ", ")
    let rest = group.devices.count > 3 ? " and \(group.devices.count - 3) more" : ""
    return group.plainName + (devices.isEmpty ? "" : " (\(devices)\(rest))")
  }

  private static func side(
    _ name: String, _ change: Change?, _ report: Report, _ canvas: inout TextCanvas
  ) {
    guard let change else {
      canvas.line("  \(name)  nothing more", .plain)
      return
    }
    canvas.line("  \(name)  " + words(change), name == "good" ? .good : .bad)
    canvas.line("        " + place(change, report), .dim)
  }

  /// `use by e1000e for 0000:00:03.0, count 1 → 2`.
  private static func words(_ change: Change) -> String {
    var words = change.call.rawValue
    if let driver = change.driver { words += " by \(Printable.text(driver))" }
    if let device = change.device { words += " for \(Printable.text(device))" }
    if let result = change.result, result != 0 { words += ", returns \(result)" }
    return words + ", count \(TextGroup.count(change.before)) → \(TextGroup.count(change.after))"
  }

  private static func place(_ change: Change, _ report: Report) -> String {
    let path = report.path(of: change.at.source) ?? ""
    return "\(Printable.text(path)):\(change.at.line)"
  }
}
