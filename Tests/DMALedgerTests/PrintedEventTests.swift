import DMALedger
import Foundation
import TestSupport
import Testing

/// Events that the boot option `tp_printk` printed to the kernel log: bodies behind the log's time, without task or CPU.
@Suite("Events printed to the kernel log")
struct PrintedEventTests {
  /// The events of a recorded trace as the kernel prints them with `tp_printk`.
  private static func printed(_ folder: String, prefix: (_ time: String, _ pid: String) -> String) throws
    -> String
  {
    let trace = CaptureTests.samples.appending(path: folder).appending(path: "trace.txt")
    let record = #/^.{16}-(\d+) +\[\d+\] +\S+ +(\d+\.\d{6}): (.*)$/#
    return try String(contentsOf: trace, encoding: .utf8).split(separator: "\n").compactMap { line in
      guard let match = line.wholeMatch(of: record) else { return nil }
      return prefix(String(match.2), String(match.1)) + match.3
    }.joined(separator: "\n") + "\n"
  }

  private static func truth(_ folder: String) throws -> CaptureTests.Truth {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(
      CaptureTests.Truth.self,
      from: try Data(contentsOf: CaptureTests.samples.appending(path: folder).appending(path: "truth.json")))
  }

  @Test(
    "a log with the events of a trace says what the trace says",
    arguments: ["6.1-unfixed-late-probes", "6.1-fixed-late-probes", "7.3-unfixed-late-fprobes"],
    [false, true])
  func sameAsTrace(folder: String, showsCaller: Bool) throws {
    let text = try Self.printed(folder) { time, pid in
      let padded = String(repeating: " ", count: max(0, 12 - time.count)) + time
      return "[\(padded)] "
        + (showsCaller ? "[\(String(repeating: " ", count: max(0, 5 - pid.count)))T\(pid)] " : "")
    }
    let report = report(on: text)
    let truth = try Self.truth(folder)
    #expect(!truth.groups.isEmpty)
    for (id, group) in truth.groups {
      let told = try #require(report.groups.first { $0.id?.value == Int(id) })
      #expect(told.final == Count(exactly: group.final), "group \(id)")
    }
    let leaks = report.findings.filter { $0.rule == .testRemoveLeak && $0.certainty == .proved }.map(\.device)
    #expect(leaks.compactMap(\.self).sorted() == truth.testRemoveLeaks.compactMap(\.device).sorted())
    #expect(report.unparsedLines == 0)
    #expect(report.sources[0].format == "kernel log")
    #expect(report.sources[0].firstTime != nil)
  }

  private static func line(_ micros: Int, _ body: String, caller: String = "") -> String {
    "[    1.\(String(1_000_000 + micros).dropFirst())] \(caller)\(body)\n"
  }
  private static func use(_ device: String, _ group: Int, _ count: Int) -> String {
    "use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"\(device)\" drv=\"e1000e\" grp=\(group) cnt=\(count)"
  }
  private static func returned(_ code: Int) -> String {
    "use_ret: (really_probe+0x120/0x396 <- iommu_device_use_default_domain) ret=\(code)"
  }

  private func finals(_ report: Report) -> [Int: Count] {
    Dictionary(uniqueKeysWithValues: report.groups.map { ($0.id?.value ?? -1, $0.final) })
  }

  @Test("calls of two tasks that ran into each other are told apart by the caller only")
  func interleaved() {
    func log(_ callers: [String]) -> String {
      Self.line(100, Self.use("0000:00:01.0", 5, 0), caller: callers[0])
        + Self.line(110, Self.returned(0), caller: callers[0])
        + Self.line(600, Self.use("0000:00:03.0", 1, 0), caller: callers[0])
        + Self.line(601, Self.use("0000:00:04.0", 2, 0), caller: callers[1])
        + Self.line(620, Self.returned(0), caller: callers[1])
        + Self.line(621, Self.returned(-16), caller: callers[0])
    }
    let told = report(on: log(["[    T1] ", "[   T77] "]))
    #expect(finals(told) == [5: Count(exactly: 1), 1: Count(exactly: 0), 2: Count(exactly: 1)])
    let mixed = report(on: log(["", ""]))
    #expect(mixed.verdict == .inconclusive)
    #expect(mixed.findings.contains { $0.rule == .evidenceLost })
    for (id, final) in finals(mixed) where id != 5 { #expect(final.contains(id == 1 ? 0 : 1)) }
    #expect(!mixed.findings.contains { $0.severity == .error })
  }

  @Test("what a program wrote to the log is no event, and messages that were dropped are lost events")
  func strangers() {
    let body = Self.use("0000:00:03.0", 1, 0)
    #expect(report(on: "6,1,1600000,-;\(body)\n").groups.count == 1)
    #expect(report(on: "12,1,1600000,-;\(body)\n").groups.isEmpty)
    let dropped = report(
      on: Self.line(1, body) + Self.line(2, Self.returned(0)) + "** 7 printk messages dropped **\n"
        + Self.line(900, "unuse: (iommu_device_unuse_default_domain+0x0/0x60) dev=\"0000:00:05.0\" grp=3"))
    #expect(dropped.sources[0].lostEvents == 7)
    #expect(dropped.verdict == .inconclusive)
    let gap = report(
      on:
        "6,1,1600000,-;\(body)\n6,2,1600010,-;\(Self.returned(0))\n6,9,1700000,-;\(Self.use("0000:00:05.0", 3, 0))\n"
    )
    #expect(gap.verdict == .inconclusive)
    #expect(gap.findings.contains { $0.rule == .evidenceLost })
  }

  @Test("a sentence about a function is no event")
  func sentences() {
    let text =
      Self.line(1, "e1000e 0000:00:03.0: use: (iommu_device_use_default_domain+0x0/0x8c) failed")
      + Self.line(2, "RIP: 0010:iommu_device_use_default_domain+0x4f/0x60")
      + Self.line(3, "use: iommu_device_use_default_domain <-really_probe")
    #expect(report(on: text).groups.isEmpty)
  }
}
