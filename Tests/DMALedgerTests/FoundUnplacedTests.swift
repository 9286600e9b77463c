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
}
