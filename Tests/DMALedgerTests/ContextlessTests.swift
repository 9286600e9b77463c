import DMALedger
import TestSupport
import Testing

/// Captures with the option `context-info` off: no line says whose it is. Each story is told with the truth beside it.
@Suite("Lines without task, CPU and time")
struct ContextlessTests {
  private typealias Lines = ProbeLines

  private static let other = "0000:04:00.0"
  private static let groupOfOther = "grp=0xff11000000de8400 id=9"
  private static let owner = "0xff24580882aa8840"

  private static func told(_ events: [String]) -> Report {
    report(on: "# tracer: nop\n#\n" + events.map { $0 + "\n" }.joined())
  }

  private static func mark(_ probe: String, _ symbol: String, _ device: String, driver: String? = nil)
    -> String
  {
    "\(probe): (\(symbol)+0x0/0x8c) dev=\"\(device)\"" + (driver.map { " drv=\"\($0)\"" } ?? "")
  }
  private static func probe(_ device: String) -> String {
    mark("rp", "really_probe", device, driver: "native")
  }
  private static func bound(_ device: String) -> String { mark("bound", "driver_bound", device) }
  private static func use(_ device: String, _ count: Int?, own: String = "0x0", group: String = Lines.group)
    -> String
  {
    Lines.entry("use", Lines.use, count, own: own, device: device, group: group)
  }
  private static func unuse(_ device: String, _ count: Int?, group: String = Lines.group) -> String {
    Lines.entry("unuse", Lines.unuse, count, device: device, group: group)
  }
  private static func used(_ code: Int) -> String { Lines.result("use", Lines.use, code) }
  private static func probed(_ code: Int) -> String { Lines.result("rp", "really_probe", code) }

  @Test("two uses of two groups that both succeed are told apart by nothing and read exactly")
  func sameCodes() {
    let told = Self.told([
      Self.probe(nic), Self.probe(Self.other), Self.use(nic, 0),
      Self.use(Self.other, 0, group: Self.groupOfOther), Self.used(0), Self.used(0), Self.bound(Self.other),
      Self.bound(nic), Self.probed(0), Self.probed(0),
    ])
    #expect(told.group(7)?.final == Count(exactly: 1))
    #expect(told.group(9)?.final == Count(exactly: 1))
    #expect(told.changes.map(\.result) == [0, 0])
    #expect(told.verdict == .balanced)
  }

  @Test("a function line that names nothing and a probe that names the group are one call, of no device")
  func functionBesideProbe() {
    let told = Self.told([
      "iommu_group_claim_dma_owner <-vfio_container_attach_group",
      "claim: (iommu_group_claim_dma_owner+0x0/0x1a0) \(Lines.group) cnt=0",
      Lines.result("claim", "iommu_group_claim_dma_owner", 0),
    ])
    #expect(told.group(7)?.changes.map(\.call) == [.claim])
    #expect(told.group(7)?.final == Count(exactly: 1))
    #expect(told.unattributed.total == 0)
  }

  @Test("which of two uses was refused is not told, and what rests on it is not proved")
  func differentCodes() {
    // Truth: one of the groups is used once, the other not at all.
    let told = Self.told([
      Self.use(nic, 0), Self.use(Self.other, 0, group: Self.groupOfOther), Self.used(0), Self.used(-16),
    ])
    for id in [7, 9] {
      #expect(told.group(id)?.final.contains(0) == true)
      #expect(told.group(id)?.final.contains(1) == true)
    }
    #expect(told.changes.map(\.result) == [nil, nil])
    #expect(told.verdict == .inconclusive)
    #expect(told.has(.evidenceLost))
    #expect(!told.findings.contains { $0.severity == .error })
  }

  @Test("a driver that was bound is not the one whose use was refused in the probe beside it")
  func refusalBesideBind() {
    // Truth: the first probe fails with its use; the second one takes a reference and binds.
    let told = Self.told([
      Self.probe(audio), Self.probe(nic), Self.use(audio, 1, own: Self.owner), Self.used(-16),
      Lines.entry("release", "iommu_group_release_dma_owner", 1, own: Self.owner),
      Self.mark("clean", "device_unbind_cleanup", audio), Self.probed(-16), Self.use(nic, 0), Self.used(0),
      Self.bound(nic), Self.probed(0),
    ])
    #expect(!told.has(.swallowedUseError))
    #expect(told.group(7)?.final == Count(exactly: 1))
    #expect(told.group(7)?.devices.first { $0.name == nic }?.isBound == true)
    #expect(told.group(7)?.devices.first { $0.name == audio }?.isBound != true)
  }

  @Test("a probe that ends inside another one does not end that, and its test-remove is no unbind")
  func windowBesideTestRemove() {
    // Truth: the kernel gives nothing back between two passes, so that 1 is left behind; nobody unbinds.
    let told = Self.told([
      Self.probe(Self.other), Self.use(Self.other, 0, group: Self.groupOfOther), Self.used(0),
      Self.probe(nic),
      Self.use(nic, 0), Self.used(0), Self.bound(Self.other), Self.probed(0),
      Self.mark("devrm", "device_remove", nic), Self.mark("clean", "device_unbind_cleanup", nic),
      Self.use(nic, 1), Self.used(0), Self.bound(nic), Self.probed(0),
      Self.mark("unbind", "device_release_driver_internal", nic), Self.mark("devrm", "device_remove", nic),
      Self.unuse(nic, 2), Self.mark("clean", "device_unbind_cleanup", nic),
    ])
    #expect(!told.has(.unbindLeak))
    #expect(told.findings.filter { $0.rule == .testRemoveLeak }.map(\.device) == [nic])
    #expect(told.group(7)?.final == Count(exactly: 1))
    #expect(told.group(9)?.verdict == .balanced)
  }

  @Test("an unuse may have run behind the line of another task that stands behind its entry")
  func unuseBesideUnuse() {
    // Truth: 3 to 1: both read the count before either had the lock.
    let told = Self.told([
      Self.unuse(nic, 3), Self.mark("devrm", "device_remove", audio), Self.unuse(audio, 3),
      Self.mark("clean", "device_unbind_cleanup", audio), Self.mark("clean", "device_unbind_cleanup", nic),
    ])
    #expect(told.group(7)?.initial == Count(exactly: 3))
    #expect(told.group(7)?.final.contains(1) == true)
  }

  @Test("a question is answered by one of the returns behind it, and the claim in between is another's")
  func queryBesideClaim() {
    // Truth: the first task hears 0 and claims; the second one hears 1 and is refused.
    func query(_ own: String, _ count: Int) -> String { Lines.entry("query", Lines.query, count, own: own) }
    func claim(_ own: String, _ count: Int) -> String {
      Lines.entry("claim", "iommu_group_claim_dma_owner", count, own: own) + " new=\(Self.owner)"
    }
    let told = Self.told([
      query("0x0", 0), query("0x0", 0), Lines.result("query", Lines.query, 0), claim("0x0", 0),
      Lines.result("claim", "iommu_group_claim_dma_owner", 0), Lines.result("query", Lines.query, 1),
      claim(Self.owner, 1), Lines.result("claim", "iommu_group_claim_dma_owner", -1),
    ])
    #expect(told.group(7)?.final == Count(exactly: 1))
    #expect(told.group(7)?.owner == .user)
    for query in told.changes where query.call == .query { #expect(query.result == nil) }
    #expect(told.changes.filter { $0.call == .claim }.map(\.result) == [0, -1])
  }

  @Test("the return of a call that began before the capture may have been taken for another's")
  func callBeforeCapture() {
    // Truth: the first return is that of a use nobody saw entered; the use in the capture is refused.
    let told = Self.told([Self.use(nic, 1), Self.used(0), Self.used(-16)])
    #expect(told.group(7)?.final.contains(1) == true)
    #expect(told.group(7)?.verdict == .inconclusive)
    #expect(!told.findings.contains { $0.severity == .error })
  }

  @Test("the return of a probe from before the capture is that of the one that had come to its end")
  func probeBeforeCapture() {
    // Truth: the probe of the other device fails; that of the nic is removed for a test, and fails in its second pass.
    func configure(_ device: String) -> [String] {
      [
        Self.mark("conf", "pci_dma_configure", device, driver: "native"),
        Self.mark("sysfs", "driver_sysfs_add", device),
      ]
    }
    func giveBack(_ device: String) -> [String] {
      [Self.mark("dclean", "pci_dma_cleanup", device), Self.mark("clean", "device_unbind_cleanup", device)]
    }
    func remove(_ device: String) -> String { Self.mark("devrm", "device_remove", device) }
    let told = Self.told(
      [Self.probe(nic), Self.use(nic, 0)] + configure(Self.other) + [Self.used(0)] + configure(nic)
        + [remove(Self.other)] + giveBack(Self.other) + [Self.probed(-12), remove(nic), Self.unuse(nic, 1)]
        + giveBack(nic) + [Self.use(nic, 0), Self.used(0)] + configure(nic) + [Self.unuse(nic, 1)]
        + giveBack(nic) + [Self.probed(-12)])
    #expect(!told.findings.contains { $0.severity == .error })
    #expect(told.group(7)?.final == Count(exactly: 0))
    #expect(told.group(7)?.verdict == .balanced)
  }

  @Test("a return that may be of a probe from before the capture ends no other one")
  func probeThatMayBeBeforeCapture() {
    // Truth: the return is that of the probe of the other device; nobody watches what runs at the end of those that fail.
    let told = Self.told([
      Self.probe(nic), Self.use(nic, 0), Self.used(0), Self.mark("sysfs", "driver_sysfs_add", Self.other),
      Self.probed(-12), Self.bound(nic), Self.probed(0),
    ])
    #expect(!told.findings.contains { $0.severity == .error })
    #expect(told.group(7)?.final == Count(exactly: 1))
    #expect(told.group(7)?.verdict == .balanced)
  }

  @Test("a task alone is read exactly, its unuses too, whose returns nobody watches")
  func alone() {
    let told = Self.told([
      Self.probe(nic), Self.use(nic, 0), Self.used(0), Self.bound(nic), Self.probed(0),
      Self.mark("unbind", "device_release_driver_internal", nic), Self.unuse(nic, 1),
      Self.mark("clean", "device_unbind_cleanup", nic), Lines.entry("query", Lines.query, 0),
      Lines.result("query", Lines.query, 0), Lines.entry("claim", "iommu_group_claim_dma_owner", 0),
      Lines.result("claim", "iommu_group_claim_dma_owner", 0),
    ])
    #expect(told.changes.map { $0.before.exact } == [0, 1, 0, 0])
    #expect(told.changes.map { $0.after.exact } == [1, 0, 0, 1])
    #expect(told.group(7)?.owner == .user)
    #expect(told.verdict == .balanced)
  }

  @Test("a function line with two arguments is a call, however far to the right its caller stands")
  func longFunctionLine() {
    let told = Self.told([
      "iommu_group_claim_dma_owner(group=0xff11000000de8400, owner=0xff24580882aa8840) <-vfio_container_attach_group+0x87/0x150",
      "iommu_group_release_dma_owner(group=0xff11000000de8400) <-vfio_group_detach_container+0x87/0x150",
    ])
    #expect(told.unparsedLines == 0)
    #expect(told.changes.map(\.call) == [.claim, .release])
  }

  @Test("function lines and probes on the same calls are one call each, whoever ran them")
  func twoObservers() {
    func line(_ symbol: String, _ caller: String) -> String { "\(symbol) <-\(caller)" }
    let told = Self.told([
      line("really_probe", "device_driver_attach"), Self.probe(nic),
      line("really_probe", "device_driver_attach"), Self.probe(Self.other), line(Lines.use, "really_probe"),
      Self.use(Self.other, 0, group: Self.groupOfOther), line(Lines.use, "really_probe"), Self.use(nic, 0),
      Self.used(0), Self.used(0), Self.bound(nic), Self.bound(Self.other), Self.probed(0), Self.probed(0),
    ])
    #expect(told.group(7)?.final == Count(exactly: 1))
    #expect(told.group(9)?.final == Count(exactly: 1))
    #expect(told.changes.count == 2)
    #expect(told.kernel.windows == 2)
    #expect(told.unattributed.total == 0)
  }
}
