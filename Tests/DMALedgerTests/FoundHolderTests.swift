import DMALedger
import TestSupport
import Testing

/// Holders that the model of the kernel found told wrongly.
@Suite("Found by the model of the kernel: holders")
struct FoundHolderTests {
  private typealias Lines = ProbeLines

  @Test("21734009: a driver that is bound although its second use was refused holds nothing")
  func boundWithoutReference() {
    let device = "cdx-00:01"
    // A foreign domain refuses the second use; the bus takes no notice. The first reference is nobody's.
    let told = Lines.report([
      ("i", "rp: (really_probe+0x0/0x396) dev=\"\(device)\" drv=\"native5\""),
      ("i", Lines.entry("use", Lines.use, 0, device: device)), ("i", Lines.result("use", Lines.use, 0)),
      ("i", "devrm: (device_remove+0x0/0x52) dev=\"\(device)\""),
      ("i", Lines.entry("use", Lines.use, 1, device: device)), ("i", Lines.result("use", Lines.use, -16)),
      ("i", "bound: (driver_bound+0x0/0x8c) dev=\"\(device)\""),
      ("i", "rp_ret: (device_driver_attach+0x24/0x4a <- really_probe) ret=0 dev=\"\(device)\""),
    ])
    #expect(told.group(7)?.final.max == 1)
    #expect(told.group(7)?.excess.max == 1)
    #expect(told.group(7)?.holders.contains { $0.device == device && $0.kind == .bound } == false)
    #expect(told.has(.testRemoveLeak))
  }

  @Test("70231004: a use without a code holds nothing once the group is idle")
  func refusedWithoutCode() {
    let own = "0xff24580882aa8840"
    let told = Lines.report([
      ("q", Lines.entry("claim", "iommu_group_claim_dma_owner", 0)),
      ("k", Lines.entry("use", Lines.use, 1, own: own, device: audio)),
      ("q", Lines.entry("release", "iommu_group_release_dma_owner", 1, own: own)),
      ("k", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(audio)\""),
      ("q", Lines.entry("query", Lines.query, 0)),
      ("q", Lines.entry("query", Lines.query, 0)),
    ])
    #expect(told.group(7)?.final.exact == 0)
    #expect(told.group(7)?.holders.isEmpty == true)
  }

  @Test("a member that left is in no listing, and may have held what no call accounts for")
  func memberLeft() {
    let before = Lines.text([
      ("k", Lines.entry("use", Lines.use, 1, device: nic)), ("k", Lines.result("use", Lines.use, 0)),
      ("q", Lines.entry("query", Lines.query, 2)), ("q", Lines.result("query", Lines.query, 1)),
      ("k", Lines.entry("unuse", Lines.unuse, 1, device: audio, group: "grp=0xff110001005f7900 id=8")),
      ("k", "remove_device_from_group: IOMMU: groupID=7 device=0000:65:00.9"),
    ])
    var analyzer = Analyzer()
    analyzer.read(bytes: Array(("# tracer: nop\n" + before).utf8), name: "trace")
    analyzer.read(bytes: Array("\(nic) group=7 driver=e1000e\n".utf8), name: "listing")
    let told = analyzer.finish()
    #expect(told.group(7)?.verdict == .inconclusive)
    #expect(told.findings.allSatisfy { $0.group?.value != 7 || $0.severity < .error })
  }

  @Test("707756003: a use behind lost events is none of a probe that another task had begun before them")
  func probeOfAnotherTask() {
    let lost = "CPU:1 [LOST 13 EVENTS]"
    let text = Lines.text([
      ("k", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"native3\""),
      ("k", Lines.entry("use", Lines.use, 0, device: nic)), ("k", Lines.result("use", Lines.use, 0)),
      ("k", lost),
      ("i", Lines.entry("use", Lines.use, 0, device: nic)), ("i", Lines.result("use", Lines.use, 0)),
      ("i", "devrm: (device_remove+0x0/0x8c) dev=\"\(nic)\""),
      ("i", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(nic)\""),
      ("i", Lines.entry("use", Lines.use, 1, device: nic)), ("i", Lines.result("use", Lines.use, 0)),
      ("i", "bound: (driver_bound+0x0/0x8c) dev=\"\(nic)\""),
      ("q", Lines.entry("unuse", Lines.unuse, 1, device: audio, group: "grp=0xff110001005f7900 id=8")),
    ])
    let lines = text.split(separator: "\n").map { $0.hasSuffix(lost) ? lost[...] : $0 }
    let told = report(on: "# tracer: nop\n" + lines.joined(separator: "\n") + "\n")
    #expect(!told.has(.unbindLeak))
    #expect(told.findings.allSatisfy { $0.severity < .error })
    #expect(told.group(7)?.final == Count(exactly: 2))
    #expect(told.verdict == .inconclusive)
  }

  @Test(
    "911542014: a refusal that met a use says nothing of references that belong to nobody",
    arguments: [true, false])
  func refusalBesideUse(areApart: Bool) {
    func state(_ device: String?) -> String { "\(Lines.group)" + (device.map { " dev=\"\($0)\"" } ?? "") }
    let use = Lines.entry("use", Lines.use, nil, own: nil, device: nic)
    let refusal: [(task: String, event: String)] = [
      ("q", Lines.entry("query", Lines.query, nil, own: nil)), ("k", use),
      ("q", Lines.result("query", Lines.query, 1)),
    ]
    let before = Lines.text(
      [
        ("k", Lines.entry("unuse", Lines.unuse, nil, own: nil, device: nic)),
        ("k", Lines.result("unuse", Lines.unuse, nil, state(nic))),
      ] + (areApart ? [refusal[0], refusal[2], refusal[1]] : refusal) + [
        ("k", Lines.result("use", Lines.use, 0, state(nic))),
        ("k", Lines.entry("unuse", Lines.unuse, nil, own: nil, device: nic)),
        ("k", Lines.result("unuse", Lines.unuse, nil, state(nic))),
      ])
    var analyzer = Analyzer()
    analyzer.read(bytes: Array(("# tracer: nop\n" + before).utf8), name: "trace")
    analyzer.read(bytes: Array("\(nic) group=7 driver=\n".utf8), name: "listing")
    let told = analyzer.finish()
    let refused = told.findings.first { $0.rule == .notViable }
    // Alone in the group, with its only member holding nothing, it found somebody else's.
    #expect(refused?.severity == (areApart ? .error : .warning))
    #expect((told.verdict == .unbalanced) == areApart)
  }

  @Test("912518013: an unuse that nobody watches is told once, where a count of 0 was read behind it")
  func hiddenUnuseBehindQuery() {
    let told = Lines.report([
      ("k", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"native0\""),
      ("k", Lines.entry("use", Lines.use, 0, device: nic)), ("k", Lines.result("use", Lines.use, 0)),
      ("k", "devrm: (device_remove+0x0/0x8c) dev=\"\(nic)\""),
      ("q", Lines.entry("query", Lines.query, 1)), ("q", Lines.result("query", Lines.query, 0)),
      ("k", Lines.entry("use", Lines.use, 0, device: nic)), ("k", Lines.result("use", Lines.use, 0)),
      ("k", "rp_ret: (device_driver_attach+0x24/0x4a <- really_probe) ret=0 dev=\"\(nic)\""),
    ])
    #expect(!told.has(.overRelease))
    #expect(told.findings.allSatisfy { $0.severity < .error })
    #expect(told.kernel.testDriverRemove == .fixed)
  }

  @Test("705935013: a count of 0 between two uses shows that the first was given back, whoever read it")
  func givenBackUnseen() {
    let told = Lines.report([
      ("k", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"native0\""),
      ("k", Lines.entry("use", Lines.use, 0, device: nic)), ("k", Lines.result("use", Lines.use, 0)),
      ("k", "devrm: (device_remove+0x0/0x8c) dev=\"\(nic)\""),
      ("q", Lines.entry("claim", "iommu_group_claim_dma_owner", 0)),
      ("k", Lines.entry("use", Lines.use, 0, device: nic)), ("k", Lines.result("use", Lines.use, 0)),
      ("k", "bound: (driver_bound+0x0/0x8c) dev=\"\(nic)\""),
      ("k", "rp_ret: (device_driver_attach+0x24/0x4a <- really_probe) ret=0 dev=\"\(nic)\""),
      ("q", Lines.result("claim", "iommu_group_claim_dma_owner", -1)),
    ])
    #expect(told.findings.allSatisfy { $0.severity < .error })
    #expect(told.kernel.testDriverRemove != .unfixed)
    #expect(told.group(7)?.excess.min == 0)
  }

  @Test(
    "411467012: a number that its named members left and joined twice is the group that its pointer shows")
  func leftTwice() {
    let joined = "add_device_to_group: IOMMU: groupID=7 device=\(nic)"
    let left = "remove_device_from_group: IOMMU: groupID=7 device=\(nic)"
    let first = [
      ("k", joined),
      ("k", Lines.entry("use", Lines.use, 3, device: nic)), ("k", Lines.result("use", Lines.use, 0)),
      ("k", Lines.entry("unuse", Lines.unuse, 4, device: nic)), ("k", left),
      // A member that nothing names keeps the group; the driver that is bound here takes nothing.
      ("k", joined), ("k", left), ("k", joined),
    ]
    let again = [
      ("k", Lines.entry("use", Lines.use, 3, device: nic)), ("k", Lines.result("use", Lines.use, 0)),
    ]
    let told = Lines.report(first + again)
    #expect(told.groups.map(\.final) == [Count(exactly: 4)])
    // Dead or alive, nobody took or gave anything since.
    #expect(Lines.report(first).groups.first?.final == Count(exactly: 3))
  }

  @Test("where uses alone are watched, whoever held the group before may have let go as well")
  func othersLetGo() {
    let told = Lines.report([
      ("q", Lines.entry("query", Lines.query, nil)), ("q", Lines.result("query", Lines.query, 1)),
      ("k", Lines.entry("use", Lines.use, nil, device: nic)), ("k", Lines.result("use", Lines.use, 0)),
    ])
    #expect(told.group(7)?.final.min == 0)
  }

  @Test("90435004: a device that leaves its group between two passes may have left its reference there")
  func leftBetweenPasses() {
    let pointer = "grp=0xff110001005f6900"
    let told = Lines.report([
      ("i", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"native0\""),
      ("i", Lines.entry("use", Lines.use, 0, device: nic, group: pointer)),
      ("i", "devrm: (device_remove+0x0/0x52) dev=\"\(nic)\""),
      ("i", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(nic)\""),
      ("i", "remove_device_from_group: IOMMU: groupID=7 device=\(nic)"),
    ])
    #expect(told.verdict == .inconclusive)
  }

  @Test("a device that is listed without a driver holds nothing by right")
  func listedWithoutDriver() {
    var analyzer = Analyzer()
    let text = Lines.text([
      ("k", Lines.entry("use", Lines.use, 0, device: nic)), ("k", Lines.result("use", Lines.use, 0)),
    ])
    analyzer.read(bytes: Array(("# tracer: nop\n" + text).utf8), name: "trace")
    analyzer.read(bytes: Array("\(nic) group=7 driver=\n".utf8), name: "listing")
    let told = analyzer.finish()
    #expect(told.group(7)?.excess.max == 1)
    #expect(told.group(7)?.verdict == .inconclusive)
  }

  @Test(
    "a probe that fails behind lost events leaves nothing that is held by right", arguments: [true, false])
  func failedBehindLoss(isBeginSeen: Bool) {
    let begin = Lines.text([
      ("i", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"e1000e\""),
      ("i", Lines.entry("use", Lines.use, 0, device: nic)),
    ])
    let end = Lines.text([
      ("i", Lines.result("use", Lines.use, 0, "dev=\"\(nic)\" \(Lines.group) cnt=1 own=0x0")),
      ("i", "devrm: (device_remove+0x0/0x52) dev=\"\(nic)\""),
      ("i", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(nic)\""),
      ("i", "rp_ret: (device_driver_attach+0x24/0x4a <- really_probe) ret=-19 dev=\"\(nic)\""),
    ]).replacing("5.100", with: "5.101")
    let told = TestSupport.report(
      on: "# tracer: nop\n" + (isBeginSeen ? begin : "") + "CPU:0 [LOST 3 EVENTS]\n" + end)
    #expect(told.group(7)?.verdict == .inconclusive)
    #expect(told.group(7)?.excess.max ?? 1 > 0)
    #expect(told.group(7)?.holders.contains { $0.device == nic && $0.kind == .bound } == false)
  }

  @Test("1364005: an owner that has lost its reference to a driver is still the owner")
  func robbedOwnerStays() {
    let own = "0xff24580882aa9040"
    let told = Lines.report([
      ("q", Lines.entry("claim", "iommu_group_claim_dma_owner", 0)),
      ("q", Lines.result("claim", "iommu_group_claim_dma_owner", 0)),
      ("k", Lines.entry("unuse", Lines.unuse, 1, own: own, device: audio)),
      ("k", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(audio)\""),
      ("q", Lines.entry("release", "iommu_group_release_dma_owner", 0, own: own)),
      ("k", Lines.entry("use", Lines.use, 0, own: own, device: audio)),
      ("k", Lines.result("use", Lines.use, 0, "\(Lines.group) cnt=1 own=\(own)")),
      ("k", Lines.entry("unuse", Lines.unuse, 1, own: own, device: audio)),
      ("k", Lines.entry("use", Lines.use, 0, own: own, device: audio)),
      ("k", Lines.result("use", Lines.use, 0, "\(Lines.group) cnt=1 own=\(own)")),
      ("k", Lines.entry("unuse", Lines.unuse, 1, own: own, device: audio)),
      ("k", Lines.entry("use", Lines.use, 0, own: own, device: audio)),
      ("k", Lines.result("use", Lines.use, 0, "\(Lines.group) cnt=1 own=\(own)")),
    ])
    #expect(told.group(7)?.owner != Ownership.none)
  }

  @Test("570507015: a claim that succeeds beside another owner's found the group idle")
  func claimedByAnother() {
    func claim(_ new: String) -> [(task: String, event: String)] {
      [
        ("q", Lines.entry("dclaim", Lines.claim, nil, own: nil, device: nic) + " new=\(new)"),
        ("q", Lines.result("dclaim", Lines.claim, 0)),
      ]
    }
    let told = Lines.report(claim("0xff24580882aa8840") + claim("0xff24580882aa8800"))
    #expect(told.group(7)?.final.exact == 1)
    #expect(told.group(7)?.changes.last?.before.exact == 0)
  }

  @Test("303345014: what was in the way before somebody released the group may have been an owner's")
  func ownerFromBefore() {
    var analyzer = Analyzer()
    let text = Lines.text([
      ("q", Lines.entry("query", Lines.query, 1, own: nil)), ("q", Lines.result("query", Lines.query, 1)),
      ("r", Lines.entry("release", "iommu_group_release_dma_owner", 1, own: nil)),
      ("r", Lines.result("release", "iommu_group_release_dma_owner", nil)),
      ("i", Lines.entry("use", Lines.use, 0, own: nil, device: nic)),
      ("i", Lines.result("use", Lines.use, 0)),
      ("i", Lines.entry("unuse", Lines.unuse, 1, own: nil, device: nic)),
    ])
    analyzer.read(bytes: Array(("# tracer: nop\n" + text).utf8), name: "trace")
    analyzer.read(bytes: Array("\(nic) group=7 driver=\n".utf8), name: "listing")
    let told = analyzer.finish()
    #expect(told.findings.allSatisfy { $0.severity < .error })
  }

  @Test("134514015: a probe that began before the capture and failed may have left a reference behind")
  func cutProbe() {
    let told = Lines.report([
      ("i", "devrm: (device_remove+0x0/0x52) dev=\"\(audio)\""),
      ("i", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(audio)\""),
      ("i", "conf: (pci_dma_configure+0x0/0x8c) dev=\"\(audio)\" drv=\"native0\""),
      ("i", "rp_ret: (device_driver_attach+0x20/0x396 <- really_probe) ret=-19"),
      ("q", Lines.entry("query", Lines.query, 0)), ("q", Lines.result("query", Lines.query, 0)),
    ])
    #expect(told.group(7)?.verdict == .balanced)
    #expect(told.verdict == .inconclusive)
  }

  @Test(
    "166523015: a group lives on where a call that is still at it read its pointer", arguments: [true, false])
  func groupLivesOn(hasReturn: Bool) {
    let query: [(task: String, event: String)] = [("q", Lines.entry("query", Lines.query, 0))]
    let told = Lines.report(
      query + (hasReturn ? [("q", Lines.result("query", Lines.query, 0))] : []) + [
        ("i", "remove_device_from_group: IOMMU: groupID=7 device=\(nic)"),
        ("i", "add_device_to_group: IOMMU: groupID=7 device=\(nic)"),
        ("i", Lines.entry("use", Lines.use, 0, device: nic)), ("i", Lines.result("use", Lines.use, 0)),
      ])
    #expect(told.groups.count { !$0.changes.isEmpty } == 1)
    #expect(told.group(7)?.final.exact == 1)
  }

  @Test("a count that was read behind the hook of the first pass proves nothing left behind")
  func readInBetween() {
    // Nobody watches the unuse: the claim reads 0, so it has run.
    let told = Lines.report([
      ("k", "rp: (really_probe+0x0/0x396) dev=\"\(audio)\" drv=\"native0\""),
      ("k", Lines.entry("use", Lines.use, 0, device: audio)),
      ("q", Lines.entry("query", Lines.query, 1)),
      ("k", Lines.result("use", Lines.use, 0)), ("q", Lines.result("query", Lines.query, 1)),
      ("k", "devrm: (device_remove+0x0/0x52) dev=\"\(audio)\""),
      ("k", "dclean: (pci_dma_cleanup+0x0/0x8c) dev=\"\(audio)\""),
      ("q", Lines.entry("claim", "iommu_group_claim_dma_owner", 0)),
      ("k", Lines.entry("use", Lines.use, 0, device: audio)), ("k", Lines.result("use", Lines.use, 0)),
      ("q", Lines.result("claim", "iommu_group_claim_dma_owner", -1)),
    ])
    #expect(!told.findings.contains { $0.severity == .error }, "\(told.story)")
    #expect(told.group(7)?.excess.min == 0)
  }

  @Test("a use that read an owner, and whose code nobody saw, may hold nothing")
  func refusedUnseen() {
    let own = "0xff24580882aa8840"
    let told = Lines.report([
      ("r", Lines.entry("query", Lines.query, 1, own: own)),
      ("k", "rp: (really_probe+0x0/0x396) dev=\"\(audio)\" drv=\"native0\""),
      ("k", Lines.entry("use", Lines.use, 1, own: own, device: audio)),
      ("k", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(audio)\""),
      ("q", Lines.entry("release", "iommu_group_release_dma_owner", 1, own: own)),
      ("i", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"native2\""),
      ("i", Lines.entry("use", Lines.use, 0, device: nic)),
      ("i", "devrm: (device_remove+0x0/0x52) dev=\"\(nic)\""),
      ("i", Lines.entry("use", Lines.use, 1, device: nic)),
      ("i", "bound: (driver_bound+0x0/0x8c) dev=\"\(nic)\""),
      ("i", "unbind: (device_release_driver_internal+0x0/0x8c) dev=\"\(nic)\""),
      ("i", Lines.entry("unuse", Lines.unuse, 2, device: nic)),
      ("i", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(nic)\""),
    ])
    // The first pass left 1 behind.
    #expect(told.group(7)?.final.exact == 1)
    #expect(told.group(7)?.excess.max == 1)
  }

  private static let robber = "cdx-00:01"

  /// A driver whose use is refused takes the owner's reference with it when it goes.
  private static let robbed: [(task: String, event: String)] = [
    ("q", Lines.entry("claim", "iommu_group_claim_dma_owner", nil)),
    ("i", "rp: (really_probe+0x0/0x8c) dev=\"\(robber)\" drv=\"native2\""),
    ("i", Lines.entry("use", Lines.use, nil, own: "0xff24580882aa9040", device: robber)),
    ("i", Lines.entry("unuse", Lines.unuse, nil, own: "0xff24580882aa9040", device: robber)),
    ("i", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(robber)\""),
  ]

  @Test("706588004: the release of an owner whose reference a driver may have taken may find none")
  func releaseOfRobbed() {
    let told = Lines.report(
      Self.robbed + [
        ("q", Lines.entry("release", "iommu_group_release_dma_owner", nil, own: "0xff24580882aa9040"))
      ])
    let release = told.changes.first { $0.call == .release }
    #expect(release?.before == Count(min: 0, max: 1))
    #expect(release?.after.exact == 0)
    #expect(told.group(7)?.owner == .unknown)
  }

  @Test("1001278004: so may a release that meets another call")
  func releaseOfRobbedBesideUse() {
    let told = Lines.report(
      Self.robbed + [
        ("q", Lines.entry("release", "iommu_group_release_dma_owner", nil, own: "0xff24580882aa9040")),
        ("i", "rp: (really_probe+0x0/0x8c) dev=\"\(Self.robber)\" drv=\"native2\""),
        ("i", Lines.entry("use", Lines.use, nil, own: "0xff24580882aa9040", device: Self.robber)),
        ("i", "sysfs: (driver_sysfs_add+0x0/0x8c) dev=\"\(Self.robber)\""),
      ])
    #expect(told.changes.first { $0.call == .release }?.before.min == 0)
    #expect(told.group(7)?.owner != Ownership.none)
  }

  @Test("800661004: a driver whose use has no code and whose probe ended in cleaning up holds nothing")
  func failedWithoutCode() {
    let told = Lines.report([
      ("q", Lines.entry("claim", "iommu_group_claim_dma_owner", 0, own: nil)),
      ("i", "rp: (really_probe+0x0/0x8c) dev=\"\(audio)\" drv=\"native1\""),
      ("i", Lines.entry("use", Lines.use, 1, own: nil, device: audio)),
      ("i", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(audio)\""),
      ("i", "rp: (really_probe+0x0/0x8c) dev=\"\(nic)\" drv=\"native0\""),
      ("i", "bound: (driver_bound+0x0/0x8c) dev=\"\(nic)\""),
    ])
    #expect(told.group(7)?.holders.contains { $0.device == audio } == false)
  }

  @Test(
    "1201585013: where nothing but uses and owners are watched, and no count, a use may have been that of a failed probe"
  )
  func useAlone() {
    let told = Lines.report([
      ("q", Lines.entry("query", Lines.query, nil)), ("q", Lines.result("query", Lines.query, 0)),
      ("i", Lines.entry("use", Lines.use, nil, device: nic)), ("i", Lines.result("use", Lines.use, 0)),
    ])
    #expect(told.group(7)?.excess == Count(min: 0, max: 1))
    #expect(told.verdict == .inconclusive)
  }

  @Test("1300045014: whoever gives back behind a call that nothing places may have held the group before")
  func holderBehindUnplacedCall() {
    var analyzer = Analyzer()
    let text = Lines.text([
      ("q", Lines.entry("query", Lines.query, nil)), ("q", Lines.result("query", Lines.query, 1)),
      ("r", "release: (iommu_group_release_dma_owner+0x0/0x8c)"),
      ("i", Lines.entry("unuse", Lines.unuse, nil, device: nic)),
      ("i", Lines.entry("unuse", Lines.unuse, nil, device: audio)),
    ])
    analyzer.read(bytes: Array(("# tracer: nop\n" + text).utf8), name: "trace")
    analyzer.read(
      bytes: Array("\(nic) group=7 driver=\n\(audio) group=7 driver=\n".utf8), name: "listing")
    let told = analyzer.finish()
    #expect(told.verdict == .inconclusive)
    #expect(told.findings.filter { $0.rule == .notViable }.map(\.severity) == [.warning])
  }

  @Test(
    "1310930003: a driver that goes on behind a use that was most likely refused is not balanced, though its end is lost",
    arguments: [0, 1, 2])
  func swallowedAmongLostLines(_ shown: Int) {
    let device = "cdx-00:01"
    let own = "0xff24580882aa8840"
    let lost = "CPU:0 [LOST 3 EVENTS]"
    // The bus takes no notice of the refusal. The code is lost, or the end, or both stand and what is between them is lost.
    let before: [(task: String, event: String)] = [
      ("i", "rp: (really_probe+0x0/0x396) dev=\"\(device)\" drv=\"native5\""),
      ("i", Lines.entry("use", Lines.use, 1, own: own, device: device)),
    ]
    let code: [(task: String, event: String)] = [("i", Lines.result("use", Lines.use, -16))]
    let added: [(task: String, event: String)] = [
      ("i", "sysfs: (driver_sysfs_add+0x0/0x8c) dev=\"\(device)\"")
    ]
    let end: [(task: String, event: String)] = [
      ("i", "bound: (driver_bound+0x0/0x8c) dev=\"\(device)\""),
      ("i", "rp_ret: (device_driver_attach+0x24/0x4a <- really_probe) ret=0 dev=\"\(device)\""),
    ]
    let marker: [(task: String, event: String)] = [("i", lost)]
    let life = [before + marker + end, before + code + added + marker, before + code + marker + end]
    let claim: [(task: String, event: String)] = [
      ("q", Lines.entry("dclaim", Lines.claim, 0, device: nic)),
      ("q", Lines.result("dclaim", Lines.claim, 0)),
    ]
    let release: [(task: String, event: String)] = [
      ("q", Lines.entry("drelease", Lines.release, 1, own: own, device: nic))
    ]
    let text = Lines.text(claim + life[shown] + release)
    let lines = text.split(separator: "\n").map { $0.hasSuffix(lost) ? lost[...] : $0 }
    let told = report(on: "# tracer: nop\n" + lines.joined(separator: "\n") + "\n")
    #expect(told.group(7)?.final == Count(exactly: 0))
    #expect(told.group(7)?.verdict == .inconclusive)
    #expect(told.group(7)?.reasons.contains { $0.contains("most likely refused") } == true)
    #expect(!told.has(.swallowedUseError))
  }

  @Test("a driver that is bound while the group is idle took nothing, although no code says so")
  func boundInIdleGroup() {
    let device = "cdx-00:01"
    let own = "0xff24580882aa8840"
    let events = [
      ("q", Lines.entry("dclaim", Lines.claim, 0, device: nic)),
      ("i", "rp: (really_probe+0x0/0x396) dev=\"\(device)\" drv=\"native5\""),
      ("i", Lines.entry("use", Lines.use, 1, own: own, device: device)),
      ("i", "bound: (driver_bound+0x0/0x8c) dev=\"\(device)\""),
      ("q", Lines.entry("drelease", Lines.release, 1, own: own, device: nic)),
      ("q", Lines.entry("query", Lines.query, 0)),
      ("k", Lines.entry("unuse", Lines.unuse, 1, device: audio, group: "grp=0xff110001005f7900 id=8")),
      ("q", Lines.entry("query", Lines.query, 0)),
    ]
    let told = Lines.report(events)
    #expect(told.group(7)?.final == Count(exactly: 0))
    #expect(told.group(7)?.verdict == .inconclusive)
  }

  @Test(
    "1502388004: a probe that began before the capture, and returns 0 behind a refused use, is not balanced")
  func swallowedBeforeCapture() {
    let device = "cdx-00:01"
    let own = "0xff24580882aa8840"
    func told(_ code: Int) -> Report {
      Lines.report([
        ("i", Lines.entry("use", Lines.use, 1, own: own, device: device)),
        ("i", Lines.result("use", Lines.use, -16)),
        ("i", "rp_ret: (device_driver_attach+0x24/0x4a <- really_probe) ret=\(code)"),
        ("q", Lines.entry("drelease", Lines.release, 1, own: own, device: nic)),
        ("q", Lines.entry("query", Lines.query, 0)), ("q", Lines.result("query", Lines.query, 0)),
      ])
    }
    #expect(told(0).group(7)?.verdict == .inconclusive)
    #expect(told(-16).group(7)?.verdict == .balanced)
  }
}
