import DMALedger
import TestSupport
import Testing

/// What the kernel itself warned of.
@Suite("Warnings of the kernel")
struct WarningTests {
  private static let unuseAtZero = """
             tee-110     [001] .....    61.000010: unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev="0000:02:02.0" drv="e1000" grp=0xff11000000de8400 id=9 cnt=0 own=0x0
             tee-110     [001] .....    62.000010: query: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=0xff11000000de8400 id=9 cnt=0

    """
  private static let unuseByName = """
             tee-110     [001] .....    61.000010: unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev="0000:02:02.0" drv="e1000" grp=0xff11000000de8400 id=9

    """

  private static let banners = [
    "WARNING: CPU: 1 PID: 110 at drivers/iommu/iommu.c:3167 iommu_device_unuse_default_domain+0x4f/0x60",
    "WARNING: drivers/iommu/iommu.c:3363 at iommu_device_unuse_default_domain+0x4f/0x60, CPU#1: tee/110",
    "WARNING: drivers/iommu/iommu.c:3363 at iommu_device_unuse_default_domain.part.0+0x4f/0x60, CPU#1: a/b 7/110",
  ]

  private func incident(_ trace: String?, _ log: String) -> Report {
    var analyzer = Analyzer()
    if let trace { analyzer.read(bytes: Array(trace.utf8), name: "trace.txt") }
    analyzer.read(bytes: Array(log.utf8), name: "dmesg.txt")
    return analyzer.finish()
  }

  @Test("a warning is quoted with the finding whose call it was printed in", arguments: banners)
  func quoted(_ banner: String) {
    let told = incident(Self.unuseAtZero, "[   61.000090] \(banner)\n")
    let findings = told.findings.filter { $0.rule == .overRelease }
    #expect(findings.count == 1)
    #expect(findings.first?.certainty == .proved)
    #expect(
      findings.first?.evidence.contains { $0.note == "the kernel warns" && $0.text.contains(banner) } == true)
  }

  @Test("a warning in the stream is its own task's", arguments: [110, 111])
  func inStream(_ pid: Int) {
    let console =
      "         tee-\(pid)     [001] .....    61.000020: console: WARNING: CPU: 1 PID: \(pid) at drivers/iommu/iommu.c:3167 iommu_device_unuse_default_domain+0x4f/0x60"
    var lines = Self.unuseByName.split(separator: "\n").map(String.init)
    lines.insert(console, at: 1)
    let told = report(on: lines.joined(separator: "\n") + "\n")
    let finding = told.findings.first { $0.rule == .overRelease }
    #expect(finding?.certainty == (pid == 110 ? .consistent : .suspected))
    #expect(finding?.device == (pid == 110 ? "0000:02:02.0" : nil))
    #expect(finding?.group?.value == (pid == 110 ? 9 : nil))
  }

  @Test(
    "in the log alone it is a finding of its own that names nothing and proves nothing", arguments: banners)
  func alone(_ banner: String) {
    let told = incident(nil, "[   61.000090] \(banner)\n")
    #expect(told.verdict == .inconclusive)
    let findings = told.findings
    #expect(findings.map(\.rule) == [.overRelease])
    #expect(findings[0].severity == .warning)
    #expect(findings[0].certainty == .suspected)
    #expect(findings[0].device == nil && findings[0].group == nil)
    #expect(findings[0].message.contains("PASID"))
    // Before 6.2 nothing looked at PASIDs.
    let old = incident(nil, "[    0.000000] Linux version 6.1.30 (a@b) #1 SMP\n[   61.000090] \(banner)\n")
    #expect(old.findings.map(\.certainty) == [.consistent])
  }

  @Test(
    "each function has its rule and its look-alike",
    arguments: [
      ("iommu_group_release_dma_owner+0x40/0x80", Rule.releaseUnowned),
      ("__iommu_release_dma_ownership+0x40/0x80", .releaseUnowned),
      ("__iommu_group_free_device.constprop.0+0x9e/0xb0", .groupFreedWithCount),
      ("iommu_release_device+0x9e/0xb0", .groupFreedWithCount),
    ])
  func rules(_ place: String, _ rule: Rule) {
    let told = incident(
      nil, "[   61.000090] WARNING: CPU: 1 PID: 110 at drivers/iommu/iommu.c:3167 \(place)\n")
    #expect(told.findings.map(\.rule) == [rule])
    #expect(told.findings.map(\.certainty) == [.suspected])
    #expect(told.verdict == .inconclusive)
  }

  @Test(
    "a warning about something else is none of ours",
    arguments: [
      "WARNING: CPU: 1 PID: 174 at kernel/trace/trace.c:2465 __trace_find_cmdline+0x70/0x90",
      "WARNING: CPU: 1 PID: 174 at drivers/x.c:1 my_iommu_release_device+0x70/0x90",
      "WARNING: CPU: 1 PID: 174 at drivers/x.c:1 iommu_release_device_late+0x70/0x90",
    ])
  func others(_ banner: String) {
    #expect(incident(nil, "[   61.000090] \(banner)\n").findings.isEmpty)
  }

  @Test("a balanced trace does not stay balanced beside a warning that nothing in it explains")
  func balancedNoMore() throws {
    let trace = String(decoding: try Checkout.bytes("samples/6.1-fixed-late-probes/trace.txt"), as: UTF8.self)
    let log = String(decoding: try Checkout.bytes("samples/6.1-fixed-late-probes/dmesg.txt"), as: UTF8.self)
    #expect(incident(trace, log).verdict == .balanced)
    let last = "[   99.000000] \(Self.banners[0])\n"
    let told = incident(trace, log + last)
    #expect(told.verdict == .inconclusive)
    #expect(told.reasons.contains { $0.contains("the kernel warned") })
  }

  @Test("a clock that was found unstable has emptied the buffers before a trace that begins later")
  func traceReset() {
    let reset = "Unstable clock detected, switching default tracing clock to \"global\""
    let late = incident(Self.unuseAtZero, "[    2.000000] \(reset)\n")
    let lost = late.findings.filter { $0.rule == .evidenceLost }
    #expect(lost.count == 1)
    #expect(lost.first?.evidence.contains { $0.text.contains("Unstable clock") } == true)
    let early = incident(Self.unuseAtZero, "[   70.000000] \(reset)\n")
    #expect(!early.findings.contains { $0.rule == .evidenceLost })
    #expect(!incident(nil, "[    2.000000] \(reset)\n").findings.contains { $0.rule == .evidenceLost })
  }
}
