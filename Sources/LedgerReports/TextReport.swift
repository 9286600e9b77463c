public import DMALedger

/// The report for people: the answer first, then each group's story with the lines that prove it, then what to do.
///
/// Fits into `style.width` columns, so that it can be pasted into a bug report.
public enum TextReport {
  /// Renders the whole report.
  public static func render(_ report: Report, style: TextStyle = TextStyle()) -> String {
    var canvas = TextCanvas(style: style)
    headline(report, &canvas)
    let told = report.groups.filter { isWorthTelling($0, report) }
    let asked = told.filter { wasAsked($0, report) }
    for group in asked { TextGroup.render(group, report, isBrief: false, &canvas) }
    // Whoever was refused a group wants to read about that one; the others are told in short.
    for group in told where !wasAsked(group, report) {
      TextGroup.render(group, report, isBrief: !asked.isEmpty, &canvas)
    }
    quietGroups(report, &canvas)
    general(report, &canvas)
    remedies(report, &canvas)
    recipe(report, &canvas)
    sources(report, &canvas)
    return canvas.text
  }

  // MARK: - The answer

  private static func headline(_ report: Report, _ canvas: inout TextCanvas) {
    switch report.verdict {
    case .balanced: canvas.line("BALANCED", .good)
    case .unbalanced: canvas.line("UNBALANCED", .bad)
    case .inconclusive: canvas.line("INCONCLUSIVE", .doubtful)
    }
    TextAnswer.render(report, &canvas)
    summary(report, &canvas)
    canvas.line()
    canvas.paragraph(kernelSentence(report.kernel), indent: 10, lead: "kernel    ", .dim)
  }

  /// The verdict in a sentence, over all groups.
  private static func summary(_ report: Report, _ canvas: inout TextCanvas) {
    switch report.verdict {
    case .balanced, .unbalanced: canvas.paragraph(ReportSentence.verdict(report), indent: 0)
    case .inconclusive:
      let sentence = ReportSentence.verdict(report)
      if !sentence.isEmpty { canvas.paragraph(sentence, indent: 0) }
      for reason in report.reasons.prefix(8) {
        canvas.paragraph(Printable.text(reason) + ".", indent: 2, lead: "- ")
      }
      if report.reasons.count > 8 {
        canvas.line("- and \(counted(report.reasons.count - 8, "more reason")), see the groups")
      }
    }
  }

  static func kernelSentence(_ kernel: KernelSummary) -> String {
    let release = kernel.release.map { Printable.text($0) + ": " } ?? ""
    let windows = counted(kernel.windows, "probe")
    switch kernel.testDriverRemove {
    case .unfixed:
      return release
        + "CONFIG_DEBUG_TEST_DRIVER_REMOVE is on and dma_cleanup() is missing (no \(TestRemoveFix.commit)); "
        + "\(windows) seen, \(kernel.reprobes) of which used the group twice"
    case .fixed:
      return release
        + "CONFIG_DEBUG_TEST_DRIVER_REMOVE is on, dma_cleanup() is in place (\(TestRemoveFix.commit)); "
        + "\(windows) seen, \(kernel.reprobes) of which used the group twice"
    case .inactive: return release + "CONFIG_DEBUG_TEST_DRIVER_REMOVE is off; \(windows) seen"
    case .unknown:
      return release
        + (kernel.reprobes > 0
          ? "drivers are probed twice, and nothing shows whether dma_cleanup() runs in between; \(windows) seen"
          : "nothing shows whether drivers are probed twice; \(windows) seen")
    }
  }

  // MARK: - Groups

  private static func isWorthTelling(_ group: GroupReport, _ report: Report) -> Bool {
    group.verdict != .balanced || wasAsked(group, report)
      || report.findings.contains {
        $0.group == group.id && $0.incarnation == group.incarnation && $0.group != nil
      }
  }

  private static func wasAsked(_ group: GroupReport, _ report: Report) -> Bool {
    group.id != nil
      && report.answers.contains { $0.group == group.id && $0.incarnation == group.incarnation }
  }

  private static func quietGroups(_ report: Report, _ canvas: inout TextCanvas) {
    let quiet = report.groups.filter { !isWorthTelling($0, report) }
    guard !quiet.isEmpty else { return }
    canvas.line()
    canvas.paragraph(
      quiet.map { "\(TextGroup.shortName($0)) (\(TextGroup.count($0.final)))" }.joined(separator: ", "),
      indent: 10,
      lead: "balanced  ")
  }

  /// Findings that belong to no group.
  private static func general(_ report: Report, _ canvas: inout TextCanvas) {
    for finding in report.findings where finding.group == nil {
      canvas.line()
      TextFinding.render(finding, report, &canvas)
    }
    if let sentence = ReportSentence.unattributed(report) {
      canvas.line()
      canvas.paragraph(sentence, indent: 10, lead: "no group  ")
    }
  }

  // MARK: - What to do

  private static func remedies(_ report: Report, _ canvas: inout TextCanvas) {
    let lines = ReportSentence.remedies(report)
    guard !lines.isEmpty else { return }
    canvas.line()
    canvas.line("what to do", .strong)
    for (rule, text) in lines {
      canvas.paragraph(Printable.text(text), indent: 4, lead: "  \(rule.rawValue): ")
    }
    canvas.paragraph(
      "`dmaledger explain RULE` tells how each is recognised and what looks like it.", indent: 2, .dim)
  }

  /// Commands are to be pasted: neither wrapped nor indented.
  private static func recipe(_ report: Report, _ canvas: inout TextCanvas) {
    guard !report.recipe.isEmpty else { return }
    canvas.line()
    canvas.line("what would settle it", .strong)
    for line in report.recipe { canvas.line(line) }
  }

  // MARK: - Sources

  private static func sources(_ report: Report, _ canvas: inout TextCanvas) {
    canvas.line()
    for (index, source) in report.sources.enumerated() {
      canvas.paragraph(
        Printable.text(source.path) + ": " + ReportSentence.source(source), indent: 10, lead: "read      ",
        .dim)
      for shape in source.unparsed.prefix(6) {
        canvas.line(
          canvas.fitted(
            "          not understood: \(shape.count) x `\(shape.shape)`, first in line \(shape.firstLine)",
            from: 0))
      }
      for note in report.diagnostics where note.source == index { diagnostic(note, &canvas) }
    }
    for note in report.diagnostics where note.source == nil { diagnostic(note, &canvas) }
  }

  private static func diagnostic(_ note: Diagnostic, _ canvas: inout TextCanvas) {
    let place = note.line.map { "line \($0): " } ?? ""
    canvas.paragraph(
      place + Printable.text(note.message), indent: 10, lead: note.level.rawValue.padded(10),
      note.level == .note ? .dim : .doubtful)
  }

  /// A sentence begins with a capital, but a driver's name is written as it is.
  static func capitalized(_ text: String) -> String {
    let safe = Printable.text(text)
    guard ["group ", "a ", "another ", "the ", "every ", "nobody ", "what "].contains(where: safe.hasPrefix)
    else {
      return safe
    }
    return safe.prefix(1).uppercased() + safe.dropFirst()
  }
}
