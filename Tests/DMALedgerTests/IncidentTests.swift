import DMALedger
import TestSupport
import Testing

/// Everything an engineer has on the desk: trace, kernel log, the log of the program that asked, a listing.
@Suite("Incidents of several files")
struct IncidentTests {
  private func report(_ folder: String, _ files: String...) throws -> Report {
    var analyzer = Analyzer()
    for file in files {
      analyzer.read(bytes: try Checkout.bytes("samples/\(folder)/\(file)"), name: file)
    }
    return analyzer.finish()
  }

  private func reportOn(_ texts: String...) -> Report { TestSupport.report(onFiles: texts) }

  private func leaks(_ report: Report) -> [String] {
    report.findings.filter { $0.rule == .testRemoveLeak && $0.certainty > .suspected }.map {
      "\($0.group?.value ?? -1) \($0.device ?? "?") \($0.driver ?? "?") \($0.certainty)"
    }.sorted()
  }

  @Test(
    "a names-only trace takes device, driver and group of every leak from the log",
    arguments: ["7.3-unfixed-late-function", "7.3-unfixed-late-graph-retval"])
  func namedByLog(_ folder: String) throws {
    let joined = try report(folder, "dmesg.txt", "trace.txt")
    #expect(
      leaks(joined) == [
        "1 0000:00:03.0 e1000e consistent", "9 0000:02:01.0 e1000 consistent",
        "9 0000:02:02.0 e1000 consistent",
        "9 0000:02:02.0 e1000 consistent",
      ])
    #expect(joined.verdict == .unbalanced)
    #expect(joined.kernel.release == "7.3.4")
    // Names prove no count: an unbind that nothing names may have come any time.
    #expect(joined.groups.allSatisfy { $0.final == .unknown })
    #expect(leaks(try report(folder, "trace.txt")) == [])
  }

  @Test("a fixed kernel's log makes no leak of its two passes")
  func fixedKernel() throws {
    let joined = try report("7.3-fixed-late-function", "dmesg.txt", "trace.txt")
    #expect(leaks(joined) == [])
    #expect(joined.verdict == .inconclusive)
    #expect(joined.kernel.testDriverRemove == .fixed)
  }

  @Test("the log of another boot names nothing")
  func anotherBoot() throws {
    var analyzer = Analyzer()
    analyzer.read(bytes: try Checkout.bytes("samples/7.3-fixed-late-function/dmesg.txt"), name: "dmesg.txt")
    analyzer.read(bytes: try Checkout.bytes("samples/7.3-unfixed-late-function/trace.txt"), name: "trace.txt")
    let joined = analyzer.finish()
    #expect(leaks(joined) == [])
    #expect(joined.diagnostics.contains { $0.message.contains("do not fit") })
  }

  @Test("files in any order say the same")
  func anyOrder() throws {
    let first = try report("7.3-unfixed-late-function", "dmesg.txt", "trace.txt", "vmm.log", "groups.txt")
    let second = try report("7.3-unfixed-late-function", "groups.txt", "vmm.log", "trace.txt", "dmesg.txt")
    #expect(leaks(first) == leaks(second))
    #expect(first.verdict == second.verdict)
    #expect(first.findings.map(\.message) == second.findings.map(\.message))
  }

  @Test("a listing accounts for every member, so that what is left was leaked")
  func excessByListing() throws {
    let late: Report = try report("6.1-unfixed-late-probes", "trace.txt", "groups.txt")
    let excess = late.findings.filter { $0.rule == .excessCount }
    #expect(excess.map { $0.group?.value } == [1, 9])
    // Of group 9 the listing shows a bridge without driver, which may have held one by right.
    #expect(excess.map(\.excess) == [7, 19])
    #expect(late.findings.filter { $0.rule == .notViable }.allSatisfy { $0.cause == "leak" })
    // A listing of another kernel's end, where the device has another driver, accounts for nothing.
    let trace = String(
      decoding: try Checkout.bytes("samples/6.1-unfixed-late-probes/trace.txt"), as: UTF8.self)
    let other = reportOn(trace, "0000:00:03.0 group=1 driver=vfio-pci\n")
    #expect(!other.findings.contains { $0.rule == .excessCount })
  }

  @Test("a balanced capture stays balanced with everything on the desk")
  func everything() throws {
    let all = try report("6.1-fixed-late-probes", "trace.txt", "dmesg.txt", "vmm.log", "groups.txt")
    #expect(all.verdict == .balanced)
    let asked = all.findings.filter { $0.rule == .notViable }
    #expect(asked.map(\.cause) == ["holder"])
    #expect(asked.first?.evidence.contains { $0.text.contains("group 9 is not viable") } == true)
  }

  @Test(
    "each file alone is understood and proves nothing",
    arguments: ["dmesg.txt", "vmm.log", "groups.txt"])
  func alone(_ file: String) throws {
    let alone = try report("7.3-unfixed-late-function", file)
    #expect(alone.verdict == .inconclusive)
    #expect(alone.understoodAnything)
    #expect(alone.sources[0].unparsed.isEmpty)
    #expect(alone.findings.allSatisfy { $0.severity < .error })
  }

  @Test(
    "a refusal is told in every wording",
    arguments: [
      "qemu-system-x86_64: -device vfio-pci,host=01:00.0: vfio: error, group 45 is not viable, please ensure all "
        + "devices within the iommu_group are bound to their vfio bus driver.",
      "qemu-system-x86_64: -device vfio-pci,host=01:00.0,multifunction=on: vfio error: 0000:01:00.0: group 45 is not "
        + "viable",
      "qemu-kvm: -device vfio-pci,host=0000:01:00.0,id=ua-gpu1,bus=pci.5,addr=0x0: vfio 0000:01:00.0: group 45 is not "
        + "viable",
      "2021-11-03T08:06:48.563014Z qemu-kvm: -device {\"driver\":\"vfio-pci\",\"host\":\"0000:01:00.0\"}: vfio "
        + "0000:01:00.0: group 45 is not viable",
      "internal error: qemu unexpectedly closed the monitor: 2021-11-03T08:06:48Z qemu-kvm: -device vfio-pci: vfio "
        + "0000:01:00.0: group 45 is not viable",
      "qemu: vfio 0000:01:00.0: failed to setup container for group 45: Failed to set group container: Operation not "
        + "permitted",
    ])
  func refusals(_ line: String) {
    let told = reportOn(line + "\n")
    #expect(told.findings.filter { $0.rule == .notViable }.map { $0.group?.value } == [45])
    #expect(told.verdict == .inconclusive)
  }

  @Test(
    "a listing is read in every form",
    arguments: [
      "/sys/kernel/iommu_groups/45/devices/0000:01:00.0\n/sys/kernel/iommu_groups/45/devices/0000:01:00.1\n",
      "0000:01:00.0 group=45 driver=vfio-pci\n0000:01:00.1 group=45 driver=snd_hda_intel\n",
      "IOMMU Group 45 01:00.0 VGA compatible controller [0300]: X [10de:1b80]\n"
        + "IOMMU Group 45 01:00.1 Audio device [0403]: X [10de:10f0]\n",
      "IOMMU Group 45:\n\t01:00.0 VGA compatible controller [0300]: X [10de:1b80]\n"
        + "\t01:00.1 Audio device [0403]: X [10de:10f0]\n",
    ])
  func listings(_ text: String) {
    let told = reportOn("vfio 0000:01:00.0: group 45 is not viable\n" + text)
    let group = told.groups.first { $0.id?.value == 45 }
    #expect(group?.devices.map(\.name).sorted() == ["0000:01:00.0", "0000:01:00.1"])
  }

  @Test("a native sibling in the listing is named as the holder")
  func holderByListing() {
    let told = reportOn(
      "vfio 0000:01:00.0: group 45 is not viable\n"
        + "IOMMU Group 45 01:00.0 VGA compatible controller\n\tKernel driver in use: vfio-pci\n"
        + "IOMMU Group 45 01:00.1 Audio device\n\tKernel driver in use: snd_hda_intel\n")
    let finding = told.findings.first { $0.rule == .notViable }
    #expect(finding?.cause == "holder")
    #expect(finding?.device == "0000:01:00.1" && finding?.driver == "snd_hda_intel")
  }

  @Test(
    "a kernel log line is told apart from its prefix in every dialect",
    arguments: [
      "[    5.140900] ", "<6>[    5.140900] ", "[    5.140900] [    T1] ", "[    5.140900][    T1] ",
      "kern  :info  : [    5.140900] ", "[Sun Nov 22 07:49:15 2026] ",
      "[Sun Nov 22 07:49:15 2026 <   14.300000>] ",
      "2026-11-22T07:49:15,990716+00:00 ", "kern  :info  : 2026-11-22T08:15:01,000000+00:00 ",
      "[<   14.300000>] ",
      "[   19.990716 <   14.300000>] ", "[Nov22 07:49] ", "[  +0.549816] ", "6,339,5140900,-;",
      "6,340,5690716,-,caller=T1;", "Nov 22 08:15:27 myhost kernel: ",
      "Sun 2026-11-22 08:15:26 UTC myhost kernel: ",
      "2026-11-22T08:15:26+0000 myhost kernel: ", "2026-11-22T08:15:26.654727+0000 myhost kernel: ",
      "Nov 22 08:15:26.654727 myhost kernel: ", "[    5.140900] myhost kernel: ",
      "1795335326.654727 myhost kernel: ",
      "Nov 22 08:15:27 myhost kernel: [    5.140900] ", "2026-01-01T00:00:00.0000000Z [    5.140900] ",
      "2026-07-21T18:06:18.101984Z 00O [    5.140900] ", "[2026-01-01T00:00:00.000Z] [    5.140900] ",
    ])
  func logDialects(_ prefix: String) {
    let told = reportOn(
      "vfio 0000:03:00.0: group 12 is not viable\n" + prefix + "pci 0000:03:00.0: Adding to iommu group 12\n"
        + prefix + "pci 0000:03:00.1: Adding to iommu group 12\n")
    #expect(told.sources[0].unparsed.isEmpty)
    #expect(
      told.groups.first { $0.id?.value == 12 }?.devices.map(\.name).sorted() == [
        "0000:03:00.0", "0000:03:00.1",
      ])
  }
}
