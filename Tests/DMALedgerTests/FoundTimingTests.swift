import DMALedger
import TestSupport
import Testing

/// Calls that the model of the kernel found told as if they had taken effect where their lines stand.
@Suite("Found by the model of the kernel: when calls take effect")
struct FoundTimingTests {
  private typealias Lines = ProbeLines
  private typealias Event = (task: String, event: String)

  private static let owner = "0xff24580882aa8840"
  private static let claim = "iommu_group_claim_dma_owner"
  private static let release = "iommu_group_release_dma_owner"

  private static func mark(_ probe: String, _ symbol: String, _ driver: String? = nil) -> Event {
    ("i", "\(probe): (\(symbol)+0x0/0x8c) dev=\"\(nic)\"" + (driver.map { " drv=\"\($0)\"" } ?? ""))
  }

  @Test("303760002: an unuse that read 0 behind a release whose return nobody saw gave back nothing")
  func overReleaseBesideRelease() {
    let told = Lines.report([
      ("q", Lines.entry("claim", Self.claim, 0)), ("q", Lines.result("claim", Self.claim, 0)),
      ("k", Lines.entry("use", Lines.use, 1, own: Self.owner, device: nic)),
      ("k", Lines.result("use", Lines.use, -16)),
      ("r", Lines.entry("release", Self.release, 1, own: Self.owner)),
      ("k", Lines.entry("unuse", Lines.unuse, 0, device: nic)),
      ("k", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(nic)\""),
    ])
    #expect(told.findings.filter { $0.rule == .overRelease }.map(\.certainty) == [.proved])
    #expect(told.verdict == .unbalanced)
  }

  @Test("16240002: a call that the next entry of its task shows to be over came before that one")
  func overByEntry() {
    let told = Lines.report([
      ("q", Lines.entry("dclaim", Lines.claim, 0, device: nic)),
      ("q", Lines.result("dclaim", Lines.claim, 0)),
      ("q", Lines.entry("drelease", Lines.release, 1, own: Self.owner, device: nic)),
      ("k", Lines.entry("unuse", Lines.unuse, 0, device: audio)),
      ("k", Lines.entry("use", Lines.use, 0, device: audio)), ("k", Lines.result("use", Lines.use, 0)),
    ])
    #expect(told.has(.overRelease))
  }

  @Test("130129003: a release whose entry was not seen may have come before a use that was told before it")
  func releaseFromBefore() {
    let told = Lines.report([
      ("r", Lines.entry("release", Self.release, 1, own: Self.owner, group: "grp=0xff11000000de8400 id=9")),
      ("k", Lines.result("use", Lines.use, 0, "\(Lines.group) dev=\"\(nic)\" cnt=1 own=0x0")),
      ("q", Lines.result("release", Self.release, nil, "\(Lines.group) cnt=1 own=0x0")),
    ])
    #expect(!told.has(.releaseUnowned))
    #expect(told.group(7)?.initial.contains(1) == true)
    #expect(told.group(7)?.final.exact == 1)
    #expect(told.verdict == .inconclusive)
  }

  @Test("410889014: a use that names nothing is at the group of the device that is being probed")
  func useWithoutNames() {
    let told = Lines.report([
      ("q", "add_device_to_group: IOMMU: groupID=7 device=\(nic)"),
      Self.mark("rp", "really_probe", "native0"),
      ("q", Lines.entry("claim", Self.claim, 0)),
      ("i", "use: (\(Lines.use)+0x0/0x8c)"),
      // The claim has returned before the use has, and found its reference.
      ("q", Lines.result("claim", Self.claim, -1)),
      ("i", Lines.result("use", Lines.use, 0)),
      ("i", "rp_ret: (device_driver_attach+0x24/0x4a <- really_probe) ret=0 dev=\"\(nic)\""),
    ])
    #expect(told.group(7)?.final == Count(exactly: 1))
    #expect(told.group(7)?.peak == Count(exactly: 1))
    #expect(told.verdict == .balanced)
    #expect(told.findings.first { $0.rule == .notViable }?.message.contains("by right") == true)
  }

  @Test("1000481004: a call that is open at the end may come behind the last one that was entered")
  func openAtTheEnd() {
    let told = Lines.report([
      ("k", Lines.entry("unuse", Lines.unuse, 2, own: nil, device: nic)),
      ("q", Lines.entry("query", Lines.query, 2, own: nil)),
    ])
    #expect(told.group(7)?.final.contains(1) == true)
    #expect(told.group(7)?.owner != .user)
    #expect(told.verdict == .inconclusive)
  }

  @Test("1000405002: two releases of one task that read different owners are two, however quick the clock")
  func releasedTwice() {
    let first = Lines.entry("release", Self.release, 1, own: "0xff24580882aa9040")
    let second = Lines.entry("release", Self.release, 1, own: Self.owner)
    // 80 microseconds: as long as it takes two probes on one function.
    let told = Lines.report([("q", first), ("r", Lines.entry("claim", Self.claim, 0)), ("q", second)])
    #expect(told.group(7)?.changes.count { $0.call == .release } == 2)
  }

  @Test("1002583013: behind calls that wait for a release a driver may have taken one that nobody watches")
  func takenWhileOthersWait() {
    let told = Lines.report([
      ("q", Lines.entry("dclaim", Lines.claim, nil, device: nic) + " new=\(Self.owner)"),
      ("k", "unbind: (device_release_driver_internal+0x0/0x8c) dev=\"\(audio)\""),
      ("q", Lines.result("dclaim", Lines.claim, 0)),
      ("k", "devrm: (device_remove+0x0/0x8c) dev=\"\(audio)\""),
      ("r", Lines.entry("drelease", Lines.release, nil, own: Self.owner, device: nic)),
      Self.mark("rp", "really_probe", "native0"), Self.mark("devrm", "device_remove"),
      ("i", Lines.entry("unuse", Lines.unuse, nil, device: nic)),
      Self.mark("conf", "pci_dma_configure", "native0"), Self.mark("bound", "driver_bound"),
    ])
    #expect(told.group(7)?.final.contains(1) == true)
    #expect(told.verdict == .inconclusive)
  }

  @Test("703513009: what was read behind a call may be the doing of one whose line comes only behind it")
  func readBehindAnother() {
    let lines = [
      ("i", 100, Lines.entry("use", Lines.use, 0, device: audio)),
      ("i", 120, Lines.result("use", Lines.use, 0)),
      ("k", 160, Lines.entry("use", Lines.use, 1, device: nic)),
      ("k", 180, Lines.result("use", Lines.use, 0)),
      ("k", 300, Lines.entry("use", Lines.use, 2, device: nic)),
      ("k", 340, Lines.result("use", Lines.use, 0, "\(Lines.group) cnt=2")),
      ("i", 330, Lines.entry("unuse", Lines.unuse, 2, device: audio)),
    ]
    let tasks = ["k": "kworker-57 [001]", "i": "init-1 [000]"]
    let text = lines.map { " \(tasks[$0.0] ?? "") ..... 5.100\($0.1): \($0.2)\n" }.joined()
    #expect(report(on: "# tracer: nop\n" + text).group(7)?.final.contains(2) == true)
  }

  @Test(
    "1201981003: an unuse that seems to change nothing may have met a use that was overwritten",
    arguments: [true, false])
  func unuseBesideOverwritten(isOverwritten: Bool) {
    let unuse = Lines.text([
      ("r", Lines.entry("use", Lines.use, 2, device: nic)), ("r", Lines.result("use", Lines.use, 0)),
      ("r", Lines.entry("unuse", Lines.unuse, 3, device: nic)),
      ("r", Lines.result("unuse", Lines.unuse, nil, "\(Lines.group) dev=\"\(nic)\" cnt=3 own=0x0")),
    ])
    let other = "i-1 [000] ..... 6.100000: \(Lines.entry("query", Lines.query, 3))\n"
    let told = report(
      on: "# tracer: nop\n" + unuse + (isOverwritten ? "##### CPU 0 buffer started ####\n" : "") + other)
    #expect(told.has(.pasidBlockedUnuse) == !isOverwritten)
    #expect((told.verdict == .unbalanced) == !isOverwritten)
  }

  @Test(
    "701663014: an unuse that seems to change nothing may have met a use of which only the return is watched")
  func unuseBesideReturn() {
    func state(_ count: Int, _ device: String) -> String { "\(Lines.group) dev=\"\(device)\" cnt=\(count)" }
    let told = Lines.report([
      ("k", Lines.result("use", Lines.use, 0, state(1, audio))),
      ("r", Lines.result("use", Lines.use, 0, state(2, nic))),
      ("r", Lines.entry("unuse", Lines.unuse, 2, own: nil, device: nic)),
      // The use of the task below had the lock between the unuse and this reading.
      ("r", Lines.result("unuse", Lines.unuse, nil, state(2, nic))),
      ("i", Lines.result("use", Lines.use, 0, state(2, "0000:65:00.9"))),
    ])
    #expect(!told.has(.pasidBlockedUnuse))
    #expect(told.verdict == .inconclusive)
    #expect(told.group(7)?.final == Count(exactly: 2))
    #expect(told.group(7)?.changes.first { $0.call.rawValue == "unuse" }?.after.contains(1) == true)
  }

  @Test("303748014: an unuse beside a use that nothing places leaves one less than it found")
  func unuseBesideUnplacedUse() throws {
    let told = Lines.report([
      ("i", Lines.result("use", Lines.use, 0)),
      ("i", Lines.entry("unuse", Lines.unuse, 1, device: nic)),
      ("i", Lines.result("unuse", Lines.unuse, nil)),
      ("q", Lines.entry("query", Lines.query, 1)),
      ("k", Lines.result("use", Lines.use, 0)),
      ("q", Lines.result("query", Lines.query, 1)),
    ])
    let change = try #require(told.group(7)?.changes.first { $0.call.rawValue == "unuse" })
    #expect(change.before == Count(min: 1, max: 2))
    #expect(change.after == Count(min: 0, max: 1))
  }

  @Test("110681010: an unuse that changed nothing may have met a use whose return comes later")
  func unuseBesideUnseenUse() {
    let told = Lines.report([
      ("k", Lines.entry("use", Lines.use, 0, device: nic)), ("k", Lines.result("use", Lines.use, 0)),
      ("k", Lines.entry("unuse", Lines.unuse, 1, device: nic)),
      ("k", Lines.result("unuse", Lines.unuse, nil, "\(Lines.group) cnt=1 own=0x0")),
      ("i", Lines.result("use", Lines.use, 0, "\(Lines.group) dev=\"\(audio)\" cnt=1 own=0x0")),
    ])
    #expect(!told.has(.pasidBlockedUnuse))
    #expect(told.verdict == .inconclusive)
  }

  @Test("1300861014: an unuse that changed nothing may have met a use that nothing names")
  func unuseBesideNamelessUse() {
    for isOpen in [true, false] {
      let use = ("i", "use: (\(Lines.use)+0x0/0x8c)")
      let told = Lines.report(
        [
          ("k", Lines.entry("use", Lines.use, 0, device: nic)), ("k", Lines.result("use", Lines.use, 0)),
        ] + (isOpen ? [use] : []) + [
          ("k", Lines.entry("unuse", Lines.unuse, 1, device: nic)),
          ("k", Lines.result("unuse", Lines.unuse, nil, "\(Lines.group) cnt=1 own=0x0")),
        ] + (isOpen ? [] : [use]) + [("i", Lines.result("use", Lines.use, 0))])
      #expect(told.has(.pasidBlockedUnuse) == !isOpen)
      #expect(told.verdict == (isOpen ? .inconclusive : .unbalanced))
    }
  }

  @Test("1300974003: what returns in a task that uses another device's group is that one's probe")
  func probeOfAnother() {
    let told = Lines.report([
      Self.mark("rp", "really_probe", "e1000e"),
      ("i", Lines.entry("use", Lines.use, 0, device: nic)), ("i", Lines.result("use", Lines.use, 0)),
      // Here the probe ends and another one begins, in lines that are lost.
      ("i", "use: (\(Lines.use)+0x0/0x8c) dev=\"0000:65:00.0\" grp=0xff110001005f6a00 id=8 cnt=0 own=0x0"),
      ("i", Lines.result("use", Lines.use, 0)),
      (
        "i", "unuse: (\(Lines.unuse)+0x0/0x8c) dev=\"0000:65:00.0\" grp=0xff110001005f6a00 id=8 cnt=1 own=0x0"
      ),
      ("i", Lines.result("unuse", Lines.unuse, nil)),
      ("i", "rp_ret: (device_driver_attach+0x20/0x396 <- really_probe) ret=-12"),
    ])
    #expect(!told.has(.probeFailureLeak))
    #expect(told.verdict != .unbalanced)
    #expect(told.group(7)?.final.exact == 1)
  }

  @Test("934009: a call was not alone where it was entered before the one told before it returned")
  func overtaken() {
    let events: [(pid: String, time: Int, event: String)] = [
      ("kworker-57 [000]", 100, Lines.entry("use", Lines.use, 1, device: nic)),
      ("kworker-57 [000]", 180, Lines.result("use", Lines.use, 0)),
      ("init-1 [001]", 170, Lines.entry("use", Lines.use, 1, device: audio)),
      ("init-1 [001]", 200, Lines.result("use", Lines.use, 0)),
      ("init-1 [001]", 300, Lines.entry("unuse", Lines.unuse, 3, device: audio)),
      ("init-1 [001]", 400, Lines.result("unuse", Lines.unuse, nil)),
    ]
    let text = events.map { "\($0.pid) ..... 5.100\($0.time): \($0.event)\n" }.joined()
    let told = report(on: "# tracer: nop\n" + text)
    #expect(told.group(7)?.peak.exact == 3)
  }

  // MARK: Calls without a group

  @Test("20882012: a call without a group took effect at any time since its entry", arguments: [true, false])
  func unplacedUnuse(goesOn: Bool) {
    let next: [Event] = goesOn ? [("i", Lines.entry("query", Lines.query, nil, group: "id=9"))] : []
    let told = Lines.report(
      [
        ("k", Lines.entry("use", Lines.use, nil, device: nic)), ("k", Lines.result("use", Lines.use, 0)),
        ("i", "unuse: (iommu_device_unuse_default_domain+0x0/0x8c)"),
        ("k", Lines.entry("use", Lines.use, nil, device: audio)), ("k", Lines.result("use", Lines.use, 0)),
      ] + next)
    // 0 → 1 → 0 → 1 is possible.
    #expect(told.group(7)?.peak.min ?? 9 <= 1)
    #expect(told.changes.first { $0.device == audio }?.before.min == 0)
    #expect(told.group(7)?.final.min ?? 9 <= 1)
  }

  @Test(
    "300979014: where an unuse that nothing names may have been a driver's, its unbind left nothing behind")
  func unplacedUnuseOfDriver() {
    let told = Lines.report([
      ("q", Lines.entry("claim", Self.claim, 0)), ("q", Lines.result("claim", Self.claim, 0)),
      ("q", Lines.entry("release", Self.release, 1, own: Self.owner)),
      Self.mark("rp", "really_probe", "native"),
      ("i", Lines.result("use", Lines.use, 0)), Self.mark("bound", "driver_bound"),
      ("i", "rp_ret: (device_driver_attach+0x20/0x396 <- really_probe) ret=0 dev=\"\(nic)\""),
      Self.mark("devrm", "device_remove"), ("i", "unuse: (iommu_device_unuse_default_domain+0x0/0x8c)"),
      Self.mark("clean", "device_unbind_cleanup"),
    ])
    #expect(told.findings.allSatisfy { $0.severity < .error })
  }

  // MARK: Lines without a task

  @Test("549101015: a call on a group that dies has returned, whichever of the returns is its")
  func pooledCallOnDeadGroup() {
    let other = "grp=0xff11000000de8400 id=9"
    let told = report(
      on: [
        "# tracer: nop", "#", Lines.entry("claim", Self.claim, nil),
        Lines.entry("claim", Self.claim, nil, group: other), Lines.result("claim", Self.claim, 0),
        Lines.entry("release", Self.release, nil, own: Self.owner),
        Lines.result("release", Self.release, nil),
        "remove_device_from_group: IOMMU: groupID=7 device=\(nic)",
        Lines.result("claim", Self.claim, 0), "",
      ].joined(separator: "\n"))
    #expect(told.group(7)?.final.contains(0) == true)
    #expect(told.group(9)?.final.exact == 1)
  }

  @Test("88390015: what a return brought that may be an earlier call's is not told as a call's own")
  func returnOfEarlierCall() {
    let told = report(
      on: [
        "# tracer: nop", "#", Lines.entry("query", Lines.query, 0), Lines.result("query", Lines.query, 1),
        Lines.entry("claim", Self.claim, 1, group: "grp=0xff11000000de8400 id=9"),
        Lines.result("claim", Self.claim, -1), Lines.result("query", Lines.query, 0), "",
      ].joined(separator: "\n"))
    #expect(told.changes.first { $0.call == .query }?.result == nil)
    #expect(!told.findings.contains { $0.rule == .notViable && $0.group?.value == 7 })
  }

  @Test("911311014: who owns a group behind a release that left more than it can have nothing says")
  func releaseBesideUnplaced() {
    let told = Lines.report([
      ("q", Lines.entry("dclaim", Lines.claim, 0, own: nil, device: nic)),
      ("q", Lines.result("dclaim", Lines.claim, 0, "\(Lines.group) dev=\"\(nic)\" cnt=1")),
      ("r", Lines.entry("drelease", Lines.release, 1, own: nil, device: nic)),
      ("i", "use: (iommu_device_use_default_domain+0x0/0x8c)"),
      ("r", Lines.result("drelease", Lines.release, nil, "\(Lines.group) dev=\"\(nic)\" cnt=1")),
      ("i", Lines.result("use", Lines.use, 0)),
    ])
    #expect(told.group(7)?.owner == .unknown)
  }

  /// Lines of which the first `kept` stand before a mark that a CPU's buffer begins there.
  private static func overwritten(_ events: [Event], behind kept: Int) -> Report {
    let lines = Lines.text(events).split(separator: "\n")
    let text = (lines[..<kept] + ["##### CPU 0 buffer started ####"] + lines[kept...]).joined(separator: "\n")
    return report(on: "# tracer: nop\n" + text + "\n")
  }

  @Test(
    "703598004: a query that was entered among lost lines may have come before what was told before its return"
  )
  func queryFromBefore() {
    let told = Self.overwritten(
      [
        ("k", Lines.entry("unuse", Lines.unuse, nil, own: nil, device: nic)),
        ("k", Lines.result("unuse", Lines.unuse, nil)),
        ("k", Lines.entry("use", Lines.use, nil, own: nil, device: nic)),
        ("k", Lines.result("use", Lines.use, 0)),
        ("q", Lines.result("query", Lines.query, 0, Lines.group)),
        ("i", Lines.entry("unuse", Lines.unuse, nil, own: nil, device: nic)),
        ("i", Lines.result("unuse", Lines.unuse, nil)),
      ], behind: 4)
    #expect(!told.has(.overRelease))
    #expect(told.changes.last?.before.max != 0)
  }

  @Test("1397016: nor does what all orders of calls agree on hold where others are missing between them")
  func agreementAmongLosses() {
    let told = Self.overwritten(
      [
        ("r", Lines.entry("query", Lines.query, 0)),
        ("k", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"native0\""),
        ("k", Lines.entry("use", Lines.use, 0, device: nic)),
        ("k", "sysfs: (driver_sysfs_add+0x0/0x8c) dev=\"\(nic)\""),
        ("k", "rp: (really_probe+0x0/0x396) dev=\"\(nic)\" drv=\"native0\""),
        ("k", Lines.entry("use", Lines.use, 0, device: nic)),
        ("k", "sysfs: (driver_sysfs_add+0x0/0x8c) dev=\"\(nic)\""),
        ("k", Lines.entry("unuse", Lines.unuse, 1, device: nic)),
        ("k", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(nic)\""),
        ("i", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(audio)\""),
      ], behind: 9)
    // An unuse of the other CPU is missing.
    #expect(told.changes.first { $0.call == .use }?.after.contains(1) == true)
  }

  @Test("1310181016: what a call read before it is not what it found where others are missing in between")
  func readingAmongLosses() {
    let told = Self.overwritten(
      [
        ("k", Lines.entry("use", Lines.use, 1, device: nic)),
        ("k", Lines.result("use", Lines.use, 0)),
        ("i", "remove_device_from_group: IOMMU: groupID=7 device=\(audio)"),
      ], behind: 2)
    // The other device may have given back what it held.
    #expect(told.group(7)?.peak == Count(min: 1, max: nil))
  }

  @Test("1200652004: and what is missing may have come behind it")
  func lostBehindQuery() {
    let told = Self.overwritten(
      [
        ("k", Lines.entry("unuse", Lines.unuse, nil, own: nil, device: audio)),
        ("k", Lines.result("unuse", Lines.unuse, nil)),
        ("q", Lines.result("query", Lines.query, 0, Lines.group)),
      ], behind: 2)
    #expect(told.group(7)?.final == .unknown)
  }

  @Test(
    "1101662010: what a release read behind itself that was entered in another file is not all its own doing")
  func returnInNextFile() {
    let own = "0xff24580882aa9040"
    let lines = Lines.text([
      ("q", Lines.entry("dclaim", Lines.claim, 0, device: nic)),
      ("q", Lines.result("dclaim", Lines.claim, 0)),
      ("r", Lines.entry("dclaim", Lines.claim, 1, own: own, device: nic)),
      ("q", Lines.entry("drelease", Lines.release, 1, own: own, device: nic)),
      ("r", Lines.result("dclaim", Lines.claim, 0)),
      ("q", Lines.result("drelease", Lines.release, nil, "\(Lines.group) dev=\"\(nic)\" cnt=1 own=\(own)")),
    ]).split(separator: "\n", omittingEmptySubsequences: false)
    var analyzer = Analyzer()
    for part in [lines[..<5], lines[5...]] {
      let text = "# tracer: nop\n" + part.joined(separator: "\n") + "\n"
      analyzer.read(bytes: Array(text.utf8), name: "trace")
    }
    let told = analyzer.finish()
    // The claim of another owner came behind the release: 1 → 0 → 1.
    #expect(told.group(7)?.peak.min == 1)
    #expect(told.group(7)?.final.contains(1) == true)
  }

  @Test(
    "130129003: where an entry shows that entries are watched, returns before it are of calls from before the capture"
  )
  func entriesAreWatched() {
    let told = Lines.report([
      ("k", Lines.result("use", Lines.use, 0, "\(Lines.group) dev=\"\(nic)\" cnt=1 own=0x0")),
      ("q", Lines.result("release", Self.release, nil, "\(Lines.group) cnt=1 own=0x0")),
      ("k", Lines.entry("unuse", Lines.unuse, 1, device: nic)),
    ])
    #expect(!told.has(.releaseUnowned))
    #expect(told.group(7)?.initial.contains(1) == true)
  }
}
