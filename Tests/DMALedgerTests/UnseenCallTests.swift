import DMALedger
import TestSupport
import Testing

/// Calls that are in the capture and that no group can be named for, beside those that can be placed.
@Suite("Calls that cannot be placed")
struct UnseenCallTests {
  private func report(_ texts: String...) -> Report { TestSupport.report(onFiles: texts) }

  private static let both = """
    0000:02:01.0 group=9 driver=e1000
    0000:02:02.0 group=9 driver=e1000

    """

  private static let bound = "0000:02:01.0 group=9 driver=e1000\n"
  private static let unbound = "0000:02:01.0 group=9 driver=\n"

  @Test("uses that cannot be placed may be those of the drivers that a listing shows")
  func usesWithoutGroup() {
    // A kernel with the fix: each driver takes 1, gives it back in the test-remove and takes it again.
    let trace = """
      # tracer: nop
      init-1 [000] ..... 11.837512: use_ret: (really_probe+0x12d/0x3c0 <- iommu_device_use_default_domain) ret=0
      init-1 [000] ..... 12.234054: unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev="0000:02:01.0" drv="e1000" grp=9 cnt=1
      init-1 [000] ..... 12.234158: use_ret: (really_probe+0x12d/0x3c0 <- iommu_device_use_default_domain) ret=0
      init-1 [000] d.... 12.545536: console: bus: 'pci': really_probe: bound device 0000:02:01.0 to driver e1000
      init-1 [000] ..... 12.557308: use_ret: (really_probe+0x12d/0x3c0 <- iommu_device_use_default_domain) ret=0
      init-1 [000] ..... 12.946201: unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev="0000:02:02.0" drv="e1000" grp=9 cnt=2
      init-1 [000] ..... 12.946272: use_ret: (really_probe+0x12d/0x3c0 <- iommu_device_use_default_domain) ret=0
      init-1 [000] d.... 13.258997: console: bus: 'pci': really_probe: bound device 0000:02:02.0 to driver e1000

      """
    let told = report(trace, Self.both)
    #expect(told.verdict == .inconclusive)
    #expect(told.findings.allSatisfy { $0.severity < .error })
    #expect(told.group(9)?.excess.min == 0)
    #expect(told.group(9)?.final == Count(min: 1, max: 2))
  }

  @Test("and those of whoever is there when VFIO is refused", arguments: [true, false])
  func refused(isPlaced: Bool) {
    // What is left behind 60.0 is 1; the device binds again, is asked for, and lets go.
    let name = isPlaced ? " dev=\"0000:02:01.0\" drv=\"e1000\" grp=9 cnt=1" : ""
    let trace = """
      # tracer: nop
      sh-1 [001] ..... 60.000000: unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev="0000:02:01.0" drv="e1000" grp=9 cnt=2
      sh-1 [001] ..... 60.000010: unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev="0000:02:01.0" drv="e1000" grp=9 cnt=1
      sh-1 [001] ..... 61.000000: use: (iommu_device_use_default_domain+0x0/0x47)\(name.replacing("cnt=1", with: "cnt=0"))
      sh-1 [001] ..... 61.000010: use_ret: (really_probe+0x120/0x396 <- iommu_device_use_default_domain) ret=0
      q-2  [001] ..... 62.000000: claimed: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=9 cnt=1
      q-2  [001] ..... 62.000010: claimed_ret: (vfio_group_fops_unl_ioctl+0x3bd/0x4e4 <- iommu_group_dma_owner_claimed) ret=1
      sh-1 [001] ..... 63.000000: unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev="0000:02:01.0" drv="e1000" grp=9 cnt=1

      """
    let told = report(trace, Self.unbound)
    #expect(told.findings.allSatisfy { $0.severity < .error })
    #expect(told.told.filter { $0.rule == .notViable }.map(\.cause) == [isPlaced ? "holder" : "unknown"])
    #expect(told.group(9)?.final.exact == 0)
  }

  @Test("an unuse that cannot be placed may be that of the driver that is unbound")
  func unuseWithoutGroup() {
    let trace = """
      # tracer: nop
      init-1 [001] ..... 10.000000: rp: (really_probe+0x0/0x396) dev="0000:00:03.0" drv="e1000e"
      init-1 [001] ..... 10.000010: use: (iommu_device_use_default_domain+0x0/0x8c) dev="0000:00:03.0" drv="e1000e" grp=0xff11000000de8400 id=2
      init-1 [001] ..... 10.000020: use_ret: (really_probe+0x120/0x396 <- iommu_device_use_default_domain) ret=0
      init-1 [001] ..... 10.000036: bound: (driver_bound+0x0/0x52) dev="0000:00:03.0"
      init-1 [001] ..... 10.000040: rp_ret: (device_driver_attach+0x24/0x4a <- really_probe) ret=0
      sh-2   [001] ..... 20.000000: devrm: (device_remove+0x0/0x52) dev="0000:00:03.0"
      sh-2   [001] ..... 20.000010: unuse: (iommu_device_unuse_default_domain+0x0/0x47)
      sh-2   [001] ..... 20.000020: clean: (device_unbind_cleanup+0x0/0x47) dev="0000:00:03.0"

      """
    let told = report(trace)
    #expect(told.verdict == .inconclusive)
    #expect(told.findings.allSatisfy { $0.severity < .error })
    // Of the trace without that line the reference stays, if any unuse was watched at all.
    let other =
      "    sh-3 [000] ..... 19.000000: unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev=\"0000:00:04.0\" "
    let lines = trace.split(separator: "\n").filter { !$0.contains("20.000010") }
    let left = report(
      (lines.prefix(6) + [other[...] + "drv=\"x\" grp=0xff11000000de9900 id=3"] + lines.dropFirst(6))
        .joined(separator: "\n") + "\n")
    #expect(left.told.map(\.rule).contains(.unbindLeak))
  }

  @Test("a claim that cannot be placed may have made the count an owner's")
  func claimWithoutGroup() {
    let trace = """
      # tracer: nop
      sh-1 [001] ..... 60.000000: unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev="0000:02:01.0" drv="e1000" grp=9 cnt=1
      q-2  [001] ..... 61.000010: claim_ret: (vfio_container_attach_group+0x8e/0x147 <- iommu_group_claim_dma_owner) ret=0
      q-3  [001] ..... 62.000000: claimed: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=9 cnt=1
      q-3  [001] ..... 62.000010: claimed_ret: (vfio_group_fops_unl_ioctl+0x3bd/0x4e4 <- iommu_group_dma_owner_claimed) ret=1

      """
    let told = report(trace, Self.unbound)
    #expect(told.verdict == .inconclusive)
    #expect(told.findings.allSatisfy { $0.severity < .error })
    #expect(told.group(9)?.final.exact == 1)
  }

  @Test("behind a loss a device that calls name may be bound again, or the group owned")
  func lost() {
    let trace = """
      # tracer: nop
      sh-1 [001] ..... 60.000000: unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev="0000:02:01.0" drv="e1000" grp=9 cnt=1
      CPU:1 [LOST 20 EVENTS]
      q-3  [001] ..... 62.000000: claimed: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=9 cnt=1

      """
    for listing in [Self.bound, Self.unbound] {
      let told = report(trace, listing)
      #expect(told.findings.allSatisfy { $0.severity < .error })
    }
  }

  @Test("a driver that is being removed holds its reference until the unuse", arguments: [true, false])
  func leaving(isAsked: Bool) {
    let query = """
      q-3  [000] ..... 62.000000: claimed: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=9 cnt=1
      q-3  [000] ..... 62.000010: claimed_ret: (vfio_group_fops_unl_ioctl+0x3bd/0x4e4 <- iommu_group_dma_owner_claimed) ret=1

      """
    let trace = """
      # tracer: nop
      sh-1 [001] ..... 60.000000: unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev="0000:02:01.0" drv="e1000" grp=9 cnt=1
      sh-1 [001] ..... 61.000000: use: (iommu_device_use_default_domain+0x0/0x47) dev="0000:02:01.0" drv="e1000" grp=9 cnt=0
      sh-1 [001] ..... 61.000010: use_ret: (really_probe+0x120/0x396 <- iommu_device_use_default_domain) ret=0
      sh-1 [001] ..... 61.000020: bound: (driver_bound+0x0/0x52) dev="0000:02:01.0"
      sh-1 [001] ..... 61.000030: devrm: (device_remove+0x0/0x52) dev="0000:02:01.0"

      """
    let told = report(trace + (isAsked ? query : ""), Self.unbound)
    #expect(told.findings.allSatisfy { $0.severity < .error })
    #expect(told.group(9)?.final.exact == 1)
  }
}
