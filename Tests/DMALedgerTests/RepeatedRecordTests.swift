import TestSupport
import Testing

@testable import DMALedger

/// A record that two files have happened once.
@Suite("Traces that were saved twice")
struct RepeatedRecordTests {
  static let timed = [
    "6.1-fixed-late-probes", "6.1-unfixed-boot-function+probes", "6.1-unfixed-late-function",
    "6.1-unfixed-late-probes", "6.1-unfixed-late-probes-stack", "7.3-unfixed-late-fprobes",
  ]
  /// Those of function_graph without times.
  static let untimed = ["6.1-unfixed-late-graph-filtered"]

  /// The records of a sample, without a header that would count them.
  private static func records(_ sample: String) throws -> [Substring] {
    let bytes = try SampleFiles.bytes("\(sample)/trace.txt")
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
  }

  private static func text(_ lines: some Sequence<Substring>) -> String {
    lines.map { $0 + "\n" }.joined()
  }

  @Test("a trace that is there twice is the trace", arguments: timed + untimed)
  func twice(sample: String) throws {
    let bytes = try SampleFiles.bytes("\(sample)/trace.txt")
    let once = report(on: bytes)
    var analyzer = Analyzer()
    analyzer.read(bytes: bytes, name: "trace.txt")
    analyzer.read(bytes: Zstd.frame(bytes), name: "trace.txt.zst")
    let twice = analyzer.finish()
    #expect(twice.story == once.story)
    #expect(twice.kernel.windows == once.kernel.windows)
    #expect(twice.diagnostics.contains { $0.source == 1 && $0.message.contains("is in another trace, too") })
    #expect(twice.sources[1].events == once.sources[0].events)
  }

  @Test("a brace that was passed over in one reading and not in another makes no record new")
  func passedOver() {
    var repeated = RepeatedRecords()
    func judge(_ kind: TraceEvent.Kind, line: Int, _ text: String, of source: Int) -> RepeatedRecords.Verdict
    {
      var event = TraceEvent(kind: kind, line: line)
      event.observer = .graph
      return repeated.judge(event, Array(text.utf8).span, of: source)
    }
    let calls = [
      (1, " 1)   2.000 us    |  iommu_device_use_default_domain();"),
      (9, " 1)   3.000 us    |  iommu_device_unuse_default_domain();"),
    ]
    for (line, text) in calls { #expect(judge(.leaf, line: line, text, of: 0) == .new) }
    #expect(judge(.leaf, line: 1, calls[0].1, of: 1) == .repeated)
    #expect(judge(.closed, line: 5, " 1)   8.000 us    |    }", of: 1) == .held)
    #expect(judge(.leaf, line: 9, calls[1].1, of: 1) == .repeated)
    #expect(judge(.leaf, line: 12, calls[1].1, of: 1) == .first(isNext: true))
  }

  @Test(
    "what was saved before and after an attempt is the trace, wherever the first one ends",
    arguments: timed + untimed)
  func beforeAndAfter(sample: String) throws {
    let lines = try Self.records(sample)
    let whole = report(on: Self.text(lines))
    for cut in stride(from: 1, to: lines.count, by: max(1, lines.count / 50)) {
      let before = Self.text(lines[..<cut])
      let after = Self.text(lines)
      // Without times a call that has not returned may be another.
      guard Self.timed.contains(sample) || before.contains(" us |") else { continue }
      #expect(report(onFiles: [before, after]).story == whole.story, "\(cut)")
      #expect(report(onFiles: [after, before]).story == whole.story, "\(cut)")
    }
  }

  @Test("a buffer that wrapped between two readings is the trace where they share records")
  func wrapped() throws {
    let lines = try Self.records("6.1-unfixed-late-probes")
    let whole = report(on: Self.text(lines))
    for cut in 10..<lines.count - 1 {
      let joined = report(onFiles: [Self.text(lines[..<cut]), Self.text(lines[(cut - 8)...])])
      #expect(joined.story == whole.story, "\(cut)")
    }
  }

  @Test("a kernel log's dump of a trace is the trace")
  func dumped() throws {
    let lines = try Self.records("6.1-unfixed-late-probes")
    let dump = "[   60.000000] Dumping ftrace buffer:\n" + Self.text(lines.map { "[   60.000000] " + $0 })
    let trace = Self.text(lines)
    for files in [[trace, dump], [dump, trace]] {
      #expect(report(onFiles: files).story == report(on: trace).story)
    }
  }

  @Test("what was lost behind the records of another file is lost")
  func lost() throws {
    let lines = try Self.records("6.1-unfixed-late-probes")
    let marked = lines[..<20] + ["CPU:1 [LOST 7 EVENTS]"] + lines[20...]
    let joined = report(onFiles: [Self.text(lines[..<20]), Self.text(marked)])
    #expect(joined.story == report(on: Self.text(marked)).story)
    #expect(joined.findings.contains { $0.rule == .evidenceLost })
    // Of what both have nothing more is lost.
    let known = report(onFiles: [Self.text(lines), Self.text(marked)])
    #expect(known.story == report(on: Self.text(lines)).story)
  }

  @Test("a trace that somebody filtered, beside the whole one, proves no count")
  func filtered() throws {
    let lines = try Self.records("6.1-unfixed-late-probes")
    let whole = report(on: Self.text(lines))
    for device in ["0000:00:03.0", "0000:02:01.0"] {
      let part = lines.filter { $0.contains(device) }
      for files in [[part, lines], [lines, part]] {
        let joined = report(onFiles: files.map(Self.text))
        for group in joined.groups {
          let truth = try #require(whole.groups.first { $0.id == group.id }).final
          #expect(group.final.min <= truth.min && group.final.max ?? .max >= truth.max ?? .max)
        }
        #expect(joined.verdict == .unbalanced)
      }
    }
  }

  @Test("of more records than are remembered a copy is another trace, and leaves the count open")
  func many() {
    let line =
      "init-1 [000] ..... %.000000: use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"0000:00:03.0\" grp=1"
    let text = (1...20_000).map { line.replacing("%", with: "\($0)") + "\n" }.joined()
    let joined = report(onFiles: [text, text])
    #expect(joined.verdict != .balanced)
    #expect(joined.groups.allSatisfy { $0.final.max == nil })
  }
}
