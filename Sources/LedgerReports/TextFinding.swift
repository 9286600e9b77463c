import DMALedger

/// One finding: what happened and the lines that show it.
enum TextFinding {
  static func render(_ finding: Finding, _ report: Report, _ canvas: inout TextCanvas) {
    let ink: Ink =
      switch finding.severity {
      case .error: .bad
      case .warning: .doubtful
      case .note: .dim
      }
    canvas.line(
      "  \(finding.severity.rawValue): \(finding.rule.rawValue) (\(finding.certainty.rawValue))", ink)
    canvas.paragraph(TextReport.capitalized(finding.message), indent: 2)
    evidence(finding, report, &canvas)
  }

  static func evidence(_ finding: Finding, _ report: Report, _ canvas: inout TextCanvas) {
    let story = finding.story
    let width = max(10, story.prefix(12).map { TextPlace.short($0.line.at, report).count }.max() ?? 0)
    for (line, note) in story.prefix(12) {
      canvas.paragraph(
        Printable.text(note), indent: width + 2,
        lead: TextPlace.short(line.at, report).leftPadded(width) + "  ", .dim)
      canvas.paragraph(Printable.text(line.text), indent: 16, lead: "            ")
    }
    if story.count > 12 { canvas.line("            and \(counted(story.count - 12, "more line"))", .dim) }
  }
}

/// Where a line stands, in the words of a report.
enum TextPlace {
  /// `12`, and with several sources `trace.txt:12`.
  static func short(_ at: LineReference, _ report: Report) -> String {
    report.sources.count > 1 ? "\(name(of: at.source, report)):\(at.line)" : "\(at.line)"
  }

  /// For running text: `[line 12]`, and with several sources `[trace.txt:12]`.
  static func bracketed(_ at: LineReference, _ report: Report) -> String {
    report.sources.count > 1 ? "[\(short(at, report))]" : "[line \(at.line)]"
  }

  /// The last part of a source's path, or all of it where two sources share that.
  static func name(of source: Int, _ report: Report) -> String {
    func last(_ path: String) -> Substring { path.split(separator: "/").last ?? Substring(path) }
    let path = report.sources[source].path
    let isUnique = report.sources.filter { last($0.path) == last(path) }.count == 1
    return Printable.text(isUnique ? String(last(path)) : path)
  }
}
