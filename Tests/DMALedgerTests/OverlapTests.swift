import DMALedger
import TestSupport
import Testing

/// What the model of the kernel found, each as small as it can be.
@Suite("Calls that meet")
struct OverlapTests {
  private static let group = ProbeLines.group

  private func report(_ events: [(task: String, event: String)]) -> Report { ProbeLines.report(events) }

  private func entry(
    _ probe: String, _ symbol: String, _ count: Int, own: String = "0x0", device: String? = nil
  )
    -> String
  { ProbeLines.entry(probe, symbol, count, own: own, device: device) }

  private func result(_ probe: String, _ symbol: String, _ code: Int) -> String {
    ProbeLines.result(probe, symbol, code)
  }

  private let use = ProbeLines.use
  private let unuse = ProbeLines.unuse
  private let claim = ProbeLines.claim
  private let release = ProbeLines.release
  private let query = ProbeLines.query

  @Test("a use that is refused shows that the claim in flight came first")
  func claimInFlight() {
    let told = report([
      ("q", entry("dclaim", claim, 0, device: nic)), ("k", entry("use", use, 0, device: nic)),
      ("k", result("use", use, -16)), ("q", result("dclaim", claim, 0)),
    ])
    #expect(told.group(7)?.initial.exact == 0)
    #expect(told.group(7)?.final.exact == 1)
    #expect(told.group(7)?.owner == .user)
    #expect(told.group(7)?.changes.count == 2)
    #expect(told.reasons.isEmpty)
  }

  @Test("a use that is refused came before the release that nobody sees return")
  func releaseInFlight() {
    let told = report([
      ("q", entry("dclaim", claim, 0, device: nic)), ("q", result("dclaim", claim, 0)),
      ("k", entry("use", use, 1, own: "0xff11", device: nic)),
      ("q", entry("drelease", release, 1, own: "0xff11", device: nic)), ("k", result("use", use, -16)),
    ])
    #expect(told.group(7)?.final.exact == 0)
    #expect(told.group(7)?.owner != .user)
    #expect(told.reasons.isEmpty)
  }

  @Test("a query that says claimed while a claim is in flight found nothing from before")
  func queryInFlight() {
    let told = report([
      ("r", entry("query", query, 0)), ("q", entry("dclaim", claim, 0, device: nic)),
      ("r", result("query", query, 1)), ("q", result("dclaim", claim, 0)),
    ])
    #expect(told.group(7)?.initial.exact == 0)
    #expect(told.group(7)?.final.exact == 1)
  }

  @Test("what two orders explain is not told as one of them")
  func ambiguous() {
    // Who was first decides what is left, and nothing was read.
    let text = """
      # tracer: nop
      qemu-900 [000] ..... 5.100000: claim: (iommu_group_claim_dma_owner+0x0/0x8c) \(Self.group)
      qemu-900 [000] ..... 5.100010: claim_ret: (caller+0x8e/0x147 <- iommu_group_claim_dma_owner) ret=0
      qemu-901 [001] ..... 5.100020: release: (iommu_group_release_dma_owner+0x0/0x8c) \(Self.group)
      qemu-900 [000] ..... 5.100030: dclaim: (iommu_device_claim_dma_owner+0x0/0x8c) dev="\(nic)" \(Self.group)
      qemu-900 [000] ..... 5.100040: dclaim_ret: (caller+0x8e/0x147 <- iommu_device_claim_dma_owner) ret=0

      """
    let told = TestSupport.report(on: text)
    #expect(told.group(7)?.final == Count(min: 0, max: 1))
    #expect(told.group(7)?.owner == .unknown)
  }

  @Test("two releases of one task right after each other are two")
  func twoReleases() {
    let told = TestSupport.report(
      on: """
        # tracer: nop
        qemu-900 [000] ..... 5.100000: release: (iommu_group_release_dma_owner+0x0/0x8c) grp=0xff11000000de8400 id=1 cnt=1 own=0xff24
        qemu-900 [000] ..... 5.100020: release: (iommu_group_release_dma_owner+0x0/0x8c) grp=0xff11000000de8800 id=2 cnt=1 own=0xff24

        """)
    #expect(told.groups.map(\.final.exact) == [0, 0])
    #expect(told.groups.map(\.initial.exact) == [1, 1])
  }

  @Test("a group lives on when one of the members that nobody has named leaves and another joins")
  func members() {
    let told = report([
      ("i", "remove_device_from_group: IOMMU: groupID=7 device=\(audio)"),
      ("q", entry("dclaim", claim, 0, device: nic)), ("q", result("dclaim", claim, 0)),
      ("i", "add_device_to_group: IOMMU: groupID=7 device=\(audio)"),
      ("q", entry("drelease", release, 1, own: "0xff11", device: nic)),
    ])
    #expect(told.groups.count == 1)
    #expect(told.group(7)?.final.exact == 0)
  }

  @Test("a member that leaves elsewhere ends no call")
  func leavingElsewhere() {
    let told = report([
      ("i", "rp: (really_probe+0x0/0x396) dev=\"i8042\" drv=\"i8042\""),
      ("i", "use: (\(use)+0x0/0x8c) dev=\"i8042\" grp=0x0 id=0 cnt=0 own=0x0"),
      ("k", "remove_device_from_group: IOMMU: groupID=7 device=\(audio)"),
      ("i", result("use", use, 0)),
      ("i", "unuse: (\(unuse)+0x0/0x8c) dev=\"i8042\" grp=0x0 id=0 cnt=0 own=0x0"),
      ("i", result("rp", "really_probe", 517)),
    ])
    #expect(told.kernel.reprobes == 0)
    #expect(told.kernel.testDriverRemove != .unfixed)
  }

  @Test("a reference of somebody else that comes back is no unuse in a probe")
  func noHiddenUnuse() {
    let told = report([
      ("q", entry("drelease", release, 1, own: "0xff11", device: audio)),
      ("k", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"e1000e\""),
      ("k", entry("use", use, 1, own: "0xff11", device: nic)), ("k", result("use", use, 0)),
      ("q", "drelease_ret: (caller+0x20/0x396 <- \(release))"),
      ("k", "remove: (device_remove+0x0/0x52) dev=\"\(nic)\""),
      ("k", entry("use", use, 1, device: nic)), ("k", result("use", use, 0)),
      ("k", "bound: (driver_bound+0x0/0x52) dev=\"\(nic)\""), ("k", result("rp", "really_probe", 0)),
    ])
    #expect(told.kernel.testDriverRemove != .fixed)
    #expect(told.group(7)?.final.exact == 2)
    #expect(told.verdict != .balanced)
  }

  @Test("without the probe's window a cleanup is not an unbind")
  func cleanupWithoutWindow() {
    let told = report([
      ("k", entry("use", use, 0, device: nic)), ("k", result("use", use, 0)),
      ("k", "clean: (device_unbind_cleanup+0x0/0x52) dev=\"\(nic)\""),
      ("k", entry("use", use, 1, device: nic)), ("k", result("use", use, 0)),
      ("k", "clean: (device_unbind_cleanup+0x0/0x52) dev=\"\(audio)\""),
      ("k", entry("unuse", unuse, 2, device: nic)),
    ])
    #expect(!told.has(.unbindLeak))
    #expect(told.verdict != .balanced)
  }

  @Test("a capture that ends between the passes of a probe is not balanced")
  func endsInProbe() {
    let told = report([
      ("k", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"e1000e\""),
      ("k", entry("use", use, 0, device: nic)), ("k", result("use", use, 0)),
      ("k", "remove: (device_remove+0x0/0x52) dev=\"\(nic)\""),
    ])
    #expect(told.verdict == .inconclusive)
  }

  @Test("tasks that share a CPU unannounced judge no kernel")
  func tangled() {
    let told = TestSupport.report(
      on: """
        # tracer: function_graph
        #
         1)               |  pci_dma_cleanup() {
         1)   2.154 us    |  }
         0)               |  really_probe() {
         0)   2.154 us    |    iommu_device_use_default_domain();
         0)               |  really_probe() {
         0)   2.154 us    |    iommu_device_use_default_domain();
         0)   2.154 us    |    device_remove();
         0)   2.154 us    |    iommu_device_use_default_domain();
         0)   2.154 us    |    driver_bound();
         0)   2.154 us    |  }
         0)   2.154 us    |    iommu_device_unuse_default_domain();
         0)   2.154 us    |  }

        """)
    #expect(told.kernel.testDriverRemove == .unknown)
  }

  @Test("23: a second open of the group is refused before anything is called")
  func secondOpen() {
    let told = report([
      ("q", entry("claim", "iommu_group_claim_dma_owner", 0)),
      ("q", result("claim", "iommu_group_claim_dma_owner", 0)),
      ("q", entry("release", "iommu_group_release_dma_owner", 1, own: "0xff11")),
    ])
    #expect(told.group(7)?.changes.count == 2)
    #expect(told.group(7)?.final.exact == 0)
    #expect(told.verdict == .balanced)
    #expect(told.told.isEmpty)
  }

  @Test(
    "54: a bind of what is bound never reaches the probe, and the log that shows it says nothing of the group"
  )
  func boundAlready() {
    let told = TestSupport.report(on: "bash: echo: write error: Device or resource busy\n")
    #expect(told.groups.isEmpty)
    #expect(told.verdict == .inconclusive)
    #expect(told.told.isEmpty)
  }
}
