import DMALedger
import TestSupport
import Testing

/// Captures that suggest an answer and do not prove it: the ledger stays in doubt, and says so.
@Suite("What is not proved")
struct DoubtTests {
  private func report(_ texts: String...) -> Report { TestSupport.report(onFiles: texts) }

  /// One device leaves its driver, the count stays 1, and VFIO is refused.
  private static let refused = """
    # tracer: nop
    sh-1 [001] ..... 60.000000: unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev="0000:01:00.0" drv="nic" grp=7 cnt=2
    sh-1 [001] ..... 60.100000: rp: (really_probe+0x0/0x396) dev="0000:01:00.0" drv="vfio-pci"
    sh-1 [001] ..... 60.200000: rp_ret: (device_driver_attach+0x24/0x4a <- really_probe) ret=0
    q-2  [001] ..... 62.000000: claimed: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=7 cnt=1
    q-2  [001] ..... 62.000010: claimed_ret: (vfio_group_fops_unl_ioctl+0x3bd/0x4e4 <- iommu_group_dma_owner_claimed) ret=1

    """

  @Test("a listing of the same end explains the count")
  func listing() {
    let held = report(
      Self.refused, "0000:01:00.0 group=7 driver=vfio-pci\n0000:01:00.1 group=7 driver=snd_hda_intel\n")
    #expect(held.verdict == .balanced)
    let leaked = report(Self.refused, "0000:01:00.0 group=7 driver=vfio-pci\n")
    #expect(leaked.verdict == .unbalanced)
  }

  @Test("devices by the ten thousand are looked up, not searched for", .timeLimit(.minutes(1)))
  func manyDevices() {
    // Quadratic in either of the two, this takes minutes.
    func log(_ group: (Int) -> Int) -> String {
      (0..<30_000).map {
        "[    1.000000] pci 0000:\(String($0, radix: 16)): Adding to iommu group \(group($0))\n"
      }.joined()
    }
    #expect(report(log { $0 }).sources[0].events == 30_000)
    #expect(report(log { _ in 7 }).sources[0].events == 30_000)
  }

  @Test("a count that only a listing bounds was as high at its highest")
  func listedPeak() {
    // Nothing prints a count; the snapshot shows a driver that holds one.
    let trace = """
      # tracer: nop
      q-2  [001] ..... 62.000000: claimed: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=7

      """
    let told = report(trace, "0000:01:00.1 group=7 driver=snd_hda_intel\n")
    #expect(told.groups.map(\.final.min) == [1])
    #expect(told.groups.map(\.peak.min) == [1])
  }

  @Test(
    "a listing of another moment, boot or machine explains nothing",
    arguments: [
      "0000:01:00.0 group=3 driver=vfio-pci\n0000:09:00.1 group=7 driver=nvme\n",
      "0000:01:00.0 group=7 driver=vfio-pci\n0000:01:00.1 group=7 driver=vfio-pci\n",
      "0000:01:00.0 group=7 driver=nic\n0000:01:00.1 group=7 driver=nvme\n",
    ])
  func strangeListing(_ listing: String) {
    #expect(report(Self.refused, listing).verdict == .inconclusive)
  }

  @Test("nobody can have held a group all along whose count was 0")
  func refutedListing() {
    let trace = """
      # tracer: nop
      i-1 [001] ..... 58.000000: use: (iommu_device_use_default_domain+0x0/0x8c) dev="0000:01:00.0" drv="nic" grp=7 cnt=0
      i-1 [001] ..... 58.000010: use_ret: (pci_dma_configure+0x95/0xe6 <- iommu_device_use_default_domain) ret=0

      """
    let told = report(trace, "0000:01:00.0 group=7 driver=nic\n0000:01:00.1 group=7 driver=nvme\n")
    #expect(told.groups.first?.holders.count == 1)
    #expect(!told.findings.contains { $0.device == "0000:01:00.1" })
  }

  @Test("a driver that manages DMA itself gives nothing back, whatever the kernel")
  func silentPass() {
    let told = report(
      """
      # tracer: nop
      i-1 [001] ..... 59.100000: unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev="0000:01:00.0" grp=7 cnt=1
      i-1 [001] ..... 60.000000: rp: (really_probe+0x0/0x396) dev="0000:01:00.0" drv="vfio-pci"
      i-1 [001] ..... 60.100000: remove: (device_remove+0x0/0x52) dev="0000:01:00.0"
      i-1 [001] ..... 60.200000: bound: (driver_bound+0x0/0xb0) dev="0000:01:00.0"

      """)
    #expect(told.kernel.testDriverRemove == .unknown)
    #expect(told.findings.isEmpty)
  }

  @Test("a claim whose entry is not watched may have been the one that is released")
  func claimWithoutEntry() {
    let told = report(
      """
      # tracer: nop
      q-2 [001] ..... 60.000000: query: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=7 cnt=0
      q-2 [001] ..... 60.000010: query_ret: (vfio_group_fops_unl_ioctl+0x3bd/0x4e4 <- iommu_group_dma_owner_claimed) ret=0
      q-2 [001] ..... 60.100000: claim_ret: (vfio_container_attach_group+0x8e/0x147 <- iommu_group_claim_dma_owner) ret=0
      q-2 [001] ..... 65.000000: release: (iommu_group_release_dma_owner+0x0/0x53) grp=7

      """)
    #expect(!told.findings.contains { $0.rule == .releaseUnowned })
    #expect(told.verdict == .inconclusive)
  }

  @Test("calls that nothing names may have been calls on any group")
  func unplaced() {
    let told = report(
      """
      # tracer: nop
      i-1 [001] ..... 59.100000: unuse: (iommu_device_unuse_default_domain+0x0/0x47) dev="0000:01:00.0" grp=7 cnt=1
      i-1 [001] ..... 60.000010: use_ret: (pci_dma_configure+0x95/0xe6 <- iommu_device_use_default_domain) ret=0
      i-1 [001] ..... 61.000010: use_ret: (pci_dma_configure+0x95/0xe6 <- iommu_device_use_default_domain) ret=0

      """)
    #expect(told.groups.map(\.final) == [Count(min: 0, max: 2)])
    #expect(told.groups.map(\.verdict) == [.inconclusive])
  }

  @Test("the log of a clock that nobody names fits as a whole or not at all")
  func unknownClock() throws {
    let log = try Checkout.bytes("samples/7.3-unfixed-late-function/dmesg.txt")
    let trace = String(
      decoding: try Checkout.bytes("samples/7.3-unfixed-late-function/trace.txt"), as: UTF8.self)
    /// The same windows, a quarter of a second later, and each as much as `drift` says later than the one before.
    func report(drift: Int) -> Report {
      var moved = 0
      let late = trace.replacing(#/ (\d+)\.(\d{6}): (really_probe)?/#) { match in
        if match.3 != nil { moved += drift }
        let time = (Int(match.1) ?? 0) * 1_000_000 + (Int(match.2) ?? 0) + 250_000 + moved
        return " \(time / 1_000_000)." + String(String(time % 1_000_000 + 1_000_000).dropFirst()) + ": "
          + (match.3 ?? "")
      }
      var analyzer = Analyzer()
      analyzer.read(bytes: log, name: "dmesg.txt")
      analyzer.read(bytes: Array(late.utf8), name: "trace.txt")
      return analyzer.finish()
    }
    let shifted = report(drift: 0)
    #expect(
      shifted.findings.filter { $0.rule == .testRemoveLeak }.map(\.device).sorted { ($0 ?? "") < ($1 ?? "") }
        == [
          "0000:00:03.0", "0000:02:01.0", "0000:02:02.0", "0000:02:02.0",
        ])
    #expect(shifted.diagnostics.contains { $0.message.contains("fitted on 7 windows") })
    let drifting = report(drift: 7_000)
    #expect(!drifting.findings.contains { $0.rule == .testRemoveLeak })
    #expect(drifting.diagnostics.contains { $0.message.contains("do not fit") })
  }

  @Test("members that an earlier boot announced are not members now")
  func earlierBoot() {
    let told = report(
      """
      [    0.000000] Linux version 6.1.0 (a@b) #1 SMP
      [    1.000000] pci 0000:01:00.0: Adding to iommu group 7
      [    0.000000] Linux version 6.1.0 (a@b) #1 SMP
      [    1.000000] pci 0000:05:00.0: Adding to iommu group 7

      """, "qemu: -device vfio-pci,host=0000:05:00.0: vfio 0000:05:00.0: group 7 is not viable\n")
    #expect(told.groups.first?.devices.map(\.name) == ["0000:05:00.0"])
  }
}
