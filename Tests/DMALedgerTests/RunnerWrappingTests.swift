import DMALedger
import TestSupport
import Testing

/// Whatever runs a test wraps whatever the test prints: traces, logs, listings say the same with and without.
@Suite("Any file in the wrapping of any runner")
struct RunnerWrappingTests {
  private static func lines(_ path: String) throws -> [String] {
    let text = String(decoding: try Checkout.bytes(path), as: UTF8.self)
    return Self.split(text)
  }

  /// By the byte: a carriage return and a newline are one character.
  private static func split(_ text: String) -> [String] {
    text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).map { String(Substring($0)) }
  }

  /// A report without what the wrapping changes: the size of the input, and the text that evidence is shown with.
  private func judged(_ bytes: [UInt8]) -> [String] {
    let report = report(on: bytes)
    return [
      "\(report.verdict)", "\(report.kernel)", report.sources[0].format, "\(report.sources[0].events)",
      "\(report.unattributed)", "\(report.sources[0].unparsed)",
    ] + report.findings.map { "\($0.rule) \($0.device ?? "") \($0.message)" }
      + report.changes.map {
        "\($0.call) \($0.device ?? "") \($0.before) \($0.after) \($0.comm ?? "") \($0.time as Any)"
      }
  }

  private static let traces = [
    "6.1-unfixed-late-probes/trace.txt", "6.1-unfixed-late-function-latency/trace.txt",
    "6.1-unfixed-late-graph-filtered/trace.txt", "7.3-unfixed-late-graph-retval/trace.txt",
    "6.1-unfixed-trace-cmd/report.txt",
  ]

  @Test("a wrapped trace is judged like the plain one", arguments: traces, RunnerWrapping.all)
  func trace(_ path: String, _ wrapping: RunnerWrapping) throws {
    let plain = try Checkout.bytes("samples/\(path)")
    #expect(judged(wrapping.wrap(try Self.lines("samples/\(path)"))) == judged(plain))
  }

  @Test("a wrapped line that is cut anywhere is survived", arguments: RunnerWrapping.all)
  func cut(_ wrapping: RunnerWrapping) {
    let lines = [
      "[    5.140900] pci 0000:03:00.0: Adding to iommu group 12", "# tracer: function_graph", "cpus=2",
      "            bash-112     [000] d....    34.497897: console: x", "6,339,5140900,-;x",
    ]
    for line in lines {
      let whole = wrapping.wrap([line])
      for length in 0...whole.count {
        let read = DecodedSource(bytes: Array(whole.prefix(length)) + [0x0A])
        #expect(read.facts.isEmpty || read.facts == ["added 0000:03:00.0 to 12"] || length < whole.count)
      }
    }
  }

  @Test("the time of a graph whose clock counts from 1970 is the trace's own")
  func graphTime() {
    let line = "1795335326.654727 |   1)   6.792 us    |    iommu_device_use_default_domain();\n"
    #expect(DecodedSource(bytes: Array(line.utf8)).events.map(\.time?.value) == [1_795_335_326_654_727_000])
    let wrapped = "1795335399.000001 " + line
    #expect(
      DecodedSource(bytes: Array(wrapped.utf8)).events.map(\.time?.value) == [1_795_335_326_654_727_000])
  }

  @Test("a wrapped kernel log says what the plain one says", arguments: RunnerWrapping.all)
  func log(_ wrapping: RunnerWrapping) throws {
    let lines = try Self.lines("samples/7.3-unfixed-late-function/dmesg.txt")
    let plain = DecodedSource(bytes: Array(lines.joined(separator: "\n").utf8))
    let read = DecodedSource(bytes: wrapping.wrap(lines))
    #expect(plain.facts.count > 150)
    #expect(read.timedFacts == plain.timedFacts)
    #expect(read.unparsed == [])
    #expect(read.format == "kernel log")
  }

  @Test(
    "a wrapped log of QEMU and a wrapped listing say what the plain ones say", arguments: RunnerWrapping.all)
  func program(_ wrapping: RunnerWrapping) throws {
    for file in ["vmm.log", "groups.txt"] {
      let lines = try Self.lines("samples/7.3-unfixed-late-function/\(file)")
      let plain = DecodedSource(bytes: Array(lines.joined(separator: "\n").utf8))
      let read = DecodedSource(bytes: wrapping.wrap(lines))
      #expect(read.facts == plain.facts, "\(file)")
      #expect(!plain.facts.isEmpty && read.format == plain.format)
    }
  }

  @Test(
    "a log in the dialect of a lab, wrapped by a runner, says the same",
    arguments: KernelLogDialect.all.filter { $0.keepsTime && $0.description.contains("console") },
    RunnerWrapping.all)
  func nested(_ dialect: KernelLogDialect, _ wrapping: RunnerWrapping) {
    let text = String(decoding: dialect.write(LogDialectTests.records), as: UTF8.self)
    let lines = Self.split(text)
    let read = DecodedSource(bytes: wrapping.wrap(lines))
    #expect(read.facts == LogDialectTests.untimed)
  }
}
