import DMALedger

/// A finding with its lines; each line leads to its place in the chart.
enum HTMLFinding {
  /// Lines shown of a finding; the JSON report has them all.
  private static let shownLines = 12

  static func render(_ finding: Finding, _ report: Report, _ timeline: Timeline, _ page: inout HTMLCanvas) {
    page.element("article", [("class", "finding \(finding.severity.rawValue)")], isBlock: true) { page in
      page.element("h3", isBlock: true) { page in
        page.words(finding.severity.rawValue + ": " + finding.rule.rawValue)
        page.element("span", [("class", "hidden")], ",")
        page.element("span", [("class", "certainty")], " " + finding.certainty.rawValue)
      }
      page.element("p", isBlock: true) { $0.prose(TextReport.capitalized(finding.message)) }
      evidence(finding, report, timeline, &page)
    }
  }

  static func evidence(_ finding: Finding, _ report: Report, _ timeline: Timeline, _ page: inout HTMLCanvas) {
    let story = finding.story
    guard !story.isEmpty else { return }
    let own = timeline.groups.firstIndex { finding.isAbout($0.group) }
    page.element("ol", [("class", "lines")], isBlock: true) { page in
      for part in story.prefix(shownLines) {
        // A line of no group, as a loss is, may be in the chart of several.
        let index = own ?? timeline.groups.firstIndex { $0.place(of: part.line.at) != nil }
        page.element("li", isBlock: true) { page in
          place(part.line.at, report, index.map { timeline.groups[$0] }, index, &page)
          page.words(" " + part.note)
          page.element("code", part.line.text)
        }
      }
      if story.count > shownLines {
        page.element("li", "and \(counted(story.count - shownLines, "more line"))")
      }
    }
  }

  /// A line's name, and where it is in the chart a link to the spot.
  static func place(
    _ at: LineReference, time: Nanoseconds? = nil, _ report: Report, _ life: GroupTimeline?, _ index: Int?,
    _ page: inout HTMLCanvas
  ) {
    let name = (report.sources.count > 1 ? "" : "line ") + TextPlace.short(at, report)
    if let index, let life, life.isCharted, let number = life.place(of: at, time) {
      page.element(
        "a",
        [
          ("href", "#e\(index)-\(number)"), ("data-event", "\(index) \(number)"),
          ("title", "show it in the chart"),
        ], name)
    } else {
      page.element("span", [("class", "place")], name)
    }
  }
}

/// The end of the page: what belongs to no group, what to do, what was read.
enum HTMLClosing {
  static func render(_ report: Report, _ timeline: Timeline, _ page: inout HTMLCanvas) {
    let others = report.findings.filter { $0.group == nil }
    if !others.isEmpty {
      page.element("h2", isBlock: true, report.groups.isEmpty ? "What was found" : "What else was found")
    }
    for finding in others { HTMLFinding.render(finding, report, timeline, &page) }
    if let sentence = ReportSentence.unattributed(report) {
      page.element("p", isBlock: true, sentence)
    }
    let remedies = ReportSentence.remedies(report)
    if !remedies.isEmpty {
      page.element("h2", isBlock: true, "What to do")
      page.element("dl", isBlock: true) { page in
        for remedy in remedies {
          page.element("dt", remedy.rule.rawValue)
          page.element("dd", isBlock: true) { $0.prose(remedy.text) }
        }
      }
    }
    if !report.recipe.isEmpty {
      page.element("h2", isBlock: true, "What would settle it")
      page.element("pre", isBlock: true) { page in
        for line in report.recipe {
          page.words(line)
          page.markup("\n")
        }
      }
    }
    sources(report, &page)
  }

  private static func sources(_ report: Report, _ page: inout HTMLCanvas) {
    page.element("h2", isBlock: true, "What was read")
    page.element("ul", isBlock: true) { page in
      for (index, source) in report.sources.enumerated() {
        page.element("li", isBlock: true) { page in
          page.element("b", source.path)
          page.words(": " + ReportSentence.source(source))
          for shape in source.unparsed.prefix(6) {
            page.element("p", [("class", "remark")], "not understood: \(shape.count) × ")
            page.element("code", shape.shape)
          }
          for note in report.diagnostics where note.source == index { diagnostic(note, &page) }
        }
      }
    }
    for note in report.diagnostics where note.source == nil { diagnostic(note, &page) }
  }

  private static func diagnostic(_ note: Diagnostic, _ page: inout HTMLCanvas) {
    let place = note.line.map { "line \($0): " } ?? ""
    page.element("p", [("class", "remark")], isBlock: true, "\(note.level.rawValue): \(place)\(note.message)")
  }
}
