import DMALedger
import Foundation
import TestSupport
import Testing

private let formats = SampleFiles.root + "/formats"
/// A folder with whole recordings, for developers who have it.
private let recordings = ProcessInfo.processInfo.environment["DMALEDGER_FORMATS"]

/// Recorded texts of every option and tool, most of them without an ownership event: they must be read without a
/// line left over.
@Suite("Recorded texts")
struct CorpusTests {
  @Test(
    "the samples of every format are read without a line left over", arguments: SampleFiles.names(in: formats)
  )
  func samples(name: String) throws {
    try check(formats + "/" + name)
  }

  @Test("the samples are there")
  func samplesExist() {
    #expect(SampleFiles.names(in: formats).count >= 25)
  }

  @Test(
    "whole recordings are read without a line left over", .enabled(if: recordings != nil),
    arguments: ["ftrace", "graph-and-logs", "trace-cmd-and-perf"])
  func wholeRecordings(folder: String) throws {
    let folder = try #require(recordings) + "/" + folder
    let names = SampleFiles.names(in: folder)
    #expect(!names.isEmpty, "\(folder)")
    for name in names { try check(folder + "/" + name) }
  }

  private func check(_ path: String) throws {
    var analyzer = Analyzer()
    try analyzer.read(path: path)
    let report = analyzer.finish()
    guard Self.isRaw(path) else {
      #expect(report.sources[0].unparsed == [], "\(path)")
      #expect(report.diagnostics.allSatisfy { $0.level != .error }, "\(path): \(report.diagnostics)")
      #expect((report.sources[0].format == "kernel log") == Self.isKernelLog(path), "\(path)")
      return
    }
    #expect(!report.understoodAnything, "\(path)")
    #expect(
      report.diagnostics.contains { $0.level == .error && $0.message.contains("raw, hex or bin") }, "\(path)")
  }

  private static func isKernelLog(_ path: String) -> Bool {
    let name = path.split(separator: "/").last ?? ""
    return name.hasPrefix("dmesg") || name.hasPrefix("kmsg") || name == "console.txt"
      || name.hasPrefix("log-")
  }

  private static func isRaw(_ path: String) -> Bool {
    !isKernelLog(path) && (path.hasSuffix("-raw") || path.hasSuffix("-hex") || path.hasSuffix("-bin"))
  }
}
