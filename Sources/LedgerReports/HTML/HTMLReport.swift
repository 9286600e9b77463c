public import DMALedger

/// The report as one page for a browser: the answer, then each group's count and holdings drawn over one time axis, with
/// the lines that prove it.
///
/// The page stands alone: style, script and data are in it, and its Content-Security-Policy lets a browser load or run
/// nothing else. Without its script everything can still be read; only the charts are missing.
public enum HTMLReport {
  /// The page as UTF-8.
  public static func render(_ report: Report, toolVersion: String) -> [UInt8] {
    let timeline = Timeline(report)
    var page = HTMLCanvas()
    head(report, &page)
    page.markup(
      """
      <body>
      <svg class="hidden" width="0" height="0" aria-hidden="true"><defs>
      <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse"><path d="M0 6L6 0M0 0L6 6"/></pattern>
      <pattern id="stripes" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6"/>\
      <path d="M-1 1L1 -1M0 6L6 0M5 7L7 5"/></pattern>
      </defs></svg>

      """)
    page.markup("<a class=\"skip\" href=\"#groups\">Skip to the groups</a>\n<header>\n")
    page.element("p", [("class", "tool")], isBlock: true) { page in
      page.element("b", "dmaledger")
      page.words(" \(toolVersion) on " + names(of: report).joined(separator: ", "))
    }
    HTMLAnswer.render(report, timeline, &page)
    page.markup("</header>\n")
    toolbar(timeline, &page)
    page.markup("<main id=\"groups\">\n")
    groups(report, timeline, &page)
    HTMLClosing.render(report, timeline, &page)
    page.markup("</main>\n")
    page.markup("<script type=\"application/json\" id=\"data\">")
    var bytes = Array(page.text.utf8)
    bytes += PageData.render(timeline, sources: names(of: report))
    bytes += Array("</script>\n<script>".utf8)
    bytes += PageAssets.script
    bytes += Array("</script>\n</body>\n</html>\n".utf8)
    return bytes
  }

  /// What the sources are called, without the way to them.
  static func names(of report: Report) -> [String] {
    report.sources.indices.map { TextPlace.name(of: $0, report) }
  }

  private static func head(_ report: Report, _ page: inout HTMLCanvas) {
    page.markup("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n")
    page.emptyElement(
      "meta",
      [
        ("http-equiv", "Content-Security-Policy"),
        (
          "content",
          "default-src 'none'; script-src 'sha256-\(SHA256.base64(PageAssets.script))'; "
            + "style-src 'sha256-\(SHA256.base64(PageAssets.style))'; base-uri 'none'; form-action 'none'"
        ),
      ])
    page.markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n")
    page.markup("<meta name=\"color-scheme\" content=\"light dark\">\n")
    page.element(
      "title", isBlock: true, "\(report.verdict.rawValue): " + names(of: report).joined(separator: ", "))
    page.markup("<style>")
    page.asset(PageAssets.style)
    page.markup("</style>\n</head>\n")
  }

  private static func toolbar(_ timeline: Timeline, _ page: inout HTMLCanvas) {
    guard timeline.hasCharts else { return }
    page.markup(
      """
      <nav id="toolbar" class="needs-script" aria-label="Time axis of all charts">
      <span class="choice" role="group" aria-label="What the axis shows"><button type="button" id="axis-time">Time</button>\
      <button type="button" id="axis-order">Even steps</button></span>
      <span role="group" aria-label="Zoom"><button type="button" id="zoom-out" aria-label="Zoom out">−</button>\
      <button type="button" id="zoom-in" aria-label="Zoom in">+</button>\
      <button type="button" id="zoom-fit">Show all</button></span>
      <span id="range" role="status"></span>
      </nav>
      <noscript><p class="remark">The charts need the script of this page. Without it the tables below say the same.</p></noscript>

      """)
    if timeline.axis == .order {
      page.markup("<p class=\"remark\">")
      page.markup("The axis is the order of lines: ")
      page.words(
        timeline.groups.contains { $0.group.changes.contains { $0.time != nil } }
          ? "the capture's clock was started anew, so its times cannot stand on one axis."
          : "the capture has no timestamps.")
      page.markup("</p>\n")
    }
  }

  /// Groups that somebody asked for, then those with a verdict to explain, then the quiet ones.
  private static func groups(_ report: Report, _ timeline: Timeline, _ page: inout HTMLCanvas) {
    let asked = { (index: Int) in report.answers.contains { $0.isAbout(report.groups[index]) } }
    let telling = report.groups.indices.filter {
      report.groups[$0].verdict != .balanced || asked($0) || !timeline.groups[$0].findings.isEmpty
    }
    for index in telling.filter(asked) + telling.filter({ !asked($0) }) {
      HTMLGroup.render(index, report, timeline, &page)
    }
    let quiet = report.groups.indices.filter { !telling.contains($0) }
    guard !quiet.isEmpty else { return }
    var attributes: [(StaticString, String)] = [("class", "quiet"), ("id", "quiet")]
    // Where there is nothing else to see, they are what a reader came for.
    if telling.isEmpty { attributes.append(("open", "")) }
    page.element("details", attributes, isBlock: true) { page in
      page.element(
        "summary",
        "\(counted(quiet.count, "balanced group")): every reference is accounted for")
      for index in quiet { HTMLGroup.render(index, report, timeline, &page) }
    }
  }
}

/// The page's own style and script, from the files in `Page/`.
enum PageAssets {
  static let style = PackageResources.page_css
  static let script = PackageResources.timeline_js + PackageResources.chart_js + PackageResources.view_js
}
