import DMALedger
import TestSupport
import Testing

/// One real kernel log, wrapped the ways loggers and runners wrap it: what it says about the trace stays the same.
@Suite("Kernel logs in every wrapping")
struct LogWrappingTests {
  /// Rewrites a line: its seconds, its microseconds, its text.
  typealias Wrapping = @Sendable (_ seconds: String, _ micros: String, _ text: String) -> String

  private static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\t", with: "\\t")
  }

  private static func microseconds(_ seconds: String, _ micros: String) -> Int {
    (Int(seconds) ?? 0) * 1_000_000 + (Int(micros) ?? 0)
  }

  private static let wrappings: [(name: String, head: String, wrap: Wrapping, tail: String)] = [
    ("dmesg", "", { "[\($0.leftPadded(to: 5)).\($1)] \($2)" }, ""),
    ("dmesg -x", "", { "kern  :info  : [\($0.leftPadded(to: 5)).\($1)] \($2)" }, ""),
    ("dmesg -r", "", { "<6>[\($0.leftPadded(to: 5)).\($1)] \($2)" }, ""),
    ("/dev/kmsg", "", { "6,77,\(microseconds($0, $1)),-;\($2)" }, ""),
    ("journalctl -o short-monotonic", "", { "[\($0.leftPadded(to: 5)).\($1)] vfio kernel: \($2)" }, ""),
    (
      "journalctl -o json", "",
      {
        "{\"__CURSOR\":\"s=1\",\"_SOURCE_MONOTONIC_TIMESTAMP\":\"\(microseconds($0, $1))\","
          + "\"_TRANSPORT\":\"kernel\",\"MESSAGE\":\"\(escaped($2))\"}"
      }, ""
    ),
    (
      "journalctl -o json, bytes", "",
      {
        "{\"MESSAGE\":[\($2.utf8.map(String.init).joined(separator: ","))],"
          + "\"_SOURCE_MONOTONIC_TIMESTAMP\":\"\(microseconds($0, $1))\"}"
      }, ""
    ),
    (
      "docker", "",
      { "{\"log\":\"[\($0.leftPadded(to: 5)).\($1)] \(escaped($2))\\r\\n\",\"stream\":\"stdout\"}" }, ""
    ),
    (
      "LAVA", "",
      {
        "- {\"dt\": \"2026-11-22T10:00:00.1\", \"lvl\": \"target\", \"msg\": \"[\($0.leftPadded(to: 5)).\($1)] \(escaped($2))\"}"
      },
      ""
    ),
    (
      "dmesg -J", "{\n   \"dmesg\": [\n      {\n",
      {
        "         \"pri\": 6,\n         \"time\": \($0.leftPadded(to: 5)).\($1),\n"
          + "         \"msg\": \"\(escaped($2))\"\n      },{"
      }, "      }\n   ]\n}\n"
    ),
  ]

  @Test("the windows of a trace are named by the log in every wrapping", arguments: wrappings.map(\.name))
  func named(_ name: String) throws {
    let wrapping = try #require(Self.wrappings.first { $0.name == name })
    let folder = "samples/7.3-unfixed-late-function"
    let plain = String(decoding: try Checkout.bytes("\(folder)/dmesg.txt"), as: UTF8.self)
    let lines = try plain.split(separator: "\n").map { line in
      let parts = try #require(line.wholeMatch(of: /\[ *(\d+)\.(\d+)\] ?(.*)/), "\(line)").output
      return wrapping.wrap(String(parts.1), String(parts.2), String(parts.3))
    }
    var analyzer = Analyzer()
    analyzer.read(
      bytes: Array((wrapping.head + lines.joined(separator: "\n") + "\n" + wrapping.tail).utf8), name: "log")
    analyzer.read(bytes: try Checkout.bytes("\(folder)/trace.txt"), name: "trace.txt")
    let report = analyzer.finish()
    let leaks = report.findings.filter { $0.rule == .testRemoveLeak }
    #expect(
      leaks.compactMap(\.device).sorted() == ["0000:00:03.0", "0000:02:01.0", "0000:02:02.0", "0000:02:02.0"])
    #expect(leaks.compactMap { $0.group?.value }.sorted() == [1, 9, 9, 9])
    #expect(report.sources[0].unparsed.isEmpty)
  }

  @Test("JSON that is cut anywhere is survived", arguments: 1...8)
  func cut(_ part: Int) {
    let line = "{\"MESSAGE\":\"vfio-pci 0000:01:00.0: \\u00e9 Adding to iommu group 45\",\"_PID\":\"1\"}"
    var analyzer = Analyzer()
    analyzer.read(bytes: Array(line.utf8.prefix(line.utf8.count * part / 8)), name: "cut")
    #expect(analyzer.finish().findings.allSatisfy { $0.severity < .error })
  }

  @Test("JSON of something else is told as not understood")
  func foreign() {
    var analyzer = Analyzer()
    analyzer.read(
      bytes: Array("{\"name\": \"x\", \"value\": [1, 2]}\n{\"name\": \"y\"}\n".utf8), name: "other.json")
    #expect(!analyzer.finish().understoodAnything)
  }
}

extension String {
  fileprivate func leftPadded(to width: Int) -> String {
    String(repeating: " ", count: max(0, width - count)) + self
  }
}
