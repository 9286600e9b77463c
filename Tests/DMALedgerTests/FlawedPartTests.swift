import DMALedger
import Foundation
import TestSupport
import Testing

/// Files that seem to be the parts of one trace and are not, or not all of them.
@Suite("Parts of a trace: what is missing or none")
struct FlawedPartTests {
  private static let header = "# tracer: nop\n#\n# entries-in-buffer/entries-written: 4/4   #P:2\n#\n"
  private static let group = "grp=0xff110001005f6900 id=7"
  private static let zero = [
    "  init-1 [000] ..... 5.100000: use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"0000:03:00.0\" \(group) cnt=0",
    "  init-1 [000] ..... 5.100010: use_ret: (really_probe+0x120/0x396 <- iommu_device_use_default_domain) ret=0",
  ]
  private static let one = [
    "  kworker-57 [001] ..... 5.100020: use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"0000:03:00.1\" \(group) cnt=1",
    "  kworker-57 [001] ..... 5.100030: use_ret: (really_probe+0x120/0x396 <- iommu_device_use_default_domain) ret=0",
  ]

  private static func text(_ lines: [String]) -> String { header + lines.joined(separator: "\n") + "\n" }

  private static func report(_ files: [(name: String, text: String)]) -> Report {
    var analyzer = Analyzer()
    let inputs = files.map { SourceInput.bytes(Array($0.text.utf8), name: $0.name) }
    #expect(analyzer.read(inputs, heads: analyzer.heads(of: inputs)).isEmpty)
    return analyzer.finish()
  }

  @Test("parts that go together are one trace")
  func whole() {
    let report = Self.report([("cpu0", Self.text(Self.zero)), ("cpu1", Self.text(Self.one))])
    #expect(report.verdict == .balanced, "\(report.reasons)")
    #expect(report.group(7)?.final.exact == 2)
    #expect(report.diagnostics.isEmpty, "\(report.diagnostics)")
  }

  @Test(
    "where no part bears on anything, the place of what is missing does not depend on the order of files",
    arguments: [[], ["/sys/kernel/iommu_groups/3/devices/0000:00:03.0"]])
  func placeOfNothing(listing: [String]) {
    let files = (0..<2).map { cpu in
      let record = "  init-1 [00\(cpu)] ..... 5.100000: other: (kfree+0x0/0x8c)"
      return (name: "cpu\(cpu)", text: Self.text([record] + (cpu == 0 ? listing : [])))
    }
    let places = [files, files.reversed()].map { files in
      let report = Self.report(files)
      return report.findings.flatMap(\.evidence).map { "\(report.sources[$0.at.source].path):\($0.at.line)" }
    }
    #expect(places == [["cpu0:1"], ["cpu0:1"]])
  }

  @Test("of parts that vanish before they are opened each is named, and the others are read")
  func vanished() throws {
    let folder = try CaptureFolder()
    let texts = [Self.zero, Self.one, Self.one.map { $0.replacing("[001]", with: "[002]") }].map(Self.text)
    let paths = try texts.enumerated().map { try folder.write("cpu\($0)", $1) }
    let inputs = paths.map { SourceInput.file(PathName($0), isOnlyFile: false) }
    for gone in [[0], [1], [0, 2], [0, 1, 2]] {
      for (index, text) in texts.enumerated() { try folder.write("cpu\(index)", text) }
      var analyzer = Analyzer()
      let heads = analyzer.heads(of: inputs)
      for index in gone { try FileManager.default.removeItem(atPath: paths[index]) }
      let unreadable = analyzer.read(inputs, heads: heads)
      #expect(unreadable.map(\.path) == gone.map { paths[$0] })
      let report = analyzer.finish()
      #expect(report.sources.map(\.path) == paths.indices.filter { !gone.contains($0) }.map { paths[$0] })
      #expect(report.verdict == .inconclusive)
      if gone.count < 3 { #expect(report.group(7) != nil && report.group(7)?.final.exact == nil) }
      let lost = report.findings.filter { $0.rule == .evidenceLost }
      #expect(lost.count == (gone.count < 3 ? 1 : 0), "\(gone)")
    }
  }

  @Test("a part that could not be opened is missed where the header counts no lines, too")
  func vanishedUncounted() throws {
    let folder = try CaptureFolder()
    let texts = [Self.zero, Self.one].map { Self.text($0).replacing("tracer: nop", with: "tracer: irqsoff") }
    let paths = try texts.enumerated().map { try folder.write("cpu\($0)", $1) }
    let inputs = paths.map { SourceInput.file(PathName($0), isOnlyFile: false) }
    var analyzer = Analyzer()
    let heads = analyzer.heads(of: inputs)
    try FileManager.default.removeItem(atPath: paths[1])
    #expect(analyzer.read(inputs, heads: heads).count == 1)
    let report = analyzer.finish()
    #expect(report.verdict == .inconclusive)
    #expect(report.findings.contains { $0.message.contains("a file of the trace could not be opened") })
  }

  /// Whether files were found to be no parts, and what is said of which line.
  private static func remarks(_ report: Report) -> [String] {
    report.diagnostics.filter { $0.message.contains("not the file of one CPU") }.map {
      "\($0.source.map { report.sources[$0].path } ?? ""):\($0.line ?? 0): \($0.message.prefix { $0 != ":" })"
    }
  }

  @Test("the whole trace beside the part of a CPU that it does not begin with")
  func wholeBesidePart() {
    let report = Self.report([("trace", Self.text(Self.zero + Self.one)), ("cpu1", Self.text(Self.one))])
    #expect(Self.remarks(report) == ["trace:7: this line is of CPU 1, and the first record of CPU 0"])
    #expect(report.verdict == .inconclusive)
    #expect(report.group(7)?.final.exact == nil)
    #expect(report.findings.allSatisfy { $0.severity != .error })
  }

  @Test("parts that somebody put into one file are none")
  func concatenated() {
    let both = Self.text(Self.zero) + Self.text(Self.one)
    let other = Self.text(Self.one.map { $0.replacing("[001]", with: "[002]") })
    let report = Self.report([("both", both), ("cpu2", other)])
    #expect(Self.remarks(report) == ["both:7: another trace begins here"])
    #expect(report.verdict == .inconclusive)
    #expect(report.group(7)?.final.exact == nil)
  }

  @Test("a file whose times go back is none")
  func wentBack() {
    let report = Self.report([
      ("cpu0", Self.text(Self.zero.reversed())), ("cpu1", Self.text(Self.one)),
    ])
    #expect(Self.remarks(report) == ["cpu0:6: this line is earlier than one before it"])
    #expect(report.verdict == .inconclusive)
  }

  @Test("files without times are read one after the other")
  func untimed() {
    func plain(_ lines: [String]) -> String {
      Self.text(lines).replacing(#/ 5\.\d+: /#, with: " ")
    }
    let report = Self.report([("cpu0", plain(Self.zero)), ("cpu1", plain(Self.one))])
    #expect(report.verdict == .inconclusive)
    #expect(report.group(7)?.final.exact == nil)
  }

  @Test("what a file of one CPU has beside its records bears on no order")
  func beside() {
    let report = Self.report([
      ("cpu0", Self.text(Self.zero) + "vfio: group 7 is not viable\n"), ("cpu1", Self.text(Self.one)),
    ])
    #expect(report.group(7)?.final.exact == 2)
    #expect(Self.remarks(report).isEmpty)
  }

  @Test("what is missing from parts is told at a line that there is")
  func nothingHeard() {
    let header = "# tracer: nop\n#\n# entries-in-buffer/entries-written: 9/9   #P:2\n#\n"
    let report = Self.report([
      ("cpu0", header + Self.zero.joined(separator: "\n") + "\n"),
      ("cpu1", header + " sh-9 [001] ..... 5.000001: console: a word\n"),
    ])
    let lines = report.findings.flatMap(\.evidence).map(\.at.line)
    #expect(report.findings.contains { $0.rule == .evidenceLost })
    #expect(lines.allSatisfy { $0 > 0 })
  }
}
