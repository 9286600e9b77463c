import DMALedger
import TestSupport
import Testing

/// Groups that probes know by their pointer, and logs, listings and QEMU by their number.
@Suite("Which group a pointer is")
struct GroupIdentityTests {
  private static func line(_ micros: Int, _ task: String, _ body: String) -> String {
    "\(String(repeating: " ", count: 16 - task.prefix { $0 != "-" }.count))\(task)     [001] ...1.     8.\(200_000 + micros): \(body)\n"
  }
  private static func unuse(_ micros: Int, _ device: String, _ group: String, _ count: Int) -> String {
    line(
      micros, "init-1",
      "unuse_x: (device_release_driver_internal+0xa3/0xe9 <- iommu_device_unuse_default_domain) "
        + "dev=\"\(device)\" \(group) cnt=\(count)")
  }
  private static let header = "# tracer: nop\n#\n"
  private static let trace =
    header + unuse(100, "0000:00:03.0", "grp=0xff110001005f6900", 1)
    + line(
      300, "qemu-202",
      "query_x: (vfio_group_fops_unl_ioctl+0x44f/0x5cb <- iommu_group_dma_owner_claimed) ret=1 grp=0xff110001005f6900 cnt=1"
    )

  private static func added(_ device: String, _ group: Int, at second: Int = 1) -> String {
    "[    \(second).100000] pci \(device): Adding to iommu group \(group)\n"
  }
  private static let banner = "[    0.000000] Linux version 7.3.4 (a@b) #1 SMP\n"
  private static let qemu =
    "qemu-system-x86_64: -device vfio-pci,host=0000:00:03.0: vfio 0000:00:03.0: group 1 is not viable\n"

  /// A device joins group 1, leaves it and joins a group.
  private static func moved(to group: Int) -> String {
    banner + added("0000:00:03.0", 1) + "[    5.000000] pci 0000:00:03.0: Removing from iommu group 1\n"
      + added("0000:00:03.0", group, at: 6)
  }

  private func report(_ sources: [String]) -> Report { TestSupport.report(onFiles: sources) }

  private func ids(_ report: Report) -> [Int?] { report.groups.map { $0.id?.value } }

  @Test(
    "the group of its device in a log, a listing or QEMU's refusal is the group of the trace",
    arguments: [
      [banner + added("0000:00:03.0", 1)], ["/sys/kernel/iommu_groups/1/devices/0000:00:03.0\n"], [qemu],
      [banner + added("0000:00:03.0", 1), qemu],
    ])
  func joined(others: [String]) {
    for sources in [[Self.trace] + others, others + [Self.trace]] {
      let report = report(sources)
      #expect(ids(report) == [1])
      #expect(report.groups.first?.final == Count(exactly: 1))
      #expect(report.groups.first?.changes.count == 2)
      #expect(
        report.diagnostics.contains { $0.message.contains("0xff110001005f6900 is group 1") && $0.line != nil }
      )
      #expect(report.answers.allSatisfy { $0.group?.value == 1 })
    }
  }

  @Test("a device that was in two groups names neither of them")
  func wanderer() {
    #expect(ids(report([Self.trace, Self.moved(to: 5)])) == [nil])
  }

  @Test("a device that went back into a group of the same number is in that group")
  func sameAgain() {
    #expect(ids(report([Self.trace, Self.moved(to: 1)])) == [1])
  }

  @Test("two pointers for one number, or two numbers for one pointer, name nothing")
  func ambiguous() {
    let twoPointers =
      Self.trace + Self.unuse(900, "0000:00:04.0", "grp=0xff110001005f7700", 3)
    let one = Self.banner + Self.added("0000:00:03.0", 1) + Self.added("0000:00:04.0", 1)
    #expect(ids(report([twoPointers, one])) == [nil, nil])
    let onePointer =
      Self.trace + Self.unuse(900, "0000:00:04.0", "grp=0xff110001005f6900", 0)
    let two = Self.banner + Self.added("0000:00:03.0", 1) + Self.added("0000:00:04.0", 2)
    #expect(ids(report([onePointer, two])) == [nil])
    let moved = Self.trace + Self.unuse(900, "0000:00:03.0", "grp=0xff110001005f7700", 0)
    #expect(ids(report([moved, Self.banner + Self.added("0000:00:03.0", 1)])) == [nil, nil])
  }

  @Test("a number that the trace shows for another group is not given twice")
  func taken() {
    let trace = Self.trace + Self.unuse(900, "0000:00:04.0", "grp=1", 3)
    let report = report([trace, Self.banner + Self.added("0000:00:03.0", 1)])
    #expect(ids(report).sorted { $0 ?? 0 < $1 ?? 0 } == [nil, 1])
  }

  @Test("probes that print the one or the other of a device speak of one group")
  func mixedProbes() {
    func use(_ micros: Int, _ group: String, _ count: Int) -> String {
      Self.line(
        micros, "init-1",
        "use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"0000:00:03.0\" drv=\"e1000e\" \(group) cnt=\(count)"
      )
    }
    let pointer = "grp=0xff110001005f6900"
    for groups in [("grp=4", pointer), (pointer, "grp=4")] {
      let report = report([Self.header + use(1, groups.0, 0) + Self.unuse(900, "0000:00:03.0", groups.1, 0)])
      #expect(ids(report) == [4])
      #expect(report.groups.first?.final == Count(exactly: 0))
      #expect(report.groups.first?.changes.map(\.call) == [.use, .unuse])
    }
  }

  @Test(
    "411441016: a call that names a number alone keeps no group alive that its last known member has left")
  func callBehindLastMember() {
    let told = ProbeLines.report([
      ("q", ProbeLines.entry("dclaim", ProbeLines.claim, 0, device: nic, group: "id=7")),
      ("q", ProbeLines.result("dclaim", ProbeLines.claim, 0)),
      (
        "q",
        ProbeLines.entry(
          "drelease", ProbeLines.release, 1, own: "0xff24580882aa9000", device: nic, group: "id=7")
      ),
      ("i", "remove_device_from_group: IOMMU: groupID=7 device=\(nic)"),
      ("r", ProbeLines.entry("query", ProbeLines.query, 0, group: "id=7")),
      ("r", ProbeLines.result("query", ProbeLines.query, 0)),
      ("i", "add_device_to_group: IOMMU: groupID=7 device=\(nic)"),
      ("q", ProbeLines.entry("claim", "iommu_group_claim_dma_owner", 0, group: "id=7")),
      ("q", ProbeLines.result("claim", "iommu_group_claim_dma_owner", 0)),
    ])
    #expect(told.groups.map(\.incarnation) == [0, 1])
    #expect(told.groups.map(\.changes.count) == [3, 1])
  }
}
