import DMALedger
@testable import LedgerReports

/// Every output of what a capture says, under a name that is as hostile as the capture.
///
/// Input: as for ``WholeAnalyzer``.
enum Renderers {
  static func check(_ input: [UInt8]) {
    guard let flags = input.first else { return }
    var options = WholeAnalyzer.options(flags)
    options.identifiesContent = true
    let sources = WholeAnalyzer.sources(Array(input[1...]))
    let (report, id) = WholeAnalyzer.read(sources, options)
    let name = String(decoding: input[1...].suffix(24), as: UTF8.self)
    var record = CaptureRecord(id: id ?? "", name: name, report: report)
    for index in record.report.sources.indices { record.report.sources[index].path = name + "\(index)" }
    if flags & 64 != 0 { record.unreadable = [InputError(path: name, reason: "is a directory")] }
    checkSingle(record)
    let other = CaptureRecord(
      id: "xxh3:0", name: "b", report: WholeAnalyzer.read(Array(sources.prefix(1)), options).report)
    Collections.check([record, other])
    let comparison = CaptureComparison(good: record.report, bad: record.report)
    if case .different = comparison.result { require(false, "a capture differs from itself") }
    Outputs.checkText(ComparisonText.render(comparison, good: record, bad: other))
  }

  /// The outputs that are about one capture alone.
  private static func checkSingle(_ record: CaptureRecord) {
    let report = record.report
    for (width, charts) in [(60, TextStyle.Charts.unicode), (100, .none), (250, .ascii)] {
      var style = TextStyle(width: width)
      style.charts = charts
      Outputs.checkText(TextReport.render(report, style: style))
    }
    Outputs.checkText(TextReport.render(report, style: TextStyle(usesColor: true)), hasColor: true)
    Outputs.checkJSON(JSONReport.render(report, toolVersion: "0", captureID: record.id))
    Outputs.checkJSON(ChromeTrace.render(report))
    Outputs.checkProtobuf(PerfettoTrace.render(report))
    Outputs.checkPage(HTMLReport.render(report, toolVersion: "0"))
  }
}

/// The outputs that are about any number of captures.
enum Collections {
  static func check(_ records: [CaptureRecord]) {
    checkRoundTrip(records)
    let locator = SourceLocator(root: "/", folder: "captures")
    Outputs.checkXML(JUnitReport(locator: locator).rendered(records))
    Outputs.checkJSON(SARIFReport(toolVersion: "0", locator: locator).rendered(records))
    Outputs.checkJSON(GitLabQualityReport(locator: locator).rendered(records))
    Outputs.checkText(String(decoding: KTAPReport().rendered(records), as: UTF8.self))
    Outputs.checkText(String(decoding: TAPReport().rendered(records), as: UTF8.self))
    Outputs.checkText(String(decoding: GitHubAnnotations(locator: locator).rendered(records), as: UTF8.self))
    let markdown = MarkdownSummary(limit: 20_000, locator: locator).rendered(records)
    require(markdown.count <= 20_000, "a summary above its limit")
    Outputs.checkText(String(decoding: markdown, as: UTF8.self))
    Outputs.checkText(String(decoding: TextSummary().rendered(records), as: UTF8.self))
    if let build = KCIDBReport.Build("lab_1:7") {
      for line in KCIDBReport(build: build).rendered(records).split(separator: 0x0A) {
        Outputs.checkJSON(Array(line))
      }
    }
    var baseline = Baseline()
    for record in records { baseline.add(record) }
    for var record in records {
      baseline.mark(&record)
      require(record.report.findings.allSatisfy { $0.novelty == .known }, "a bug is new beside itself")
    }
  }

  /// Nothing is lost in records.
  private static func checkRoundTrip(_ records: [CaptureRecord]) {
    let writer = JSONLinesReport(toolVersion: "0")
    let bytes = writer.rendered(records)
    for line in bytes.split(separator: 0x0A) { Outputs.checkJSON(Array(line)) }
    var reader = RecordsReader()
    var back: [CaptureRecord] = []
    do throws(RecordsError) {
      try reader.read(bytes.span, into: &back)
      try reader.finish()
    } catch {
      require(false, "line \(error.line): \(error.message)")
    }
    require(String(describing: back) == String(describing: records), "records lose something")
    require(writer.rendered(back) == bytes, "records come back in other words")
  }
}
