import DMALedger
import Foundation
import TestSupport
import Testing

@Suite("Parts of a trace")
struct TracePartTests {
  /// Traces whose header says how many entries there are.
  static let counted = [
    "6.1-fixed-late-probes", "6.1-unfixed-boot-function+probes", "6.1-unfixed-late-function",
    "6.1-unfixed-late-function-latency", "6.1-unfixed-late-probes", "6.1-unfixed-late-probes-stack",
    "7.3-fixed-late-function", "7.3-unfixed-late-fprobes", "7.3-unfixed-late-function",
  ]

  private static func lines(_ sample: String) throws -> [String] {
    let bytes = try SampleFiles.bytes("\(sample)/trace.txt")
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      .map(String.init)
  }

  /// What `per_cpu/cpuN/trace` prints: the header with the numbers of all CPUs, and the records of one, each with the
  /// frames of its stack.
  private static func parts(_ lines: [String]) -> [Substring: String] {
    var parts: [Substring: String] = [:]
    var header = ""
    var cpu: Substring?
    for line in lines {
      if line.hasPrefix("#") && !line.hasPrefix("#####") {
        header += line + "\n"
      } else {
        if let match = line.prefixMatch(of: #/.{8,24}-\d+ +\[(\d+)\] /#) { cpu = match.1 }
        if let cpu, !line.hasPrefix("#####") { parts[cpu, default: header] += line + "\n" }
      }
    }
    return parts
  }

  private func report(ofFiles texts: [(name: String, text: String)]) throws -> Report {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in texts { try Data(text.utf8).write(to: folder.appendingPathComponent(name)) }
    var analyzer = Analyzer()
    let unreadable = analyzer.read(texts.map { PathName(folder.appendingPathComponent($0.name).path) })
    #expect(unreadable.isEmpty)
    return analyzer.finish()
  }

  @Test(
    "the files of all CPUs are the trace",
    arguments: [
      "6.1-fixed-late-probes", "6.1-unfixed-boot-function+probes", "6.1-unfixed-late-function",
      "6.1-unfixed-late-probes", "6.1-unfixed-late-probes-stack", "7.3-unfixed-late-fprobes",
    ])
  func allCPUs(sample: String) throws {
    let lines = try Self.lines(sample)
    let parts = Self.parts(lines)
    #expect(parts.count == 2)
    let whole = TestSupport.report(on: lines.joined(separator: "\n"))
    let files = parts.sorted { $0.key < $1.key }.map { ("cpu\($0.key).txt", $0.value) }
    for order in [files, files.reversed()] {
      let joined = try report(ofFiles: order)
      #expect(joined.verdict == whole.verdict)
      #expect(joined.kernel.testDriverRemove == whole.kernel.testDriverRemove)
      #expect(joined.kernel.windows == whole.kernel.windows)
      #expect(joined.kernel.reprobes == whole.kernel.reprobes)
      #expect(joined.story == whole.story)
    }
  }

  @Test("a file of one CPU alone proves nothing and says why")
  func oneCPU() throws {
    let lines = try Self.lines("6.1-unfixed-late-function")
    for (cpu, text) in Self.parts(lines) {
      let missing = 130 - text.split(separator: "\n").count { !$0.hasPrefix("#") }
      #expect(missing > 0)
      let one = try report(ofFiles: [("cpu\(cpu).txt", text)])
      #expect(one.verdict == .inconclusive)
      #expect(one.kernel.testDriverRemove == .unknown)
      #expect(one.findings.allSatisfy { $0.rule == .evidenceLost || $0.certainty < .proved }, "\(one.story)")
      #expect(
        one.findings.contains { $0.rule == .evidenceLost && $0.message.contains("\(missing) entries") })
    }
  }

  @Test("counts of a trace with lines missing are open, but for those that were read")
  func filtered() throws {
    let lines = try Self.lines("6.1-unfixed-late-probes")
    // Somebody kept the uses only.
    let text = lines.filter { !$0.contains(": unuse: ") }.joined(separator: "\n") + "\n"
    let report = TestSupport.report(on: text)
    #expect(report.verdict != .balanced)
    for group in report.groups { #expect(group.final.exact == nil) }
    #expect(report.changes.contains { $0.before.exact != nil })
  }

  @Test("a header without any record is told at a line that there is")
  func headerAlone() {
    let header = "# tracer: nop\n#\n# entries-in-buffer/entries-written: 9/9   #P:2\n#\n"
    let lost = TestSupport.report(on: header).findings.filter { $0.rule == .evidenceLost }
    #expect(lost.map { $0.message.contains("9 entries") } == [true])
    #expect(lost.flatMap(\.evidence).map(\.at.line) == [4])
  }

  @Test("a whole trace has a line for each entry of its header", arguments: Self.counted)
  func whole(sample: String) throws {
    let report = TestSupport.report(on: try Self.lines(sample).joined(separator: "\n"))
    #expect(!report.findings.contains { $0.message.contains("header counts") })
  }

  @Test("of traces beside each other no last count is told, and the one that lacks lines proves nothing")
  func beside() throws {
    let lines = try Self.lines("6.1-unfixed-late-probes")
    let records = lines.filter { !$0.hasPrefix("#") && !$0.isEmpty }
    // Two readers of trace_pipe share the events; none of them has a header.
    let pipes = [0, 1].map { half in
      records.enumerated().filter { $0.offset % 2 == half }.map(\.element).joined(separator: "\n") + "\n"
    }
    let report = TestSupport.report(onFiles: pipes)
    #expect(report.verdict == .inconclusive)
    for group in report.groups { #expect(group.final.exact == nil) }
    // Two instances, each whole, one for each group: what each proves it proves alone.
    let instances = ["grp=1", "grp=9"].map { group in
      let own = records.filter { !$0.contains("grp=") || $0.contains(group + " ") }
      return "# tracer: nop\n#\n# entries-in-buffer/entries-written: \(own.count)/\(own.count)   #P:2\n#\n"
        + own.joined(separator: "\n") + "\n"
    }
    let both = TestSupport.report(onFiles: instances)
    #expect(both.verdict != .balanced)
    #expect(both.groups.allSatisfy { $0.final.max == nil })
  }
}
