@testable import DMALedger
import Foundation
import TestSupport
import Testing

/// Every form of line that the samples have, damaged in the ways that stop programs: pieces missing, numbers that fit nowhere,
/// separators that are missing or there twice. All of it must be survived; what it says is asked elsewhere.
///
/// The suite tries a part, the same each time; `DMALEDGER_EXHAUSTIVE=1` tries everything, a few minutes of it.
@Suite("Damaged lines of every form")
struct DamagedLineTests {
  private static let isExhaustive = ProcessInfo.processInfo.environment["DMALEDGER_EXHAUSTIVE"] != nil

  /// A source, and the first of its lines of each form.
  struct Source: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var bytes: [UInt8]
    var lines: [[UInt8]]
  }

  /// Lines of dialects that no sample has.
  private static let others = [
    "IOMMU Group 9 02:02.0 Ethernet controller [0200]: Intel Corporation 82540EM [8086:100e]",
    "IOMMU Group 9:\n\t02:02.0 Ethernet controller [0200]: Intel\n\tKernel driver in use: e1000\n\tIOMMU group: 9",
    "0000:02:02.0 group=9 driver=e1000\ndevice=0000:02:02.1\tiommu_group=9 driver=(none)",
    "/sys/bus/pci/devices/0000:02:02.0/driver -> ../../../bus/pci/drivers/e1000",
    "/sys/bus/pci/drivers/e1000/0000:02:02.0",
    "/sys/kernel/iommu_groups/9/devices:\ntotal 0\nlrwxrwxrwx 1 root root 0 Nov 22 08:15 0000:02:02.0 -> ../../../../devices/x",
    "/sys/devices/pci0000:00/0000:02:02.0/iommu_group -> ../../../kernel/iommu_groups/9",
    "qemu-system-x86_64: -device vfio-pci,host=0000:01:00.0: vfio 0000:01:00.0: group 1 is not viable",
    "vfio: error, group 1 is not viable, please ensure all devices are bound",
    "vfio 0000:01:00.0: error bind device fd=23 to iommufd=22: Operation not permitted",
    "EAL: 0000:01:00.0 VFIO group is not viable! Not all devices in IOMMU group bound to VFIO or unbound",
    "Failed to set container for group 7: Operation not permitted",
    "2026-01-01T00:00:00.0000000Z [    1.000000] pci 0000:00:02.0: Adding to iommu group 2",
    "2026-07-21T18:06:18.101984Z 00O+[    1.000000] pci 0000:00:02.0: Adding to iommu group 2",
    "2026-11-22T08:15:26.654727123+01:00 stdout F [    1.000000] pci 0000:00:02.0: Adding to iommu group 2",
    "job\tstep\t2026-01-01T00:00:00.0000000Z [    1.000000] pci 0000:00:02.0: Adding to iommu group 2",
    "[2026-01-01T00:00:00.000Z] [    1.000000] pci 0000:00:02.0: Adding to iommu group 2",
    "\u{1B}_bk;t=1700000000000\u{7}[    1.000000] pci 0000:00:02.0: Adding to iommu group 2",
    "@400000005bd2cd1a1e5d5b34 [    1.000000] pci 0000:00:02.0: Adding to iommu group 2",
    "13:37:00.123  [    1.000000] pci 0000:00:02.0: Adding to iommu group 2",
    "console@vm: [    1.000000] pci 0000:00:02.0: Adding to iommu group 2",
    "| > [    1.000000] pci 0000:00:02.0: Adding to iommu group 2",
    #"{"log":"[    1.000000] pci 0000:00:02.0: Adding to iommu group 2\n","stream":"stdout","time":"2026"}"#,
    #"{"MESSAGE":"pci 0000:00:02.0: Adding to iommu group 2","_TRANSPORT":"kernel","SYSLOG_FACILITY":"0","#
      + #""_SOURCE_MONOTONIC_TIMESTAMP":"5140900","list":[1,"a",[2,{"b":3}]],"u":"\u0041\ud800\n"}"#,
    #"- {"dt": "2026-01-01", "lvl": "target", "msg": "[    1.000000] pci 0000:00:02.0: Adding to iommu group 2"}"#,
    "{\n   \"dmesg\": [\n      {\n         \"pri\": 6,\n         \"time\": 1.000000,\n         \"caller\": \"T1\",\n"
      + "         \"msg\": \"pci 0000:00:02.0: Adding to iommu group 2\"\n      }",
    "__CURSOR=s=1\n_TRANSPORT=kernel\nSYSLOG_FACILITY=0\n_SOURCE_MONOTONIC_TIMESTAMP=5140900\nMESSAGE=pci 0000:00:02.0: Adding to iommu group 2",
    "Sun 2026-11-22 08:15:26.654727 UTC [s=1;i=2;b=3]\n    _TRANSPORT=kernel\n    MESSAGE=pci 0000:00:02.0: Adding to iommu group 2",
    "7.3.4,6,339,5140900,-,caller=T1,ncfrag=0/1200;pci 0000:00:03.0: Adding to iommu group 3",
    "6,340,9000000000,-;use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"0000:00:03.0\" id=3 cnt=0",
    "6,341,9000000001,-;use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"0000:00:03.0\" id=3 cnt=0",
    "<6>1 2026-11-22T08:15:26.654727+00:00 host kernel - - - [    1.000000] pci 0000:00:02.0: Adding to iommu group 2",
    "Nov 22 08:15:27 host kernel: message repeated 3 times: [ [    5.140900] pci 0000:00:02.0: Adding to iommu group 2]",
    "[   19.990716 <   14.300000>] [    T1] pci 0000:00:02.0: Removing from iommu group 2",
    "kern  :info  : 2026-11-22T08:15:01,000000+00:00 pci 0000:00:02.0: Adding to iommu group 2",
    "[Sun Nov 22 07:49:15 2026] pci 0000:00:02.0: Adding to iommu group 2",
    "iommu: Failed to add device 0000:00:00.0 to group 0: -16",
    "[    1.000000] probe of 0000:00:02.0 with driver e1000e returned -16 after 13 usecs",
    "[    1.000000] initcall vfio_init+0x0/0x70 [vfio] returned 0 after 15991 usecs",
    "[    1.000000] vfio-pci 0000:03:00.0: Device is currently in use, task \"sh\" (112) blocked until device is released",
    "[    1.000000] WARNING: drivers/iommu/iommu.c:650 at iommu_device_unuse_default_domain+0x3a0/0x608, CPU#7: init/1",
    "[    1.000000] WARNING: CPU: 8 PID: 5182 at drivers/iommu/iommu.c:3211 iommu_device_unuse_default_domain+0x38/0x90",
    "[    1.000000] CPU: 1 PID: 110 Comm: bash Tainted: G        W  6.1.0 #1",
    "[    1.000000] Linux version 6.5.0-14-generic (buildd@x) (gcc) #14~22.04.1-Ubuntu SMP (Ubuntu 6.5.0-14.14~22.04.1-generic 6.5.3)",
    "[    1.000000] Command line: quiet trace_clock=global ftrace=function trace_clock=local",
    "[    1.000000] sched_clock: Marking stable (5116297201, 20723326)->(5148323256, -11302729)",
    "** 123 printk messages dropped **\n[    1.000000] FUNC: 3 callbacks suppressed\nMissed 12 kernel messages",
    "Panic#1 Part2\n<6>[    1.000000] pci 0000:00:02.0: Adding to iommu group 2",
    "CPU:1 [LOST 3651848 EVENTS]\nCPU:1 [580 EVENTS DROPPED]\n##### CPU 2 buffer started ####",
    "# entries-in-buffer/entries-written: 130/230   #P:2\n# latency: 0 us, #130/230, CPU#0 | (M:preempt VP:0)",
    "            bash-112   [000]    34.497897: funcgraph_entry:      + 13.213 us  |        really_probe(dev=0x1, drv=0x2);",
    "            bash-112   [000]    34.497897: funcgraph_exit:       <-- really_probe (2) (start: 1  end: 2) over: 0",
    "            bash-112   [000]    34.497897: function:             really_probe <-- __driver_probe_device",
    "            bash-112   (    112) [000] d....    34.497897: use: (ffffffff8bda4480 <- ffffffff8bda4481) arg1=0",
    "            bash-112   [000] .....    34.497897: use: __probe_ip=really_probe+0x0/0x380 (-1168489344) dev=\"a\" cnt='A'(65)",
    "            bash-112   [000] .....    34.497897: add_device_to_group: IOMMU: gid=0x2 (2) device=0000:00:02.0",
    "  29.257452 |   1)    bash-110    |  ...1. |   6.792 us    |    really_probe [e1000]() { /* ret=-16 */",
    " 0)    bash-110    =>   kworker-9   \n ------------------------------------------\n 0)   0.100 us    |  } /* really_probe = 0x0 */",
    "    bash     112   0 1 00000000 00000000 [010c3aee] 194.235ms (+87.615ms): really_probe <-__driver_probe_device",
    "bash   126/127 [000]    16.080873:          1   kprobes:use: (ffffffff812a6a92) dev=\"a b\" id=3 ffffffff812a6a92 x",
  ]

  static let sources: [Source] = {
    var sources: [Source] = []
    for name in (FileManager.default.subpaths(atPath: SampleFiles.root) ?? []).sorted()
    where !name.hasSuffix("README.md") && !name.hasSuffix("truth.json") {
      // Folders have no bytes.
      if let bytes = try? SampleFiles.bytes(name) { sources.append(source(name, bytes)) }
    }
    for text in others { sources.append(source(String(text.prefix(40)), Array(text.utf8))) }
    // A form that one of them has is not tried with another.
    var seen: Set<[UInt8]> = []
    for index in sources.indices { sources[index].lines.removeAll { !seen.insert(form($0)).inserted } }
    return sources
  }()

  private static func source(_ name: String, _ bytes: [UInt8]) -> Source {
    Source(testDescription: name, bytes: bytes, lines: bytes.split(separator: 0x0A).map(Array.init))
  }

  /// Numbers and words become one byte each, runs of blanks one blank.
  private static func form(_ line: [UInt8]) -> [UInt8] {
    var form: [UInt8] = []
    for byte in line.prefix(4096) {
      let class_: UInt8 = byte.isDigit ? 0x39 : byte.isWord ? 0x78 : byte
      if class_ == form.last, class_ == 0x39 || class_ == 0x78 || class_ == 0x20 { continue }
      form.append(class_)
    }
    return form
  }

  // MARK: - Damage

  /// Numbers at the borders of what numbers can be.
  private static let numbers = [
    "0", "-1", "2147483647", "2147483648", "4294967296", "9223372036854775807", "9223372036854775808",
    "18446744073709551615", "99999999999999999999", "999999999999999999", "9000000000", "9223372036854775",
    "9223372036854776", "0x8000000000000000", "0xffffffffffffffff", "",
  ].map { Array($0.utf8) }

  /// A line without each piece of up to 24 bytes.
  private static func pieces(of line: [UInt8], _ body: ([UInt8]) -> Void) {
    for start in line.indices {
      for length in 1...min(24, line.count - start) {
        body(line[..<start] + Array(line[(start + length)...]))
      }
    }
    for length in line.indices { body(Array(line[..<length])) }
  }

  /// A line with each number, and with all of them, at each border.
  private static func borders(of line: [UInt8], _ body: ([UInt8]) -> Void) {
    var places: [Range<Int>] = []
    for index in line.indices where line[index].isDigit {
      if let last = places.last, last.upperBound == index {
        places[places.count - 1] = last.lowerBound..<index + 1
      } else {
        places.append(index..<index + 1)
      }
    }
    for number in numbers {
      for place in places { body(line[..<place.lowerBound] + number + Array(line[place.upperBound...])) }
      var all = line
      for place in places.reversed() { all.replaceSubrange(place, with: number) }
      body(all)
    }
  }

  /// A line without each of its separators, and with each of them twice, or fifty times.
  private static func separators(of line: [UInt8], _ body: ([UInt8]) -> Void) {
    for index in line.indices where !line[index].isWord {
      body(line[..<index] + Array(line[(index + 1)...]))
      for count in [1, 50] {
        body(line[..<index] + [UInt8](repeating: line[index], count: count) + Array(line[index...]))
      }
    }
  }

  private static func damaged(_ line: [UInt8], _ body: ([UInt8]) -> Void) {
    pieces(of: line, body)
    borders(of: line, body)
    separators(of: line, body)
  }

  // MARK: - Readers

  /// Hands a line to each reader, whatever the decoder would have handed to it.
  private static func readAlone(_ line: [UInt8], _ names: inout NameTable) {
    let span = line.span
    _ = RecordContext.fromDefault(span)
    _ = RecordContext.fromLatency(span)
    _ = RecordContext.fromVerbose(span)
    _ = RecordContext.fromPerf(span)
    _ = GraphLine.parse(span, needsColumns: true)
    _ = GraphLine.parse(span, needsColumns: false)
    _ = LogLine.parse(span)
    _ = LogLine.nativePrefix(in: span)
    _ = KernelMessage.parse(span, names: &names)
    _ = PCIAddress.take(span, at: 0)
    _ = RunnerPrefix.match(span, at: 0)
    if !line.isEmpty {
      var listing = GroupListing()
      _ = listing.fact(span, names: &names)
      _ = listing.isKnown(span)
      var program = UserSpaceLog()
      _ = program.fact(span, names: &names)
      _ = program.isKnown(span)
    }
    var envelope = LogEnvelope()
    _ = envelope.open(span, number: 1)
    while envelope.drain() != nil {}
    let witness = Witness(at: LineReference(source: 0, line: 1), time: nil, text: .none)
    _ = OwnershipWarning(span, witness)
  }

  /// Hands lines to a decoder that has read the beginning of their source.
  private struct Primed {
    private var decoder = TraceDecoder(fields: ProbeFields())
    private var names = NameTable()
    private var addresses = AddressBook()
    private var event = TraceEvent()
    private var number = 0

    mutating func read(_ line: [UInt8]) {
      number += 1
      _ = decoder.decode(line.span, number: number, into: &event, names: &names, addresses: &addresses)
    }

    mutating func finish() {
      while decoder.drains() { read([]) }
      decoder.finish()
    }
  }

  /// Which of many are tried: some of each source, spread over all of them.
  private static func share(of count: Int) -> Int { isExhaustive ? 1 : max(1, count / 30) | 1 }

  @Test(
    "every reader survives every damage, by itself and behind the beginning of the source", arguments: sources
  )
  func readers(_ source: Source) {
    var names = NameTable()
    var primed = Primed()
    for line in source.bytes.split(separator: 0x0A).prefix(48) { primed.read(Array(line)) }
    var count = 0
    for line in source.lines { Self.damaged(line) { _ in count += 1 } }
    let step = Self.share(of: count)
    var place = 0
    for line in source.lines {
      Self.damaged(line) { damaged in
        place += 1
        guard place % step == 0 else { return }
        Self.readAlone(damaged, &names)
        var decoder = primed
        decoder.read(damaged)
        // And what goes on behind it.
        decoder.read(line)
        decoder.finish()
      }
    }
  }

  @Test("captures whose numbers are at the borders are survived to the report", arguments: sources)
  func numbers(_ source: Source) {
    var text: [UInt8] = []
    var place = 0
    let step = Self.isExhaustive ? 1 : 29
    for line in source.bytes.split(separator: 0x0A).prefix(Self.isExhaustive ? .max : 60) {
      text += Array(line) + [0x0A]
    }
    for line in source.lines {
      Self.borders(of: line) { damaged in
        place += 1
        if place % step == 0 { text += damaged + [0x0A] }
      }
    }
    var analyzer = Analyzer()
    analyzer.read(bytes: text, name: "trace.txt")
    analyzer.read(bytes: Array(text.reversed()), name: "reversed.txt")
    let report = analyzer.finish()
    #expect(report.sources.first { $0.path == "trace.txt" }?.lines == text.count { $0 == 0x0A })
  }
}
