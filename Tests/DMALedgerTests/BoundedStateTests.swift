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

  // MARK: Logs and listings

  /// A boot of a kernel log: a device joins a group, a driver is bound to it, the kernel warns.
  private static func boot(_ number: Int, devices: Int = 1, warns: Bool = false) -> String {
    var text = "[    0.000000] Linux version 6.1.\(number) (a@b) #1\n"
    for device in 0..<devices {
      let name = "0000:\(String(0x10 + device, radix: 16)):00.0"
      text += "[    1.00\(1000 + device)] pci \(name): Adding to iommu group \(device + number)\n"
      text += "[    2.00\(1000 + device)] driver: 'nvme': driver_bound: bound to device '\(name)'\n"
    }
    if warns {
      text +=
        "[    3.000000] WARNING: CPU: 8 PID: \(5000 + number) at drivers/iommu/iommu.c:3211 "
        + "iommu_device_unuse_default_domain+0x38/0x90\n"
    }
    return text
  }

  private static func report(onLog log: String, beside trace: String? = nil, _ change: (inout Limits) -> Void)
    -> Report
  {
    var options = Analyzer.Options()
    change(&options.kept)
    if trace == nil { options.questions = [.group(3)] }
    var analyzer = Analyzer(options: options)
    if let trace { analyzer.read(bytes: Array(trace.utf8), name: "trace.txt") }
    analyzer.read(bytes: Array(log.utf8), name: "dmesg.txt")
    return analyzer.finish()
  }

  private static let givenUp = "of the kernel logs tell of devices was given up"

  @Test("of too many boots the oldest are given up, and the last is believed as before")
  func oldBoots() {
    let log = (0..<20).map { Self.boot($0, devices: 4) }.joined()
    let whole = Self.report(onLog: log) { _ in }
    let less = Self.report(onLog: log) { $0.logFacts = 2000 }
    #expect(!whole.diagnostics.contains { $0.message.contains(Self.givenUp) })
    let told = less.diagnostics.filter { $0.message.contains(Self.givenUp) }
    #expect(told.map(\.level) == [.warning])
    #expect(told.map(\.line) == [1])
    #expect(less.groups.map { $0.devices.map(\.name) } == whole.groups.map { $0.devices.map(\.name) })
    #expect(less.groups.first?.devices.isEmpty == false)
    #expect(less.verdict == .inconclusive)
    #expect(less.reasons.contains { $0.hasPrefix("logs or listings tell of more than is kept") })
  }

  @Test("of a boot that tells too much alone nothing is believed but its warnings")
  func largeBoot() {
    let log = Self.boot(1, devices: 40, warns: true)
    let whole = Self.report(onLog: log) { _ in }
    let none = Self.report(onLog: log) { $0.logFacts = 1000 }
    #expect(whole.groups.first?.devices.isEmpty == false)
    #expect(none.groups.flatMap(\.devices).isEmpty)
    #expect(none.diagnostics.contains { $0.message.hasPrefix("what 1 boots " + Self.givenUp) })
    #expect(none.reasons.contains { $0.hasPrefix("the kernel warned about DMA ownership") })
    #expect(none.verdict == .inconclusive)
  }

  @Test("a balanced trace is not called so beside a log that tells more than is kept")
  func traceBesideLog() {
    let trace = String(decoding: OwnershipHistory.balanced.bytes(.withHeader), as: UTF8.self)
    let log = Self.boot(1, devices: 40)
    let whole = Self.report(onLog: log, beside: trace) { _ in }
    let less = Self.report(onLog: log, beside: trace) { $0.logFacts = 1000 }
    #expect(whole.verdict == .balanced)
    #expect(less.verdict == .inconclusive)
    #expect(whole.changes.count == OwnershipHistory.balanced.expectedChanges)
    #expect(less.changes.map(\.at.line) == whole.changes.map(\.at.line))
  }

  @Test("boots by the thousand keep the warnings of all and the devices of the last")
  func manyBoots() {
    let log = (0..<1500).map { Self.boot($0, warns: $0 % 10 == 0) }.joined()
    let report = Self.report(onLog: log) { _ in }
    #expect(report.findings.contains { $0.message.contains("kernel") && !$0.evidence.isEmpty })
    #expect(report.diagnostics.contains { $0.message.hasPrefix("what 512 boots " + Self.givenUp) })
    let many = Self.report(onLog: (0..<1100).map { Self.boot($0, warns: true) }.joined()) { _ in }
    #expect(many.diagnostics.contains { $0.message.hasPrefix("76 of the kernel's warnings are beyond") })
  }

  @Test("devices of listings and refusals of programs beyond those that are kept are told")
  func listings() {
    let listing = (0..<40).map { "/sys/kernel/iommu_groups/\($0 / 4)/devices/0000:\(16 + $0):00.0\n" }
      .joined()
    let whole = Self.report(onLog: listing) { _ in }
    let less = Self.report(onLog: listing) { $0.listed = 10 }
    #expect(whole.groups.first?.devices.count == 4)
    #expect(!whole.diagnostics.contains { $0.message.contains("beyond those that are kept") })
    #expect(
      less.diagnostics.contains {
        $0.level == .warning && $0.message.hasPrefix("30 lines of listings") && $0.line == 11
      })
    #expect(less.verdict == .inconclusive)
  }
}
