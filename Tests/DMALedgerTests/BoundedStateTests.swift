import DMALedger
import TestSupport
import Testing

/// More than is followed: what is given up makes what depends on it unknown, and the report says so.
@Suite("More than is followed")
struct BoundedStateTests {
  private static func line(_ task: Int, _ index: Int, _ body: String) -> String {
    let micros = String(10_000_000 + index).suffix(6)
    return "            task-\(task)     [000] .....    \(10 + index / 1_000_000).\(micros): \(body)\n"
  }

  private static func use(_ device: String, group: Int, count: Int) -> String {
    "use: (iommu_device_use_default_domain+0x0/0x90) dev=\"\(device)\" drv=\"nvme\" "
      + "grp=0x\(String(0x1000 + group, radix: 16)) id=\(group) cnt=\(count) owner=0x0"
  }

  private static let ret =
    "use_ret: (pci_dma_configure+0x80/0x100 <- iommu_device_use_default_domain) ret=0"

  private static func report(_ text: String, _ change: (inout Limits) -> Void = { _ in }) -> Report {
    var options = Analyzer.Options()
    change(&options.kept)
    var analyzer = Analyzer(options: options)
    analyzer.read(bytes: Array(("# tracer: nop\n#\n" + text).utf8), name: "trace.txt")
    return analyzer.finish()
  }

  @Test("groups beyond those that are followed are counted and told, and nothing is balanced")
  func groups() {
    let text = (0..<10).map {
      Self.line(7, $0 * 10, Self.use("0000:0\($0):00.0", group: $0, count: 0))
        + Self.line(7, $0 * 10 + 1, Self.ret)
    }.joined()
    #expect(Self.report(text).groups.count == 10)
    let few = Self.report(text) { $0.groups = 4 }
    #expect(few.groups.map(\.id?.value) == [0, 1, 2, 3])
    #expect(few.groups.allSatisfy { $0.final.exact == 1 })
    #expect(few.verdict == .inconclusive)
    #expect(few.reasons.contains { $0.hasPrefix("6 ownership calls are on groups beyond the first 4") })
    #expect(
      few.diagnostics.contains {
        $0.level == .warning && $0.message.hasPrefix("6 calls are on groups beyond")
      })
    #expect(few.diagnostics.first { $0.message.contains("beyond") }?.line == 11)
  }

  @Test("devices beyond those that an account is kept of are no leak and no holder")
  func devices() {
    let text = (0..<5).map {
      Self.line(7, $0 * 10, Self.use("0000:0\($0):00.0", group: 1, count: $0))
        + Self.line(7, $0 * 10 + 1, Self.ret)
    }.joined()
    let few = Self.report(text) { $0.devices = 3 }
    #expect(few.groups.first?.devices.count == 3)
    #expect(few.groups.first?.changes.count == 5)
    #expect(few.verdict == .inconclusive)
    #expect(few.findings.allSatisfy { $0.severity < .error })
    #expect(few.diagnostics.contains { $0.message.hasPrefix("2 devices are beyond") })
  }

  @Test("calls that never return are given up, the oldest first, and leave the count unknown")
  func openCalls() {
    let text = (0..<3000).map {
      Self.line(
        100 + $0, $0, Self.use("0000:\(String(0x10 + $0 % 128, radix: 16)):00.0", group: $0 % 5, count: 0))
    }.joined()
    let report = Self.report(text)
    #expect(report.groups.reduce(0) { $0 + $1.changeCount } == 3000)
    #expect(report.verdict == .inconclusive)
    #expect(report.groups.allSatisfy { $0.verdict != .balanced })
    #expect(report.findings.allSatisfy { $0.severity < .error })
  }

  @Test("losses by the thousand are told in one line, with all that was lost")
  func losses() {
    let text = (0..<3000).map {
      "CPU:0 [LOST 2 EVENTS]\n" + Self.line(7, $0, Self.use("0000:01:00.0", group: 1, count: 0))
    }.joined()
    let report = Self.report(text)
    let lost = report.findings.first { $0.rule == .evidenceLost }
    #expect(lost?.message.contains("the tracer lost 6000 events in 3000 places") == true)
    #expect(report.verdict == .inconclusive)
  }
}
