import DMALedger
import Foundation
import LedgerReports
import TestSupport
import Testing

/// What the official schema makes of a trace is judged by `Tests/Outside/judge_traces.py`.
@Suite("The report as a trace for viewers")
struct TraceTests {
  @Test("the packets that are handed on one by one are the trace")
  func streamed() {
    let report = TimelineTests.seedBug.report(.arguments)
    var bytes: [UInt8] = []
    var longest = 0
    PerfettoTrace.write(report) { packet in
      bytes += packet
      longest = max(longest, packet.count)
    }
    #expect(bytes == PerfettoTrace.render(report))
    #expect(longest < bytes.count / 4)
  }

  @Test("two traces one after the other are one that holds both")
  func concatenated() {
    let report = TimelineTests.seedBug.report(.arguments)
    // Every packet stands alone, so a trace is as long as its packets.
    let bytes = PerfettoTrace.render(report)
    var offset = 0
    var packets = 0
    while offset < bytes.count {
      #expect(bytes[offset] == 0x0A)
      var length = 0
      var shift = 0
      offset += 1
      while bytes[offset] & 0x80 != 0 {
        length |= Int(bytes[offset] & 0x7F) << shift
        shift += 7
        offset += 1
      }
      length |= Int(bytes[offset]) << shift
      offset += 1 + length
      packets += 1
    }
    #expect(offset == bytes.count && packets > 10)
  }

  @Test("hostile names are text in both traces")
  func hostile() throws {
    var report = TimelineTests.seedBug.report(.arguments)
    let hostile = "x\u{202E}\u{1B}[31m\"</script>\u{0}"
    for index in report.groups[0].changes.indices {
      report.groups[0].changes[index].device = hostile
      report.groups[0].changes[index].driver = hostile
    }
    let shown = #"x\u{202e}\x1b[31m"</script>\x00"#
    #expect(PerfettoTrace.render(report).contains(Array(shown.utf8)))
    let json = try #require(
      try JSONSerialization.jsonObject(with: Data(ChromeTrace.render(report))) as? [String: Any])
    let events = try #require(json["traceEvents"] as? [[String: Any]])
    #expect(events.contains { ($0["name"] as? String)?.contains(shown) ?? false })
    #expect(!events.contains { ($0["name"] as? String)?.unicodeScalars.contains("\u{1B}") ?? false })
  }

  @Test(
    "times of a Chrome trace are exact",
    arguments: [(6_131_624_000, "6131624.000"), (17, "0.017"), (0, "0.000")])
  func microseconds(_ nanoseconds: Int64, _ text: String) {
    var report = TimelineTests.seedBug.report(.arguments)
    for index in report.groups[0].changes.indices {
      report.groups[0].changes[index].time = Nanoseconds(nanoseconds)
    }
    report.findings = []
    let trace = String(decoding: ChromeTrace.render(report), as: UTF8.self)
    #expect(trace.contains("\"ts\": \(text), "))
  }
}

extension Array where Element == UInt8 {
  fileprivate func contains(_ part: [UInt8]) -> Bool {
    guard count >= part.count else { return false }
    return (0...(count - part.count)).contains { self[$0..<$0 + part.count].elementsEqual(part) }
  }
}
