import DMALedger
import TestSupport
import Testing

/// Captures and logs of more than one boot.
@Suite("Boots")
struct BootTests {
  private func incident(_ files: [(name: String, text: String)]) -> Report {
    var analyzer = Analyzer()
    for file in files { analyzer.read(bytes: Array(file.text.utf8), name: file.name) }
    return analyzer.finish()
  }

  private func sample(_ name: String) throws -> String {
    String(decoding: try Checkout.bytes("samples/" + name), as: UTF8.self)
  }

  /// What is said of each group, apart from its place in the capture.
  private func facts(_ groups: [GroupReport]) -> [String] {
    groups.map {
      "\($0.id?.value ?? -1) \($0.verdict) \($0.initial) \($0.final) \($0.peak) \($0.excess) \($0.changes.count)"
    }
  }

  @Test(
    "two boots in one file are judged as if each stood alone",
    arguments: [
      ("6.1-unfixed-late-probes", "6.1-fixed-late-probes", Verdict.unbalanced),
      ("6.1-unfixed-late-probes", "6.1-unfixed-boot-function+probes", .unbalanced),
      ("6.1-fixed-late-probes", "6.1-fixed-late-probes", .balanced),
    ])
  func twoTraces(_ first: String, _ second: String, _ verdict: Verdict) throws {
    let texts = [try sample(first + "/trace.txt"), try sample(second + "/trace.txt")]
    let alone = texts.map { report(on: $0) }
    let both = report(on: texts.joined())
    #expect(both.verdict == verdict)
    #expect(both.groups.count == alone[0].groups.count + alone[1].groups.count)
    #expect(facts(both.groups).sorted() == (facts(alone[0].groups) + facts(alone[1].groups)).sorted())
    for group in alone[0].groups {
      let heir = both.groups.filter { $0.id == group.id && $0.incarnation == group.incarnation }
      #expect(facts(heir) == facts([group]))
    }
    #expect(both.diagnostics.contains { $0.message.contains("another boot begins here") })
    for rule in [Rule.testRemoveLeak, .notViable, .nativeBindRefused, .excessCount] {
      #expect(
        both.findings.count { $0.rule == rule }
          == alone.reduce(0) { $0 + $1.findings.count { $0.rule == rule } }, "\(rule)")
    }
    #expect(both.kernel.windows == alone[0].kernel.windows + alone[1].kernel.windows)
  }

  @Test("kernels of different boots do not speak for each other")
  func differentKernels() throws {
    let both = report(
      on: try sample("6.1-unfixed-late-probes/trace.txt") + sample("6.1-fixed-late-probes/trace.txt"))
    // The fixed kernel gives back; that does not doubt the leaks of the other one.
    #expect(both.findings.filter { $0.rule == .testRemoveLeak }.count == 4)
    #expect(both.findings.filter { $0.rule == .testRemoveLeak }.allSatisfy { $0.certainty == .proved })
    #expect(both.kernel.testDriverRemove == .unknown)
  }

  @Test(
    "one damaged time is no boot, in whichever direction it is wrong", arguments: ["1.000000", "9999.000000"])
  func strayTime(_ time: String) {
    var lines = OwnershipHistory.balanced.text(.defaultLines).split(separator: "\n").map(String.init)
    lines.insert(
      "            bash-112     [000] ...1.     \(time): query: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=7 cnt=0",
      at: 3)
    let told = report(on: lines.joined(separator: "\n") + "\n")
    #expect(told.groups.allSatisfy { $0.incarnation == 0 })
    #expect(told.verdict == .inconclusive)
    #expect(!told.diagnostics.contains { $0.message.contains("another boot") })
  }

  @Test("pid 1 that is the idle task again is another boot, even if its clock is later")
  func swapper() {
    func boot(_ comm: String, _ second: Int) -> String {
      """
               \(comm)-1     [000] .....    \(second).000100: use: (iommu_device_use_default_domain+0x0/0x8c) dev="0000:00:03.0" drv="e1000e" grp=0xff11000000de8400 id=2 cnt=0 own=0x0
               \(comm)-1     [000] .....    \(second).000200: use_ret: (really_probe+0x120/0x396 <- iommu_device_use_default_domain) ret=0

      """
    }
    let told = report(on: boot("systemd", 12) + boot("swapper/0", 40))
    #expect(told.groups.map(\.incarnation) == [0, 1])
    #expect(told.groups.map(\.final) == [Count(exactly: 1), Count(exactly: 1)])
    #expect(!told.findings.contains { $0.rule == .evidenceLost })
  }

  @Test("a trace of two boots is joined with a log of two boots, each with its own")
  func bothOfTwo() {
    let first = ProbeStory(
      [
        .init("0000:00:03.0", "e1000e", at: 21_300_000),
        .init("0000:02:01.0", "e1000", at: 24_713_000, length: 411_000),
      ], groups: [("0000:00:03.0", 1), ("0000:02:01.0", 9)])
    let second = ProbeStory(
      [
        .init("0000:04:00.0", "nvme", at: 11_300_000, length: 211_000),
        .init("0000:00:03.0", "e1000e", at: 14_513_000, length: 333_000),
      ], groups: [("0000:00:03.0", 2), ("0000:04:00.0", 1)])
    let told = incident([
      ("trace.txt", first.trace() + second.trace()),
      ("dmesg.txt", first.log(release: "6.1.30") + second.log(release: "6.1.31")),
    ])
    let leaks = told.findings.filter { $0.rule == .testRemoveLeak && $0.certainty == .consistent }.map {
      "\($0.group?.value ?? -1)/\($0.incarnation ?? -1) \($0.device ?? "?")"
    }
    #expect(
      leaks.sorted() == ["1/0 0000:00:03.0", "1/1 0000:04:00.0", "2/0 0000:00:03.0", "9/0 0000:02:01.0"])
  }

  @Test("a clock that jumps to and fro without end is broken, and bounded")
  func brokenClock() {
    var text = ""
    for number in 0..<4_000 {
      let second = number % 4 < 2 ? 900 : 100
      text +=
        "            bash-112     [000] ...1.     \(second).\(String(number + 100_000)): query: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=7 cnt=0\n"
    }
    let told = report(on: text)
    #expect(told.verdict == .inconclusive)
    #expect(told.groups.count <= 257)
    #expect(told.diagnostics.count < 600)
  }

  // MARK: Files of something else

  @Test("a listing of another machine is noticed and not used")
  func foreignListing() throws {
    let trace = try sample("6.1-unfixed-late-probes/trace.txt")
    let told = incident([
      ("trace.txt", trace),
      ("groups.txt", "0000:00:03.0 group=4 driver=e1000e\n0000:00:09.0 group=9 driver=nvme\n"),
    ])
    #expect(
      told.diagnostics.contains {
        $0.level == .warning && $0.message.contains("the listing puts 0000:00:03.0")
      })
    #expect(!told.groups.contains { $0.devices.contains { $0.name == "0000:00:09.0" } })
    #expect(!told.findings.contains { $0.rule == .excessCount })
  }

  @Test("a log that puts devices elsewhere is noticed and not used")
  func foreignLog() throws {
    let trace = try sample("6.1-unfixed-late-probes/trace.txt")
    let told = incident([
      ("trace.txt", trace),
      (
        "dmesg.txt",
        "[    1.000000] pci 0000:00:03.0: Adding to iommu group 4\n[    1.000001] pci 0000:00:09.0: Adding to iommu group 1\n"
      ),
    ])
    #expect(
      told.diagnostics.contains { $0.message.contains("the kernel log puts 0000:00:03.0 into group 4") })
    #expect(!told.groups.contains { $0.devices.contains { $0.name == "0000:00:09.0" } })
  }

  @Test("a log that fits nothing in a trace with names is told")
  func unfittingLog() throws {
    let told = incident([
      ("trace.txt", try sample("6.1-unfixed-late-probes/trace.txt")),
      (
        "dmesg.txt",
        """
        [   47.100000] bus: 'pci': really_probe: probing driver tg3 with device 0000:07:00.0
        [   48.200000] bus: 'pci': really_probe: probing driver tg3 with device 0000:07:00.1
        [   52.300000] bus: 'pci': really_probe: probing driver tg3 with device 0000:07:00.2

        """
      ),
    ])
    #expect(told.diagnostics.contains { $0.message.contains("nothing was taken from the log") })
    let same = incident([
      ("trace.txt", try sample("6.1-fixed-late-probes/trace.txt")),
      ("dmesg.txt", try sample("6.1-fixed-late-probes/dmesg.txt")),
    ])
    // Its clock is local, and its kernel did not say what lies between.
    #expect(
      same.diagnostics.contains { $0.message.contains("14 of 14 really_probe() windows fit its lines") })
    #expect(same.diagnostics.contains { $0.message.contains("clock offset -0.1455") })
  }

  @Test("a listing and a log that contradict each other are told")
  func listingAgainstLog() {
    let told = incident([
      ("dmesg.txt", "[    1.000000] pci 0000:00:03.0: Adding to iommu group 4\n"),
      ("groups.txt", "0000:00:03.0 group=1 driver=e1000e\n"),
      ("vmm.log", "qemu: -device vfio-pci,host=0000:00:03.0: vfio 0000:00:03.0: group 4 is not viable\n"),
    ])
    #expect(told.diagnostics.contains { $0.message.contains("the listing puts 0000:00:03.0 into group 1") })
    #expect(told.verdict == .inconclusive)
  }
}
