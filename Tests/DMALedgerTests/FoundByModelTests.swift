import DMALedger
import TestSupport
import Testing

/// Wrong answers that the model of the kernel found, each as small as it can be.
@Suite("Found by the model of the kernel")
struct FoundByModelTests {
  private typealias Lines = ProbeLines

  @Test("8903004: an owner whose reference a driver gave back has nothing to let go")
  func ownerRobbed() {
    let own = "0xff24580882aa9000"
    let told = Lines.report([
      ("q", Lines.entry("dclaim", Lines.claim, nil, device: nic)),
      ("q", Lines.result("dclaim", Lines.claim, 0)),
      ("k", Lines.entry("unuse", Lines.unuse, nil, own: own, device: nic)),
      ("k", Lines.result("unuse", Lines.unuse, nil)),
      ("q", Lines.entry("drelease", Lines.release, nil, own: own, device: nic)),
      ("q", Lines.result("drelease", Lines.release, nil)),
    ])
    #expect(told.group(7)?.final.exact == 0)
    #expect(told.changes.last?.before.exact == 0)
    #expect(told.verdict != .balanced)
  }

  @Test("8322003: a use that succeeds although it read an owner found less than it read")
  func ownerLeftUnseen() {
    let told = Lines.report([
      ("k", Lines.entry("use", Lines.use, 1, own: "0xff24580882aa8840", device: nic)),
      ("k", Lines.result("use", Lines.use, 0)),
    ])
    // 0 → 1, behind the owner's release: at least 1, and nothing says 2.
    #expect(told.group(7)?.peak.min == 1)
    #expect(told.changes.first?.before.min == 0)
    #expect(told.changes.first?.after.min == 1)
  }

  @Test("8383004: a device claim that finds no group is no call on the group that stale bytes show")
  func deviceWithoutGroup() {
    let told = Lines.report([
      ("q", Lines.entry("dclaim", Lines.claim, 0, device: nic, group: "id=0")),
      ("q", Lines.result("dclaim", Lines.claim, -19)),
    ])
    #expect(told.groups.isEmpty)
  }
}
