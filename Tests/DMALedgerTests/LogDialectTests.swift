import DMALedger
import TestSupport
import Testing

/// One log in every dialect says the same. The messages are real where a recording has them: `samples/` (7.3.4 and
/// 6.1.192), a splat of 6.1, the banner of 6.19 and later.
@Suite("Kernel logs in every dialect")
struct LogDialectTests {
  static let records: [KernelLogRecord] = [
    KernelLogRecord(
      0, level: 5, caller: 0,
      "Linux version 7.3.4 (root@vm) (gcc (Debian 12.2.0-14+deb12u1) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP "
        + "PREEMPT Sun Nov 22 08:57:25 UTC 2026"),
    KernelLogRecord(
      0, caller: 0,
      "Command line: console=ttyS0 loglevel=4 rdinit=/init intel_iommu=on trace_clock=local lab.run=fn dyndbg=\"file "
        + "drivers/base/dd.c +p\""),
    KernelLogRecord(
      7309, caller: 0, "e820: update [mem 0x00000000-0x00000fff] System RAM ==> device reserved"),
    KernelLogRecord(1_941_625, "pci 0000:00:03.0: Adding to iommu group 1"),
    KernelLogRecord(1_951_700, "pci 0000:01:00.0: Adding to iommu group 9"),
    KernelLogRecord(1_998_731, "DMAR: Intel(R) Virtualization Technology for Directed I/O"),
    KernelLogRecord(
      2_029_772, level: 7, "pci 0000:00:04.0: bus: 'pci': really_probe: probing driver pcieport with device"),
    KernelLogRecord(
      2_948_521, level: 7, "bus: 'pci': __driver_probe_device: matched device 0000:00:03.0 with driver e1000e"
    ),
    KernelLogRecord(
      2_948_553, level: 7, "bus: 'pci': really_probe: probing driver e1000e with device 0000:00:03.0"),
    KernelLogRecord(3_193_810, level: 7, "driver: 'e1000e': driver_bound: bound to device '0000:00:03.0'"),
    KernelLogRecord(
      4_844_697, level: 7, "e1000e 0000:00:03.0: bus: 'pci': really_probe: bound device to driver e1000e"),
    KernelLogRecord(
      5_000_000, level: 4, "text of several lines\nnothing to see, but [brackets]: and {braces}"),
    KernelLogRecord(
      5_140_593, caller: 17,
      "sched_clock: Marking stable (5116297201, 20723326)->(5148323256, -11302729)"),
    KernelLogRecord(
      15_820_898, level: 7, caller: 98,
      "[98] dd:really_probe:603: bus: 'pci': really_probe: probing driver vfio-pci with device 0000:00:03.0"),
    KernelLogRecord(
      19_990_716, level: 4, caller: 1234, "vfio-pci 0000:00:03.0: enabling device (0000 -> 0003)"),
    KernelLogRecord(80_040_923, level: 4, caller: 174, "------------[ cut here ]------------"),
    KernelLogRecord(
      80_042_720, level: 4, caller: 174,
      "WARNING: CPU: 1 PID: 174 at drivers/iommu/iommu.c:3167 iommu_device_unuse_default_domain+0x4f/0x60"),
    KernelLogRecord(
      80_057_139, level: 4, caller: 174,
      "CPU: 1 PID: 174 Comm: cat Not tainted 6.1.0-56-amd64 #1  Debian 6.1.192-2"),
    KernelLogRecord(80_086_252, level: 4, caller: 174, " <TASK>"),
    KernelLogRecord(80_090_797, level: 4, caller: 174, " ? trace_buffer_lock_reserve+0x21/0x50"),
    KernelLogRecord(
      81_042_720, level: 4, caller: 110,
      "WARNING: drivers/iommu/iommu.c:3363 at iommu_device_unuse_default_domain+0x4f/0x60, CPU#1: bash/110"),
    KernelLogRecord(
      224_506_085, level: 3, "e1000e 0000:00:03.0: probe with driver e1000e failed with error -22"),
  ]

  static let facts = [
    "0.000000000 boot of 7.3.4", "0.000000000 trace_clock=local ftrace=?",
    "1.941625000 added 0000:00:03.0 to 1", "1.951700000 added 0000:01:00.0 to 9",
    "2.029772000 probing 0000:00:04.0 by pcieport", "2.948521000 matched 0000:00:03.0 with e1000e",
    "2.948553000 probing 0000:00:03.0 by e1000e", "3.193810000 bound 0000:00:03.0 to e1000e",
    "4.844697000 bound 0000:00:03.0 to e1000e", "5.140593000 clock -11302729",
    "15.820898000 probing 0000:00:03.0 by vfio-pci", "19.990716000 enabled 0000:00:03.0",
    "80.042720000 warning in unuse on 1 by ?/174", "80.057139000 task cat/174 on 1 of 6.1.0-56-amd64",
    "81.042720000 warning in unuse on 1 by bash/110", "224.506085000 failed 0000:00:03.0 by e1000e: -22",
  ]

  static let untimed = facts.map { String($0.drop { $0 != " " }.dropFirst()) }
  static let callers: [Int32] = [0, 0, 1, 1, 1, 1, 1, 1, 1, 17, 98, 1234, 174, 174, 110, 1]

  @Test("the same log says the same in every dialect", arguments: KernelLogDialect.all)
  func dialect(_ dialect: KernelLogDialect) {
    let read = DecodedSource(bytes: dialect.write(Self.records))
    #expect(read.facts == Self.untimed)
    #expect(read.format == "kernel log")
    #expect(read.unparsed == [])
    if dialect.keepsTime {
      #expect(read.timedFacts.map(Self.shortened) == Self.facts.map(Self.shortened))
    } else {
      #expect(read.events.allSatisfy { $0.time == nil })
    }
    #expect(read.callers == (dialect.keepsCaller ? Self.callers : Self.callers.map { _ in -1 }))
  }

  /// Without the zeros that a time ends in: how many a report prints is not the dialect's business.
  private static func shortened(_ fact: String) -> String {
    let parts = fact.split(separator: " ", maxSplits: 1)
    var time = parts[0]
    while time.last == "0", time.contains(".") { time.removeLast() }
    return "\(time) \(parts[1])"
  }

  @Test("a dialect's name stands once")
  func names() {
    #expect(Set(KernelLogDialect.all.map(\.description)).count == KernelLogDialect.all.count)
    #expect(KernelLogDialect.all.count >= 55)
  }

  @Test(
    "what a program writes to the log is no word of the kernel where the dialect tells them apart",
    arguments: KernelLogDialect.all.filter(\.showsFacility))
  func programs(_ dialect: KernelLogDialect) {
    let records = [
      KernelLogRecord(1_941_625, "pci 0000:00:03.0: Adding to iommu group 1"),
      KernelLogRecord(2_000_000, level: 4, facility: 1, "pci 0000:00:04.0: Adding to iommu group 99"),
      KernelLogRecord(2_500_000, "pci 0000:00:05.0: Adding to iommu group 3"),
    ]
    let read = DecodedSource(bytes: dialect.write(records))
    #expect(read.facts == ["added 0000:00:03.0 to 1", "added 0000:00:05.0 to 3"])
    #expect(read.unparsed == [])
  }

  @Test("every record is shown by the line that says it", arguments: KernelLogDialect.all)
  func evidence(_ dialect: KernelLogDialect) throws {
    let read = DecodedSource(bytes: dialect.write(Self.records))
    try #require(read.facts == Self.untimed)
    // Bytes as numbers show nothing to the eye.
    guard !dialect.description.contains("bytes") else { return }
    let added = try #require(read.shownBy.dropFirst(2).first)
    #expect(added.contains("Adding") || added.contains("\u{1B}"), "\(added)")
  }

  @Test(
    "a log that is cut anywhere is survived and says nothing else", arguments: KernelLogDialect.all)
  func cut(_ dialect: KernelLogDialect) {
    let bytes = dialect.write(Array(Self.records.prefix(12)))
    for part in 1..<24 {
      let read = DecodedSource(bytes: Array(bytes.prefix(bytes.count * part / 24)))
      // What a line that lacks its end says is not counted; lines before it say what they say.
      #expect(Self.untimed.starts(with: read.facts), "\(dialect) \(part)/24: \(read.facts)")
    }
  }

  @Test("microseconds that fit into no clock are no time, and the message counts all the same")
  func endlessTime() {
    let text = "pci 0000:00:03.0: Adding to iommu group 3"
    for line in [
      "6,1,9223372036854776,-;\(text)",
      "{\"MESSAGE\":\"\(text)\",\"_TRANSPORT\":\"kernel\",\"_SOURCE_MONOTONIC_TIMESTAMP\":\"9223372036854776\"}",
    ] {
      let events = DecodedSource(bytes: Array((line + "\n").utf8)).events
      #expect(events.count == 1)
      #expect(events.allSatisfy { $0.time == nil })
    }
  }
}
