import DMALedger
import TestSupport
import Testing

/// Calls that met at a group and that the model of the kernel found told in a wrong order.
@Suite("Found by the model of the kernel: orders")
struct FoundOrderTests {
  private typealias Lines = ProbeLines

  @Test("22766009: an unuse that read a count of 0 and whose return nobody sees may have found just that")
  func lateUnuse() {
    let own = "0xff24580882aa8840"
    // A driver took the owner's reference and one of its own; the owner's release took that.
    let told = Lines.report([
      ("q", Lines.entry("dclaim", Lines.claim, 0, device: nic)),
      ("q", Lines.result("dclaim", Lines.claim, 0)),
      ("k", Lines.entry("unuse", Lines.unuse, 1, own: own, device: audio)),
      ("k", Lines.entry("use", Lines.use, 0, own: own, device: audio)),
      ("k", Lines.result("use", Lines.use, 0)),
      ("r", Lines.entry("release", "iommu_group_release_dma_owner", 1, own: own)),
      ("k", Lines.entry("unuse", Lines.unuse, 0, device: audio)),
      ("i", Lines.entry("use", Lines.use, 0, device: nic)), ("i", Lines.result("use", Lines.use, 0)),
      ("i", Lines.entry("unuse", Lines.unuse, 1, device: nic)),
      ("i", Lines.entry("use", Lines.use, 0, device: nic)), ("i", Lines.result("use", Lines.use, 0)),
    ])
    let unuses = told.changes.filter { $0.call == .unuse }
    #expect(unuses.count == 3)
    // 1 → 0, 0 → 0, 1 → 0.
    #expect(unuses.first { $0.at.line == 8 }?.before.min == 0)
    #expect(unuses.first { $0.at.line == 11 }?.before.max ?? .max >= 1)
  }

  @Test("411221001: counts that leave no room for an unuse put calls in order before any unuse was seen")
  func roomForUnuse() {
    func events(last: Int) -> [(task: String, event: String)] {
      [
        ("k", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"native0\""),
        ("i", "rp: (really_probe+0x0/0x396) dev=\"\(audio)\" drv=\"native1\""),
        ("k", Lines.entry("use", Lines.use, 0, device: nic)),
        ("i", Lines.entry("use", Lines.use, 0, device: audio)),
        ("k", Lines.result("use", Lines.use, 0)),
        // The probe fails while the other one is still in its use; whether anybody watches the unuse nothing shows.
        ("k", "dclean: (pci_dma_cleanup+0x0/0x8c) dev=\"\(nic)\""),
        ("i", Lines.result("use", Lines.use, 0, "\(Lines.group) dev=\"\(audio)\" cnt=\(last) own=0x0")),
      ]
    }
    let told = Lines.report(events(last: 2))
    #expect(told.group(7)?.initial == Count(exactly: 0))
    #expect(told.group(7)?.changes.map(\.after) == [Count(min: 1, max: 2), Count(min: 1, max: 2)])
    #expect(told.group(7)?.peak == Count(exactly: 2))
    // One less, and it must have run.
    #expect(Lines.report(events(last: 1)).group(7)?.changes.first?.after.exact == nil)
  }

  @Test(
    "70101009: what was read behind a call is the last count only where the times agree that it was read last"
  )
  func linesOutOfOrder() {
    let own = "0x0"
    let lines = [
      ("k", 100, Lines.entry("use", Lines.use, 0, device: nic)),
      ("q", 140, Lines.entry("query", Lines.query, 0)),
      ("k", 190, Lines.result("use", Lines.use, 0, "\(Lines.group) cnt=1 own=\(own)")),
      ("q", 180, Lines.result("query", Lines.query, 0, "\(Lines.group) cnt=0 own=\(own)")),
    ]
    let text = lines.map { task, time, event in
      "\(task == "q" ? "qemu-900 [000]" : "kworker-57 [001]") ..... 5.100\(time): \(event)\n"
    }.joined()
    #expect(report(on: "# tracer: nop\n" + text).group(7)?.final.exact == 1)
  }

  @Test("a release that reads the owner that a claim brings comes behind that claim")
  func releaseBehindClaim() {
    let own = "0xff24580882aa8800"
    let told = Lines.report([
      ("q", Lines.entry("dclaim", Lines.claim, nil, device: nic)),
      ("r", Lines.entry("drelease", Lines.release, nil, own: own, device: nic)),
      ("r", Lines.result("drelease", Lines.release, nil)),
      ("q", Lines.result("dclaim", Lines.claim, 0)),
    ])
    // 0 → 1 → 0, and not 1 → 0 → 1.
    #expect(told.group(7)?.initial.exact == 0)
    #expect(told.group(7)?.final.exact == 0)
  }

  @Test("a call whose entry nobody watches may have come before what was read while it ran")
  func unseenEntry() {
    let told = Lines.report([
      ("q", Lines.entry("query", Lines.query, 1)),
      ("k", Lines.result("use", Lines.use, 0, "\(Lines.group) dev=\"\(nic)\"")),
      ("q", Lines.result("query", Lines.query, 1)),
    ])
    // 0 → 1, then the query; or 1, the query, 1 → 2.
    #expect(told.group(7)?.initial.min == 0)
  }

  @Test("90202003: where what was read contradicts every order, something between them was not seen")
  func noOrder() {
    let own = "0xff24580882aa9040"
    // The first owner has let go meanwhile, where nobody saw it.
    let told = Lines.report([
      ("q", Lines.entry("claim", "iommu_group_claim_dma_owner", 0)),
      ("q", Lines.result("claim", "iommu_group_claim_dma_owner", 0)),
      ("q", Lines.entry("query", Lines.query, 1, own: own)),
      ("r", Lines.entry("dclaim", Lines.claim, 0, device: nic)),
      ("r", Lines.result("dclaim", Lines.claim, 0)),
      ("q", Lines.result("query", Lines.query, 1)),
    ])
    #expect(told.group(7)?.peak.min == 1)
  }

  @Test("20031010: a release that is open where a file ends may come behind what the next one begins with")
  func releaseAcrossFiles() {
    let own = "0xff24580882aa9040"
    let claim: [(task: String, event: String)] = [
      ("q", Lines.entry("dclaim", Lines.claim, 0, device: nic)),
      ("q", Lines.result("dclaim", Lines.claim, 0)),
      ("q", Lines.entry("release", "iommu_group_release_dma_owner", 1, own: own)),
    ]
    let use: [(task: String, event: String)] = [
      ("k", Lines.entry("use", Lines.use, 1, own: own, device: audio)),
      ("k", Lines.result("use", Lines.use, -16)),
    ]
    let lines = Lines.text(claim + use).split(separator: "\n", omittingEmptySubsequences: false)
    var analyzer = Analyzer()
    for part in [lines[..<3], lines[3...]] {
      let text = "# tracer: nop\n" + part.joined(separator: "\n") + "\n"
      analyzer.read(bytes: Array(text.utf8), name: "trace")
    }
    let told = analyzer.finish()
    #expect(told.group(7)?.final.min == 0)
    #expect(told.group(7)?.owner == .unknown)
  }

  @Test("a return whose entry was cut off by lost events may be that of an unuse from before them")
  func returnBehindLoss() {
    let lines = Lines.text([
      ("i", Lines.entry("use", Lines.use, 0, device: nic)), ("i", Lines.result("use", Lines.use, 0)),
      ("k", Lines.entry("use", Lines.use, 1, device: audio)), ("k", Lines.result("use", Lines.use, 0)),
      ("k", Lines.entry("unuse", Lines.unuse, 2, device: audio)),
      ("i", Lines.entry("unuse", Lines.unuse, 2, device: nic)),
      ("i", Lines.result("unuse", Lines.unuse, nil, "\(Lines.group) cnt=0 own=0x0 dev=\"\(nic)\"")),
      ("k", Lines.result("unuse", Lines.unuse, nil, "\(Lines.group) cnt=0 own=0x0 dev=\"\(audio)\"")),
    ]).split(separator: "\n")
    let text = (lines[..<5] + ["CPU:0 [LOST 3 EVENTS]"] + lines[5...]).joined(separator: "\n")
    let told = report(on: "# tracer: nop\n" + text + "\n")
    #expect(!told.findings.contains { $0.severity == .error }, "\(told.story)")
  }

  @Test("nothing shows that a call which the end cuts off was over when another one came")
  func openAtEnd() {
    let told = Lines.report([
      ("q", Lines.entry("claim", "iommu_group_claim_dma_owner", 0)),
      ("r", Lines.entry("query", Lines.query, 0)),
    ])
    #expect(told.group(7)?.final == Count(min: 0, max: 1))
    #expect(told.group(7)?.owner == .unknown)
  }

  @Test("calls of which one may have been refused in silence are told by all orders")
  func refusedInSilence() {
    let told = Lines.report([
      ("k", Lines.entry("use", Lines.use, 0, device: audio)), ("k", Lines.result("use", Lines.use, 0)),
      ("k", Lines.entry("unuse", Lines.unuse, 1, device: audio)),
      ("r", Lines.entry("query", Lines.query, 1)), ("r", Lines.result("query", Lines.query, 1)),
      ("r", Lines.entry("dclaim", Lines.claim, 1, device: nic)),
      ("r", Lines.result("dclaim", Lines.claim, -1)),
      ("k", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(audio)\""),
    ])
    // Of a count of 0 no claim is refused.
    let claim = told.changes.first { $0.call == .deviceClaim }
    #expect(claim?.before.exact == 1)
    #expect(claim?.after.exact == 1)
  }

  @Test("what a driver may take unseen behind its unuse is not over before the last call beside that is")
  func takenUnseen() {
    let told = Lines.report([
      ("r", Lines.entry("query", Lines.query, 2)),
      ("k", "unbind: (device_release_driver_internal+0x0/0x8c) dev=\"\(audio)\""),
      ("k", Lines.entry("unuse", Lines.unuse, 2, device: audio)),
      ("k", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(audio)\""),
      ("i", "rp: (really_probe+0x0/0x396) dev=\"\(audio)\" drv=\"native0\""),
      ("i", "conf: (pci_dma_configure+0x0/0x8c) dev=\"\(audio)\" drv=\"native0\""),
      ("i", "bound: (driver_bound+0x0/0x8c) dev=\"\(audio)\""),
    ])
    #expect(told.group(7)?.final.min == 1)
    #expect(told.group(7)?.final.max ?? .max >= 2)
  }

  @Test("a release that may have come behind the claim beside it says nothing of what was there before both")
  func initialOfEveryOrder() {
    let told = Lines.report([
      ("q", Lines.entry("dclaim", Lines.claim, nil, own: nil, device: nic)),
      ("r", Lines.entry("drelease", Lines.release, nil, own: nil, device: nic)),
      ("r", Lines.result("drelease", Lines.release, nil)),
      ("q", Lines.result("dclaim", Lines.claim, 0)),
    ])
    // 0 → 1 → 0, or 1 → 0 → 1 where somebody owned it.
    #expect(told.group(7)?.initial == .unknown)
  }

  @Test("1200215015: what all orders of two calls agree on holds only where nothing is missing beside them")
  func agreementBesideLoss() {
    let lines = Lines.text([
      ("r", Lines.entry("query", Lines.query, nil, own: nil)),
      ("q", Lines.entry("release", "iommu_group_release_dma_owner", nil, own: nil)),
      ("q", Lines.result("release", "iommu_group_release_dma_owner", nil)),
      ("r", Lines.entry("query", Lines.query, nil, own: nil)),
      ("r", Lines.result("query", Lines.query, 0)),
    ]).split(separator: "\n")
    // The claim is among what was lost on the CPU of the query, behind its first line.
    let text = (lines[..<3] + ["CPU:1 [LOST 3 EVENTS]"] + lines[3...]).joined(separator: "\n")
    #expect(report(on: "# tracer: nop\n" + text + "\n").group(7)?.initial.min == 0)
  }

  @Test("702977004: what a call read behind itself beside one that nobody places is not its own doing")
  func readBesideUnplaced() {
    let told = Lines.report([
      ("i", "rp: (really_probe+0x0/0x8c) dev=\"\(audio)\" drv=\"native0\""),
      ("q", Lines.entry("dclaim", Lines.claim, 1, own: nil, device: nic)),
      ("r", Lines.entry("drelease", Lines.release, 1, own: nil, device: nic)),
      ("i", "rp: (really_probe+0x0/0x8c) dev=\"\(nic)\" drv=\"native1\""),
      ("q", Lines.result("dclaim", Lines.claim, 0, "\(Lines.group) dev=\"\(nic)\" cnt=1")),
      ("r", Lines.result("drelease", Lines.release, nil, "\(Lines.group) dev=\"\(nic)\" cnt=1")),
    ])
    // 1 → 0 and 0 → 1 in the end.
    #expect(told.group(7)?.peak.min == 1)
  }

  @Test(
    "706155013: a release is over once somebody finds no owner, and does not make the next one wait for room")
  func releaseThatIsOver() {
    let own = "0xff24580882aa8840"
    let claim = "iommu_group_claim_dma_owner"
    // Truth: the second release comes last.
    let told = Lines.report([
      ("q", Lines.entry("query", Lines.query, 1, own: own)),
      ("r", Lines.entry("drelease", Lines.release, 1, own: own, device: nic)),
      ("q", Lines.result("query", Lines.query, 1)),
      ("q", Lines.entry("claim", claim, 0)), ("q", Lines.result("claim", claim, 0)),
      ("q", Lines.entry("dclaim", Lines.claim, 1, own: own, device: nic)),
      ("q", Lines.result("dclaim", Lines.claim, -1)),
      ("k", Lines.entry("release", "iommu_group_release_dma_owner", 1, own: own)),
      ("r", Lines.entry("query", Lines.query, 1, own: own)), ("r", Lines.result("query", Lines.query, 1)),
      ("r", Lines.entry("claim", claim, 1, own: own)), ("r", Lines.result("claim", claim, -1)),
    ])
    #expect(told.group(7)?.final == Count(exactly: 0))
    #expect(told.group(7)?.verdict == .balanced)
    for change in told.changes where change.call == .claim && change.result == 0 {
      #expect(change.before == Count(exactly: 0) && change.after == Count(exactly: 1))
    }
  }

  @Test("a release still has the owner that it found, whatever drivers may have given back meanwhile")
  func releaseBehindUnbind() {
    let own = "0xff24580882aa8840"
    let told = Lines.report([
      ("q", Lines.entry("release", "iommu_group_release_dma_owner", 1, own: own)),
      ("i", "unbind: (device_release_driver_internal+0x0/0x8c) dev=\"\(audio)\""),
      ("i", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(audio)\""),
      ("q", Lines.entry("query", Lines.query, 0)), ("q", Lines.result("query", Lines.query, 0)),
    ])
    #expect(told.changes.first?.before == Count(exactly: 1))
    #expect(told.changes.first?.after == Count(exactly: 0))
    #expect(told.verdict == .balanced)
  }
}
