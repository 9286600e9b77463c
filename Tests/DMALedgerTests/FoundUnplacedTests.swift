import DMALedger
import TestSupport
import Testing

/// Calls that name no group, or whose entries nobody watches, and that the model of the kernel found told too surely.
@Suite("Found by the model of the kernel: calls that are not seen as such")
struct FoundUnplacedTests {
  private typealias Lines = ProbeLines

  @Test(
    "1302852014: a call that names no group may have been the last on one that has died since it was entered")
  func releaseBesideDeath() {
    let told = Lines.report([
      ("k", "conf: (pci_dma_configure+0x0/0x8c) dev=\"\(nic)\" drv=\"native0\""),
      ("k", Lines.result("use", Lines.use, -16, "\(Lines.group) dev=\"\(nic)\" cnt=1")),
      ("q", "release: (iommu_group_release_dma_owner+0x0/0x8c)"),
      ("k", "remove_device_from_group: IOMMU: groupID=7 device=\(nic)"),
      ("k", "add_device_to_group: IOMMU: groupID=7 device=\(audio)"),
      ("r", Lines.entry("query", Lines.query, 0, own: nil, group: "grp=0xff110001005fee00 id=7")),
      ("r", Lines.result("query", Lines.query, 0)),
    ])
    #expect(told.groups.first?.changes.map(\.call) == [.use])
    #expect(told.groups.first?.final.min == 0)
  }

  @Test(
    "706829014: a use whose entry nobody watches may be what came between a claim's reading and its refusal")
  func useBesideRefusal() {
    let told = Lines.report([
      ("k", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"native1\""),
      ("q", Lines.entry("dclaim", Lines.claim, 0, own: nil, device: nic)),
      ("q", Lines.result("dclaim", Lines.claim, -1, "\(Lines.group) dev=\"\(nic)\" cnt=1")),
      ("k", Lines.result("use", Lines.use, 0)),
    ])
    #expect(told.group(7)?.final.contains(1) == true)
    #expect(told.group(7)?.peak.contains(1) == true)
  }

  @Test("1310984014: and between what an unuse read before and behind itself")
  func useBesideUnuse() {
    let told = Lines.report([
      ("k", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"native1\""),
      ("i", Lines.entry("unuse", Lines.unuse, 1, own: nil, device: audio)),
      ("i", Lines.result("unuse", Lines.unuse, nil, "\(Lines.group) dev=\"\(audio)\" cnt=1")),
      ("k", Lines.result("use", Lines.use, 0, "\(Lines.group) dev=\"\(nic)\" cnt=1")),
    ])
    // 1 → 2 → 1, or 1 → 0 → 1.
    #expect(told.group(7)?.peak.contains(2) == true && told.group(7)?.peak.contains(1) == true)
    #expect(told.group(7)?.final.exact == 1)
  }

  @Test("706868014: counts that were read beside an unuse that names nothing show it, too")
  func unuseBeforeReading() {
    let told = Lines.report([
      ("i", Lines.entry("use", Lines.use, 0, device: nic)), ("i", Lines.result("use", Lines.use, 0)),
      ("i", Lines.entry("use", Lines.use, 1, device: nic)), ("i", Lines.result("use", Lines.use, 0)),
      ("i", "unuse: (\(Lines.unuse)+0x0/0x8c)"),
      ("q", Lines.entry("query", Lines.query, 1)), ("q", Lines.result("query", Lines.query, 1)),
    ])
    // The probe failed, and what its first pass took is left.
    #expect(told.group(7)?.excess == Count(min: 0, max: 1))
  }

  @Test("1412656014: what a call read at its entry may be what a use had taken whose entry nobody watches")
  func readingBehindUse() {
    let told = Lines.report([
      ("k", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"native0\""),
      ("k", "conf: (pci_dma_configure+0x0/0x8c) dev=\"\(nic)\" drv=\"native0\""),
      ("q", Lines.entry("query", Lines.query, 1)),
      ("k", Lines.result("use", Lines.use, 0, "\(Lines.group) dev=\"\(nic)\" cnt=1 own=0x0")),
      ("k", "devrm: (device_remove+0x0/0x8c) dev=\"\(nic)\""),
      ("q", Lines.result("query", Lines.query, 1, "\(Lines.group) cnt=1 own=0x0")),
    ])
    #expect(told.group(7)?.initial.min == 0)
  }

  @Test("1413293014: and what it read behind itself what one took that came in between")
  func readingBeforeAndBehindUse() {
    let told = Lines.report([
      ("k", "add_device_to_group: IOMMU: groupID=7 device=\(nic)"),
      ("k", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"native0\""),
      ("q", Lines.entry("query", Lines.query, 0)),
      ("q", Lines.result("query", Lines.query, 0, "\(Lines.group) cnt=1 own=0x0")),
      ("k", Lines.result("use", Lines.use, 0)),
      ("q", Lines.entry("claim", "iommu_group_claim_dma_owner", 1)),
      ("q", Lines.result("claim", "iommu_group_claim_dma_owner", -1, "\(Lines.group) cnt=1 own=0x0")),
    ])
    // 0 → 1 → 1, and not 0 → 1 → 2.
    #expect(told.group(7)?.peak.min == 1)
    #expect(told.changes.first { $0.call == .use }?.before.contains(0) == true)
  }
}
