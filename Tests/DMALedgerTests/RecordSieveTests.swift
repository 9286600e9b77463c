import Foundation
import TestSupport
import Testing

@testable import DMALedger

/// Records that are passed over against the same records read one by one: lines with a carriage return are always read.
@Suite("Records of the usual layout passed over unread")
struct RecordSieveTests {
  private static func expectSame(_ text: String, _ comment: Comment? = nil) {
    #expect(isSameUnsieved(text), comment)
  }

  @Test("a real capture says the same", arguments: SampleFiles.captures)
  func realCaptures(name: String) throws {
    Self.expectSame(String(decoding: try SampleFiles.bytes(name), as: UTF8.self))
  }

  @Test(
    "a recorded format says the same",
    arguments: SampleFiles.names(in: SampleFiles.root + "/formats").map { "formats/" + $0 })
  func formats(name: String) throws {
    guard let bytes = try? SampleFiles.bytes(name) else { return }
    Self.expectSame(String(decoding: bytes, as: UTF8.self), "\(name)")
  }

  /// As many records as are looked at for the prefix of a runner; the columns are learnt from them.
  private static let start = String(repeating: record("mutex_lock <-uart_ioctl"), count: learnt)
  private static let learnt = 40

  private static func record(_ body: String, comm: String = "bash-112") -> String {
    let task = String(
      repeating: " ",
      count: 16 - (comm.firstIndex(of: "-").map { comm.distance(from: comm.startIndex, to: $0) } ?? 0))
    return "\(task)\(comm)     [000] d....    34.497897: \(body)\n"
  }

  /// How many lines a reader gets to see behind those of `start`.
  private static func read(_ body: String) -> Int {
    var decoder = TraceDecoder(fields: ProbeFields())
    var names = NameTable()
    var addresses = AddressBook()
    var event = TraceEvent()
    var reader = LineReader(ByteSource(bytes: Array((start + body).utf8), name: "text"))
    var count = 0
    while reader.advance(past: decoder.recordSieve) {
      decoder.pass(reader.rejected)
      if reader.number > learnt { count += 1 }
      _ = decoder.decode(
        reader.line, number: reader.number, into: &event, names: &names, addresses: &addresses)
    }
    return count
  }

  @Test(
    "functions and tracepoints that bear on nothing are passed over",
    arguments: [
      "mutex_unlock <-uart_ioctl", "iommu_map <-__iommu_dma_map",
      "e1000_probe+0x4/0x70 <-local_pci_probe+0x4/0x70",
      "sched_switch: prev_comm=swapper/0 prev_pid=0", "irq_handler_entry: irq=24 name=really_probe",
    ])
  func passedOver(body: String) {
    #expect(Self.read(Self.record(body)) == 0)
    #expect(Self.read(Self.record(body, comm: "<idle>-0  ")) == 0)
  }

  @Test(
    "whatever may matter is read",
    arguments: [
      "really_probe <-__driver_probe_device", "pci_dma_configure <-really_probe",
      "amba_remove <-device_remove",
      "use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"0000:00:01.0\"",
      "sched_x: (really_probe+0x0/0x396)",
      "sched_x: __probe_ip=really_probe", "console: pci 0000:00:02.0: Adding to iommu group 2",
      "function: really_probe <-- __driver_probe_device", "kernel_stack: <stack trace >", "<stack trace>",
      "add_device_to_group: IOMMU: groupID=2 device=0000:00:02.0",
      "probes:use: (iommu_device_use_default_domain+0x0/0x8c)",
      "funcgraph_entry: 1.0 us | really_probe();", "", "really_probe", "sched_switch:", "two words",
      "foo:  (really_probe)", "(+12) really_probe <-__driver_probe_device", "(+12): x",
    ])
  func read(body: String) {
    #expect(Self.read(Self.record(body)) == 1)
  }

  @Test("lines of another form are read")
  func strangers() {
    let usual = Self.record("mutex_lock <-uart_ioctl")
    for line in [
      "CPU:0 [LOST 12 EVENTS]\n", "# tracer: function\n", "\n", " => really_probe\n", "12:" + usual,
      "CPU:3 [EVENTS123-112     [000] d....    34.497897: mutex_lock <-uart_ioctl\n",
      Self.record("mutex_lock <-uart_ioctl", comm: "=> really_probe-112"),
      Self.record("mutex_lock <-uart_ioctl", comm: "---------------1-112"),
      usual.replacingOccurrences(of: "    34.49", with: "1234567890.49").replacingOccurrences(
        of: "-112     [", with: "-112 ["),
      String(usual.dropFirst()), usual.replacingOccurrences(of: "[000]", with: "[00x]"),
      usual.replacingOccurrences(of: "34.49", with: "3 .49"),
      usual.replacingOccurrences(of: "112", with: "1x2"),
      usual.replacingOccurrences(of: "d....", with: "d ..."), String(usual.dropLast()) + "\r\n",
    ] {
      #expect(Self.read(line) == 1, "\(line)")
      Self.expectSame(Self.start + line + usual)
    }
  }

  @Test("a probe without a symbol is not named by a function that was passed over, nor by one before it")
  func neighbours() {
    let probe = Self.record("myprobe: (ffffffff8bda4480) dev=\"0000:00:01.0\" drv=\"nvme\"")
    let text =
      Self.start + Self.record("really_probe <-__driver_probe_device")
      + Self.record("mutex_lock <-uart_ioctl")
      + probe
    Self.expectSame(text)
    Self.expectSame(Self.start + Self.record("really_probe <-__driver_probe_device") + probe)
  }

  // MARK: - Anything between them

  /// Bodies that bear on nothing, and some that look as if they did.
  private static let noise = [
    "mutex_lock <-uart_ioctl", "sched_switch: prev_comm=swapper/0 prev_pid=0 prev_state=R",
    "e1000_probe+0x4/0x70 <-local_pci_probe+0x4/0x70",
    "vfs_read(file=0xffff8bd0410a10d0, count=0x10) <-ksys_read",
    "device_remove_file <-device_del", "iommu_map <-__iommu_dma_map", "irq_handler_entry: irq=24 name=use",
    "sched_x: (kfree+0x0/0x10)", "really_probe", "console: [    1.0] random: crng init done", "<stack trace>",
  ]

  /// A capture with noise in the context of every record behind it, which leaves out the records that printed nothing.
  private static func noisy(_ text: [UInt8], _ random: inout SplitMix) -> String {
    var noisy = ""
    for line in String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    {
      noisy += line + "\n"
      guard let end = line.firstRange(of: #/^.{16}-\d+ .*?\d\.\d+: /#)?.upperBound else { continue }
      for _ in 0..<Int(random.next() % 4) {
        noisy += line[..<end] + noise[Int(random.next() % UInt64(noise.count))] + "\n"
      }
    }
    return noisy
  }

  @Test("lives of a machine say the same in every dialect, with noise between their lines", arguments: 0..<6)
  func lives(seed: Int) {
    let traits = KernelLife.Traits(
      races: seed % 3 != 0, oddities: seed % 2 == 0, past: seed == 1, pasids: false, functions: true)
    let kernel = KernelLife(seed: UInt64(seed) * 7919 + 3, traits).play()
    var random = SplitMix(state: UInt64(seed))
    for rendering in Rendering.allCases {
      for capture in [
        KernelCapture(.probes(rendering, returns: .codes)),
        KernelCapture(.function(rendering, hasArguments: false)),
        KernelCapture(.function(rendering, hasArguments: true)),
      ] {
        let text = Self.noisy(capture.text(of: kernel).bytes, &random)
        Self.expectSame(text, "seed \(seed), \(capture)")
      }
    }
  }

  @Test("damaged records say the same", arguments: 0..<8)
  func damage(block: Int) throws {
    let names = [
      "6.1-unfixed-late-probes", "7.3-unfixed-late-function", "6.1-unfixed-late-probes-stack",
      "7.3-unfixed-late-fprobes",
    ]
    var random = SplitMix(state: UInt64(block))
    let capture = try SampleFiles.bytes(names[block % names.count] + "/trace.txt")
    let lines = Self.noisy(capture, &random).split(separator: "\n", omittingEmptySubsequences: false).map {
      Array($0.utf8)
    }
    let alphabet = Array(" \t()<->=:[].#0123456789_aAlu\u{0}".utf8)
    for round in 0..<60 {
      let from = Int(random.next() % UInt64(lines.count))
      var some = Array(lines[..<min(lines.count, 45)]) + lines[from..<min(lines.count, from + 60)]
      for _ in 0..<12 {
        let index = Int(random.next() % UInt64(some.count))
        guard !some[index].isEmpty else { continue }
        let place = Int(random.next() % UInt64(min(some[index].count, 80)))
        let byte = alphabet[Int(random.next() % UInt64(alphabet.count))]
        guard place < some[index].count else { continue }
        switch random.next() % 5 {
        case 0, 1: some[index][place] = byte
        case 2: some[index].insert(byte, at: place)
        case 3: some[index].remove(at: place)
        default: some[index].removeSubrange(place...)
        }
      }
      Self.expectSame(
        String(decoding: Array(some.joined(separator: [0x0A])), as: UTF8.self) + "\n",
        "block \(block), round \(round)")
    }
  }
}
