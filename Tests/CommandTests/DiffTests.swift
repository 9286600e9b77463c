import DMALedger
import Foundation
import LedgerReports
import TestSupport
import Testing

@Suite("Two captures compared")
struct DiffTests {
  static let boot = "samples/6.1-unfixed-boot-function+probes/trace.txt"

  @Test(
    "the exit code is what git bisect wants",
    arguments: [
      (BatchTests.fixed, BatchTests.fixed, 0), (boot, boot, 0), (BatchTests.fixed, BatchTests.unfixed, 1),
      (BatchTests.unfixed, BatchTests.fixed, 1), (BatchTests.fixed, BatchTests.namesOnly, 125),
      (BatchTests.namesOnly, BatchTests.namesOnly, 125), (BatchTests.fixed, "LICENSE", 125),
      ("no-such-file", BatchTests.fixed, 125), ("samples", BatchTests.fixed, 125),
    ] as [(String, String, Int32)])
  func exitCode(_ good: String, _ bad: String, _ status: Int32) throws {
    let run = try CommandRun(["diff", good, bad, "-q"])
    #expect(run.status == status, "\(run.complaint)")
    #expect(run.output.isEmpty)
  }

  /// The trace of a boot on a machine with one more card in front: other addresses, other group numbers, other times.
  static func moved(_ text: String) -> String {
    var text = text
    for (old, new) in [("0000:00:03.0", "0000:07:00.0"), ("0000:02:01.0", "0000:09:01.0")] {
      text = text.replacing(old, with: new)
    }
    text = text.replacing(/grp=(\d+)/) { "grp=\((Int($0.1) ?? 0) + 11)" }
    return text.replacing(#/ (\d+)\.(\d{6}): /#) { " \((Int($0.1) ?? 0) + 100).\($0.2): " }
  }

  @Test("other times, group numbers and bus addresses are no difference")
  func renumbered() throws {
    let text = String(decoding: try Checkout.bytes(Self.boot), as: UTF8.self)
    let folder = try CaptureFolder()
    let moved = try folder.write("moved.txt", Self.moved(text))
    #expect(Self.moved(text) != text)
    let run = try CommandRun(["diff", Self.boot, moved])
    #expect(run.status == 0, "\(run.output)")
    #expect(run.output.contains("SAME") && run.output.contains("0 groups do not differ") == false)
  }

  @Test("the first call that differs is shown with both lines")
  func divergence() throws {
    let run = try CommandRun(["diff", BatchTests.fixed, BatchTests.unfixed])
    // Read off the traces: e1000e gives its reference back, and 7 stay.
    let good = try #require(
      try Self.line(of: "unuse: (iommu_device_unuse_default_domain", in: BatchTests.fixed))
    let bad = try #require(
      try Self.line(of: "unuse: (iommu_device_unuse_default_domain", in: BatchTests.unfixed))
    #expect(
      run.output.contains(
        "unuse by e1000e for 0000:00:03.0, count 1 → 0\n        \(BatchTests.fixed):\(good)\n"))
    #expect(
      run.output.contains(
        "unuse by e1000e for 0000:00:03.0, count 8 → 7\n        \(BatchTests.unfixed):\(bad)\n"))
  }

  static func line(of text: String, in path: String) throws -> Int? {
    let lines = String(decoding: try Checkout.bytes(path), as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    return lines.firstIndex { $0.contains(text) }.map { $0 + 1 }
  }

  @Test("a recording that goes on longer, and tasks that come in another order, are no difference")
  func harmless() throws {
    let good = Self.report([("use", "nvme", 0), ("use", "e1000e", 1), ("unuse", "nvme", 2)])
    let reordered = Self.report([("use", "e1000e", 0), ("use", "nvme", 1), ("unuse", "nvme", 2)])
    let longer = Self.report([
      ("use", "nvme", 0), ("use", "e1000e", 1), ("unuse", "nvme", 2), ("use", "nvme", 1),
      ("unuse", "nvme", 2),
    ])
    let leaking = Self.report([("use", "nvme", 0), ("use", "e1000e", 1)])
    #expect(CaptureComparison(good: good, bad: reordered).result == .same)
    #expect(CaptureComparison(good: good, bad: longer).result == .same)
    #expect(CaptureComparison(good: good, bad: leaking).result == .different)
    #expect(CaptureComparison(good: leaking, bad: good).result == .different)
  }

  @Test("a difference in a group that is not decided is no proof")
  func doubt() {
    let good = Self.report([("use", "nvme", 0), ("unuse", "nvme", 1)])
    var bad = Self.report([("use", "nvme", 0)])
    bad.groups[0].verdict = .inconclusive
    bad.verdict = .inconclusive
    #expect(CaptureComparison(good: good, bad: bad).result == .undecided)
  }

  /// One group with calls of drivers, each with the count before it.
  static func report(_ calls: [(kind: String, driver: String, count: Int)]) -> Report {
    let changes = calls.enumerated().map { index, call in
      Change(
        time: nil, call: call.kind == "use" ? .use : .unuse, device: "device of \(call.driver)",
        driver: call.driver, before: Count(exactly: call.count),
        after: Count(exactly: call.count + (call.kind == "use" ? 1 : -1)), certainty: .proved,
        at: LineReference(source: 0, line: index + 1))
    }
    let last = changes.last?.after ?? Count(exactly: 0)
    let group = GroupReport(
      id: GroupID(1), incarnation: 0, verdict: .balanced, reasons: [], initial: Count(exactly: 0),
      final: last,
      peak: last, excess: Count(exactly: 0), owner: .none,
      devices: Set(calls.map(\.driver)).sorted().map {
        DeviceReport(name: "device of \($0)", driver: $0, isBound: true, outstanding: 0)
      }, holders: [], changes: changes)
    return Report(
      verdict: .balanced, reasons: [], kernel: KernelSummary(), sources: [SourceSummary(path: "trace")],
      groups: [group], unattributed: CallTally(), findings: [], diagnostics: [])
  }
}
