import DMALedger
import TestSupport
import Testing

/// Captures of tracers that do not watch who takes, or who gives back: the count is open wherever that can have run.
@Suite("What nobody watches")
struct UnwatchedTests {
  private typealias Lines = ProbeLines
  private typealias Event = (task: String, event: String)

  private static func probe(_ device: String = nic, _ driver: String = "e1000e") -> Event {
    ("i", "rp: (really_probe+0x0/0x396) dev=\"\(device)\" drv=\"\(driver)\"")
  }

  private static func end(_ code: Int, _ device: String = nic) -> Event {
    ("i", "rp_ret: (device_driver_attach+0x24/0x4a <- really_probe) ret=\(code) dev=\"\(device)\"")
  }

  private static func use(_ count: Int? = nil) -> [Event] {
    [
      ("i", Lines.entry("use", Lines.use, count, own: nil, device: nic)),
      ("i", Lines.result("use", Lines.use, 0)),
    ]
  }

  private static let remove: Event = ("i", "devrm: (device_remove+0x0/0x52) dev=\"\(nic)\"")

  /// A probe that fails, and one that succeeds in two passes.
  private static let twice: [Event] =
    [probe()] + use() + [end(5), probe()] + use() + [remove] + use() + [end(0)]

  /// Another device gives back, so whoever gives back is watched.
  private static let elsewhere: [Event] = [
    ("k", Lines.entry("unuse", Lines.unuse, 1, device: audio, group: "grp=0xff110001005f7900 id=8"))
  ]

  @Test("a probe that failed and a test-remove may have given back")
  func failedProbe() {
    // On a kernel with the fix: 0 → 1 → 0 → 1 → 0 → 1.
    let told = Lines.report(Self.twice)
    let group = told.group(7)
    #expect(group?.peak.min == 1)
    #expect(group?.final == Count(min: 1, max: nil))
    #expect(group?.changes.map(\.before.min) == [0, 0, 0])
    #expect(group?.changes.map(\.after.min) == [1, 1, 1])
    #expect(group?.changes.map(\.isAfterGap) == [false, true, true])
    #expect(told.findings.filter { $0.rule == .testRemoveLeak }.map(\.certainty) == [.suspected])
  }

  @Test("once an unuse is seen, what was not seen did not run", arguments: [true, false])
  func watchedLater(isBefore: Bool) {
    let told = Lines.report(isBefore ? Self.elsewhere + Self.twice : Self.twice + Self.elsewhere)
    let group = told.group(7)
    #expect(group?.changes.map(\.after.min) == [1, 2, 3])
    #expect(group?.peak.min == 3)
    #expect(told.findings.filter { $0.rule == .testRemoveLeak }.map(\.certainty) == [.proved])
  }

  @Test("counts that are read tell what happened in between")
  func countsRead() {
    let events: [Event] = [Self.probe()] + Self.use(1) + [Self.remove] + Self.use(1) + [Self.end(0)]
    let told = Lines.report(events)
    #expect(told.group(7)?.initial.exact == 1)
    #expect(told.group(7)?.final.exact == 2)
    #expect(told.kernel.testDriverRemove != .unfixed)
    #expect(told.findings.allSatisfy { $0.severity < .error })
  }

  @Test(
    "a second bind without an unuse shows that nobody watches it, so the device may be unbound by the end")
  func boundTwice() {
    let bind: [Event] = [Self.probe()] + Self.use(0) + [Self.end(0)]
    #expect(Lines.report(bind).group(7)?.final.exact == 1)
    let told = Lines.report(bind + bind)
    #expect(told.group(7)?.final == Count(min: 0, max: 1))
    #expect(told.verdict == .inconclusive)
    // Where unbinds are seen, there was none.
    let withUnbind = Lines.report(bind + [Self.remove] + bind)
    #expect(withUnbind.group(7)?.final.exact == 1)
  }

  @Test("whoever was unbound before the count was read may have been one more")
  func unboundBefore() {
    let told = Lines.report([
      Self.remove, ("q", Lines.entry("query", Lines.query, 7)), ("q", Lines.result("query", Lines.query, 1)),
    ])
    #expect(told.group(7)?.initial == Count(min: 7, max: 8))
    #expect(told.group(7)?.final.exact == 7)
    #expect(told.group(7)?.peak.min == 7)
  }

  @Test(
    "drivers that are bound where no use is watched may have taken one in each pass",
    arguments: ["e1000e", "vfio-pci"])
  func unwatchedUse(driver: String) {
    let told = Lines.report([
      ("q", Lines.entry("query", Lines.query, 7)), ("q", Lines.result("query", Lines.query, 1)),
      Self.probe(nic, driver), Self.end(0),
    ])
    #expect(told.group(7)?.initial.exact == 7)
    // Two passes can have brought it to 9.
    #expect(told.group(7)?.final.min == 7)
    #expect((told.group(7)?.final.max ?? .max >= 9) == (driver != "vfio-pci"))
  }

  @Test("a driver that manages DMA itself gives nothing back")
  func managed() {
    let told = Lines.report([
      Self.probe(nic, "vfio-pci"), Self.end(0), ("q", Lines.entry("query", Lines.query, 7)), Self.remove,
    ])
    #expect(told.group(7)?.final.exact == 7)
  }

  @Test(
    "a reference that may have been given back unseen is no excess, and what is read behind it no balance")
  func readLater() {
    // The device lets go unseen, and something else takes one: the count is 1 again.
    let query: Event = ("q", Lines.entry("query", Lines.query, 1))
    let events: [Event] = [Self.probe()] + Self.use(0) + [Self.end(0), Self.remove, query]
    let told = Lines.report(events)
    #expect(told.group(7)?.verdict == .inconclusive)
    #expect(told.group(7)?.excess.max == 1)
    #expect(told.findings.allSatisfy { $0.severity < .error })
  }

  @Test(
    "910063013: a device that leaves its group may have given back behind a claim that was refused for it")
  func leftUnseen() {
    let told = Lines.report([
      Self.remove, ("q", Lines.entry("dclaim", Lines.claim, nil, device: nic)),
      ("q", Lines.result("dclaim", Lines.claim, -1)),
      ("k", "remove_device_from_group: IOMMU: groupID=7 device=\(nic)"),
    ])
    #expect(told.group(7)?.final.contains(0) == true)
  }

  @Test(
    "binds of a group that no call names are no balance where no use is watched",
    arguments: [[], ["add_device_to_group: IOMMU: groupID=8 device=\(nic)"]])
  func bindsWithoutCall(joins: [String]) {
    let claims: [Event] = [
      ("q", Lines.entry("query", Lines.query, 0)), ("q", Lines.result("query", Lines.query, 0)),
      ("q", Lines.entry("claim", "iommu_group_claim_dma_owner", 0)),
      ("q", Lines.result("claim", "iommu_group_claim_dma_owner", 0)),
    ]
    let told = Lines.report(claims + joins.map { ("k", $0) } + [Self.probe(), Self.end(0)])
    #expect(told.verdict == .inconclusive)
    #expect(told.reasons.contains { $0.contains("no use appears") })
  }

  @Test("a device that is named after the refusal may have held the group then", arguments: [true, false])
  func namedLater(isUnplaced: Bool) {
    // Bound before the capture; unbound, bound again and failed behind the refusal, all with its unuse.
    let unuse: [Event] = isUnplaced ? [("i", "unuse: (\(Lines.unuse)+0x0/0x8c)")] : []
    let refusal: [Event] = [
      ("q", Lines.entry("dclaim", Lines.claim, 1, device: nic)),
      ("q", Lines.result("dclaim", Lines.claim, -1)),
    ]
    let before = refusal + [Self.remove] + unuse
    let after = [Self.probe()] + Self.use() + unuse + [Self.end(517)]
    var analyzer = Analyzer()
    analyzer.read(bytes: Array(("# tracer: nop\n" + Lines.text(before + after)).utf8), name: "trace")
    analyzer.read(bytes: Array("\(nic) group=7 driver=\n".utf8), name: "listing")
    let told = analyzer.finish()
    #expect(told.verdict == .inconclusive)
    #expect(told.findings.allSatisfy { $0.severity < .error })
  }

  /// What the function tracer shows of a function, and behind it what a probe does.
  private static func twice(_ function: String, _ pointer: String, _ probe: Event) -> [Event] {
    [("i", "\(function)\(pointer) <-device_driver_attach"), probe]
  }

  @Test(
    "what two observers saw bears on the device that one of them names, and on no other",
    arguments: ["", "(dev=0xff110001005f2000)"])
  func namedBySecond(pointer: String) {
    let owner: [Event] = [
      ("q", Lines.entry("dclaim", Lines.claim, 0, device: nic)),
      ("q", Lines.result("dclaim", Lines.claim, 0)),
    ]
    // VFIO holds no reference of its own: what is bound and unbound here moves nothing.
    let told = Lines.report(
      owner + Self.twice("really_probe", pointer, Self.probe(nic, "vfio-pci")) + [Self.end(0)]
        + Self.twice("device_remove", pointer, Self.remove)
        + [("q", Lines.entry("query", Lines.query, 1)), ("q", Lines.result("query", Lines.query, 1))])
    #expect(told.group(7)?.changes.map(\.isAfterGap) == [false, false])
    #expect(told.group(7)?.changes.map(\.call) == [.deviceClaim, .query])
    #expect(told.group(7)?.final.exact == 1)
  }

  // MARK: When it runs

  private static func query(_ count: Int?, _ code: Int) -> [Event] {
    [("q", Lines.entry("query", Lines.query, count)), ("q", Lines.result("query", Lines.query, code))]
  }

  @Test("110569011: a driver that is being removed may give back behind a call that still read its reference")
  func removedDuringQuery() {
    let named = Lines.report([Self.probe()] + Self.use(0) + [Self.end(0), Self.remove] + Self.query(1, 1))
    #expect(named.group(7)?.final == Count(min: 0, max: 1))
    // The task went on before: by then it has given back.
    let later = Lines.report(
      [Self.probe()] + Self.use(0) + [Self.end(0), Self.remove, Self.probe(audio, "vfio-pci")]
        + Self.query(1, 1))
    #expect(later.group(7)?.final == Count(exactly: 1))
  }

  @Test("130111013: so it may behind one that is open while the driver is removed")
  func removedBesideQuery() {
    let told = Lines.report(
      [Self.probe()] + Self.use(0) + [
        Self.end(0), ("i", "unbind: (device_release_driver_internal+0x0/0x52) dev=\"\(nic)\""),
        Self.query(1, 1)[0], Self.remove, ("i", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(nic)\""),
        Self.query(1, 1)[1],
      ])
    #expect(told.group(7)?.final == Count(min: 0, max: 1))
  }

  @Test("130044013: a device that is used anew may have given back before, whoever else comes to its group")
  func usedAnewBesideOthers() {
    let other: [Event] = [
      ("k", Lines.entry("use", Lines.use, nil, own: nil, device: audio)),
      ("k", Lines.result("use", Lines.use, 0)),
    ]
    let told = Lines.report(
      [Self.probe()] + Self.use() + [other[0]] + Self.use() + [other[1], Self.end(0)])
    // 0 → 1 → 0 → 1 → 2
    #expect(told.group(7)?.final.min ?? .max <= 2)
    #expect(told.group(7)?.peak.min ?? .max <= 2)
  }

  @Test("70342013: the first pass of a probe may have given back as soon as its driver was removed")
  func removedInProbe() {
    let told = Lines.report(
      [Self.probe()] + Self.use() + [
        Self.remove, ("k", Lines.entry("use", Lines.use, nil, own: nil, device: audio)),
        ("k", Lines.result("use", Lines.use, 0)),
      ])
    #expect(told.group(7)?.peak.min == 1)
  }

  @Test("1001013: whoever held a group before the capture may be gone, and how many they were nobody knows")
  func othersBefore() {
    let told = Lines.report(Self.use() + Self.query(nil, 0))
    #expect(told.group(7)?.initial == Count(min: 0, max: nil))
  }

  @Test("912808013: what a call read behind itself may be what a driver left that gave back meanwhile")
  func readBehindUnuse() {
    let told = Lines.report([
      ("i", Lines.entry("use", Lines.use, 4, device: nic)),
      ("i", Lines.result("use", Lines.use, 0, "\(Lines.group) dev=\"\(nic)\" cnt=5 own=0x0")),
      ("i", "unbind: (device_release_driver_internal+0x0/0x8c) dev=\"\(nic)\""),
      ("i", "dclean: (pci_dma_cleanup+0x0/0x8c) dev=\"\(nic)\""),
      ("k", Lines.entry("use", Lines.use, 5, device: audio)),
      ("k", Lines.result("use", Lines.use, 0, "\(Lines.group) dev=\"\(audio)\" cnt=5 own=0x0")),
      ("i", "clean: (device_unbind_cleanup+0x0/0x8c) dev=\"\(nic)\""),
    ])
    // 5 → 6 → 5
    #expect(told.group(7)?.peak.exact == 6)
    #expect(told.group(7)?.final.max == 5)
    #expect(told.group(7)?.reasons.contains { $0.contains("contradicts") } == false)
  }

  @Test("1002479013: a driver gives back in the hook of its bus what nobody saw it take")
  func unseenUseAndUnuse() {
    let told = Lines.report([
      Self.probe(), ("q", Lines.entry("dclaim", Lines.claim, nil, own: nil, device: audio)),
      ("q", Lines.result("dclaim", Lines.claim, -1)),
      ("i", "rp: (really_probe+0x0/0x8c) dev=\"\(audio)\" drv=\"native1\""),
      ("i", "dclean: (pci_dma_cleanup+0x0/0x8c) dev=\"\(audio)\""),
    ])
    #expect(told.group(7)?.final.min == 0)
  }
}
