import DMALedger

/// One paragraph for each group that was asked for: what an engineer would paste into a mail.
enum TextAnswer {
  /// Paragraphs shown; the JSON report has all answers.
  private static let shown = 8

  static func render(_ report: Report, _ canvas: inout TextCanvas) {
    for (answer, steps) in ReportSentence.answers(report).prefix(shown) {
      paragraph(answer, steps, report, &canvas)
      canvas.line()
    }
    if report.answers.count > shown {
      canvas.line(
        "… and \(counted(report.answers.count - shown, "more group that was", "more groups that were")) asked for, in the JSON report …",
        .dim)
      canvas.line()
    }
  }

  private static func paragraph(
    _ answer: Answer, _ steps: [Answer.Step], _ report: Report, _ canvas: inout TextCanvas
  ) {
    let links = steps.map { step in
      Printable.text(step.text) + (step.at.map { " " + TextPlace.bracketed($0, report) } ?? "")
    }
    let chain = links.isEmpty ? "" : TextReport.capitalized(links.joined(separator: "; ")) + "."
    var headline = Printable.text(answer.headline)
    if let at = answer.at, headline.hasSuffix(".") {
      headline = headline.dropLast() + " \(TextPlace.bracketed(at, report))."
    }
    canvas.paragraph(
      [
        (headline, .strong), (chain, .plain), ("Do this:", .strong),
        (Printable.text(answer.fix) + ".", .plain),
      ], indent: 0)
  }
}
