import DMALedger
import TestSupport
import Testing

/// Defects that nobody here has provoked on a machine: derived from the kernel's source, played as text.
@Suite("Rules seldom met")
struct RareRuleTests {
  private let header = "# tracer: nop\n#\n"

  private func report(_ lines: [String]) -> Report {
    var analyzer = Analyzer()
    let body = lines.enumerated().map { index, line in
      "            init-1       [000] .....     \(index + 1).000000: \(line)\n"
    }
    analyzer.read(bytes: Array((header + body.joined()).utf8), name: "trace")
    return analyzer.finish()
  }

  private let group = "grp=0xff11000000de8400 id=7"

  @Test("an unuse that leaves the count as it was is blocked by a PASID, and the reference stays")
  func pasid() {
    let report = report([
      "use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"0000:03:00.0\" drv=\"x\" \(group) cnt=0",
      "use_x: (really_probe+0x1/0x2 <- iommu_device_use_default_domain) ret=0 dev=\"0000:03:00.0\" \(group) cnt=1",
      "unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev=\"0000:03:00.0\" drv=\"x\" \(group) cnt=1",
      "unuse_x: (a+0x1/0x2 <- iommu_device_unuse_default_domain) dev=\"0000:03:00.0\" \(group) cnt=1",
    ])
    #expect(report.findings.map(\.rule) == [.pasidBlockedUnuse])
    #expect(report.verdict == .unbalanced)
    #expect(report.groups.first?.final.exact == 1)
  }

  @Test("an unuse of what was never taken is a theft only where the group is known to have had a reference")
  func openTheft() {
    let early = [
      "use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"0000:03:00.0\" drv=\"x\" grp=0x0 id=-1",
      "use_ret: (really_probe+0x1/0x2 <- iommu_device_use_default_domain) ret=0",
      "add_device_to_group: IOMMU: groupID=7 device=0000:03:00.0",
    ]
    let sibling = [
      "use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"0000:03:00.1\" drv=\"y\" \(group)",
      "use_ret: (really_probe+0x1/0x2 <- iommu_device_use_default_domain) ret=0",
    ]
    let late = [
      "unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev=\"0000:03:00.0\" drv=\"x\" \(group)",
      "unuse_ret: (a+0x1/0x2 <- iommu_device_unuse_default_domain)",
    ]
    let open = report(early + late)
    #expect(open.verdict == .inconclusive)
    #expect(open.groups.first?.initial.min == 0)
    #expect(open.findings.map(\.rule) == [.stolenCount])
    #expect(open.findings.map(\.certainty) == [.suspected])
    let proved = report(early + sibling + late)
    #expect(proved.verdict == .unbalanced)
    #expect(proved.findings.map(\.rule) == [.stolenCount])
    #expect(proved.findings.map(\.certainty) == [.proved])
  }

  @Test("a group that dies with a count is told beside the leak that it buries")
  func freed() {
    let report = report([
      "remove_device_from_group: IOMMU: groupID=7 device=0000:03:00.0",
      "add_device_to_group: IOMMU: groupID=7 device=0000:03:00.0",
      "claim: (iommu_group_claim_dma_owner+0x0/0xc8) \(group) cnt=0",
      "attach_device_to_domain: IOMMU: device=0000:03:00.0",
      "claim_ret: (vfio_x+0x1/0x2 <- iommu_group_claim_dma_owner) ret=0",
      "release: (iommu_group_release_dma_owner+0x0/0x53) \(group) cnt=1",
      "rp: (really_probe+0x0/0x396) dev=\"0000:03:00.0\" drv=\"x\"",
      "use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"0000:03:00.0\" drv=\"x\" \(group) cnt=0",
      "use_ret: (really_probe+0x1/0x2 <- iommu_device_use_default_domain) ret=0",
      "use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"0000:03:00.0\" drv=\"x\" \(group) cnt=1",
      "use_ret: (really_probe+0x1/0x2 <- iommu_device_use_default_domain) ret=0",
      "rp_ret: (a+0x1/0x2 <- really_probe) ret=0",
      "unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev=\"0000:03:00.0\" drv=\"x\" \(group) cnt=2",
      "remove_device_from_group: IOMMU: groupID=7 device=0000:03:00.0",
    ])
    #expect(
      report.findings.filter { $0.severity == .error }.map(\.rule) == [.testRemoveLeak, .groupFreedWithCount])
    #expect(report.findings.first { $0.rule == .groupFreedWithCount }?.excess == 1)
  }

  @Test(
    "a probe that fails with its reference out, and an unbind that leaves one, are told apart from a test-remove"
  )
  func forgetfulBuses() {
    let use = [
      "rp: (really_probe+0x0/0x396) dev=\"0000:03:00.0\" drv=\"x\"",
      "use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"0000:03:00.0\" drv=\"x\" \(group) cnt=0",
      "use_ret: (really_probe+0x1/0x2 <- iommu_device_use_default_domain) ret=0",
    ]
    let other = [
      "unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev=\"0000:09:00.0\" grp=0xff110000aa id=9 cnt=1"
    ]
    let failed = report(other + use + ["rp_ret: (a+0x1/0x2 <- really_probe) ret=12"])
    #expect(failed.findings.map(\.rule) == [.probeFailureLeak])
    let unbound = report(
      other + use + [
        "bound: (driver_bound+0x0/0xc0) dev=\"0000:03:00.0\"", "rp_ret: (a+0x1/0x2 <- really_probe) ret=0",
        "rm: (device_remove+0x0/0x52) dev=\"0000:03:00.0\"",
        "cleanup: (device_unbind_cleanup+0x0/0x52) dev=\"0000:03:00.0\"",
      ])
    #expect(unbound.findings.map(\.rule) == [.unbindLeak])
  }
}
