import DMALedger
import TestSupport
import Testing

@Suite("Lost events, headers and lines around the records")
struct LossTests {
  private static let header = OwnershipHistory.balanced.text(.withHeader)

  // MARK: Markers

  @Test(
    "a marker counts what was lost and makes the rest inconclusive",
    arguments: [
      ("CPU:1 [LOST 3651848 EVENTS]", 3_651_848),
      ("CPU:3 [LOST EVENTS]", 1),
      ("CPU:1 [580 EVENTS DROPPED]", 580),
      ("CPU:0 [EVENTS DROPPED]", 1),
      ("292:CPU:1 [580 EVENTS DROPPED]", 580),
      ("##### CPU 0 buffer started ####", 1),
    ])
  func markers(marker: String, count: Int) {
    for rendering in [Rendering.withHeader, .defaultLines, .traceCmd] {
      var lines = OwnershipHistory.balanced.text(rendering).split(separator: "\n").map(String.init)
      lines.insert(marker, at: lines.count - 4)
      let report = report(on: lines.joined(separator: "\n") + "\n")
      #expect(report.unparsedLines == 0)
      #expect(report.sources[0].lostEvents == (marker.hasPrefix("#####") ? 0 : count))
      #expect(report.verdict == .inconclusive)
      #expect(!report.reasons.isEmpty)
      #expect(report.findings.contains { $0.rule == .evidenceLost })
    }
  }

  @Test("a marker in the first line still leaves a group balanced that was seen idle afterwards")
  func firstLine() {
    let report = report(on: "CPU:0 [LOST 3 EVENTS]\n" + OwnershipHistory.balanced.text(.defaultLines))
    #expect(report.sources[0].lostEvents == 3)
    #expect(report.changes.count == OwnershipHistory.balanced.expectedChanges)
    #expect(report.groups.first?.final == Count(exactly: 0))
  }

  @Test(
    "text of a message that looks like a marker loses nothing",
    arguments: [
      "            bash-112     [000] ...1.    34.497897: tracing_mark_write: CPU:0 [LOST 5 EVENTS]",
      " 0)               |  /* CPU:0 [LOST 5 EVENTS] */",
      "[    1.719003] CPU: 1 PID: 12 Comm: bash [LOST]",
    ])
  func markerText(line: String) {
    let report = report(on: line + "\n")
    #expect(report.sources[0].lostEvents == 0)
    #expect(report.unparsedLines == 0)
  }

  @Test(
    "a marker with a nonsensical CPU or count is no crash",
    arguments: [
      "CPU:99999999999999999999 [LOST 1 EVENTS]", "CPU:1 [LOST 99999999999999999999 EVENTS]", "CPU:1 [",
      "CPU:",
      "CPU:1 [LOST ", "##### CPU x buffer started ####", "##### CPU 99999999999 buffer started ####",
    ])
  func absurdMarkers(line: String) {
    let report = report(on: line + "\n" + Self.header)
    #expect(report.changes.count == OwnershipHistory.balanced.expectedChanges)
  }

  // MARK: What the header says

  @Test(
    "more written than in the buffer means that events were overwritten",
    arguments: [
      ("# entries-in-buffer/entries-written: LINES/LINES   #P:2", 0),
      ("# entries-in-buffer/entries-written: LINES/999   #P:2", 999),
      ("# latency: 0 us, #4/9, CPU#0 | (M:PREEMPT(lazy) VP:0, KP:0, SP:0 HP:0 #P:2)", 5),
      ("# latency: 0 us, #4/4, CPU#0 | (M:desktop VP:0, KP:0, SP:0 HP:0 #P:2)", 0),
      ("# entries-in-buffer/entries-written: 146/46   #P:2", 0),
      ("# entries-in-buffer/entries-written: x/y   #P:2", 0),
    ])
  func overwritten(line: String, written: Int) {
    let records = OwnershipHistory.balanced.text(.defaultLines)
    let count = records.split(separator: "\n").count
    let lost = written > count ? written - count : written
    let report = report(
      on: "# tracer: nop\n#\n" + line.replacing("LINES", with: "\(count)") + "\n#\n" + records)
    #expect(report.sources[0].lostEvents == lost)
    #expect(report.verdict == (lost == 0 ? .balanced : .inconclusive))
  }

  @Test("a statistics block says what was dropped", arguments: ["overrun", "dropped events"])
  func statistics(key: String) {
    let block = """
      Kernel buffer statistics:
        Note: "entries" are the entries left in the kernel ring buffer and are not
              recorded in the trace data. They should all be zero.

      CPU: 0
      entries: 0
      overrun: 0
      commit overrun: 0
      bytes: 4388
      oldest event ts:   196.733643
      now ts:   196.798958
      dropped events: 0
      read events: 0

      """
    let quiet = report(on: OwnershipHistory.balanced.text(.traceCmd) + block)
    #expect(quiet.unparsedLines == 0)
    #expect(quiet.sources[0].lostEvents == 0)
    #expect(quiet.verdict == .balanced)
    let loud = report(
      on: OwnershipHistory.balanced.text(.traceCmd)
        + block.replacing("\n\(key): 0", with: "\n\(key): 6470"))
    #expect(loud.sources[0].lostEvents == 6470)
    #expect(loud.verdict == .inconclusive)
  }

  @Test("the latency header names the kernel")
  func release() {
    #expect(report(on: OwnershipHistory.balanced.text(.latency)).kernel.release == "7.3.4+deb13-amd64")
    #expect(report(on: OwnershipHistory.balanced.text(.defaultLines)).kernel.release == nil)
  }

  @Test(
    "the tracer of the header is the format",
    arguments: [
      ("nop", "ftrace events"), ("function", "ftrace function"), ("function_graph", "ftrace function_graph"),
      ("wakeup_rt", "ftrace wakeup_rt"),
    ])
  func formats(tracer: String, format: String) {
    #expect(report(on: "# tracer: \(tracer)\n#\n#           TASK-PID     CPU#\n").sources[0].format == format)
  }

  @Test("a second header in a file begins a new capture")
  func restart() {
    let report = report(on: Self.header + Self.header)
    #expect(report.unparsedLines == 0)
    #expect(report.changes.count == 2 * OwnershipHistory.balanced.expectedChanges)
    #expect(report.verdict == .inconclusive)
  }

  @Test(
    "a clock that steps far back is a reboot, one that steps a little is a slow CPU",
    arguments: [
      ("48.200000", Verdict.balanced), (" 1.000000", .inconclusive),
    ])
  func stepBack(time: String, verdict: Verdict) {
    var lines = OwnershipHistory.balanced.text(.defaultLines).split(separator: "\n").map(String.init)
    let query = "query: (iommu_group_dma_owner_claimed+0x0/0x2c) grp=7 cnt=0"
    lines.insert("            bash-112     [000] ...1.    \(time): \(query)", at: 3)
    let report = report(on: lines.joined(separator: "\n") + "\n")
    #expect(report.unparsedLines == 0)
    #expect(report.groups.count == 2)
    #expect(report.verdict == verdict)
  }

  // MARK: Lines around the records

  @Test(
    "what tools print around the records is no leftover",
    arguments: [
      "cpus=2", "version = 7", "", "   ", "#", "# comment", "--",
      "CPU0 data recorded at offset=0x1000", "    4096 bytes in size",
      "registering plugin: /usr/lib/x86_64-linux-gnu/traceevent/plugins/plugin_scsi.so",
      "overriding event (19) ftrace:raw_data with new print handler",
      "p:kprobes/kp_really really_probe dev=$arg1", "r10:kprobes/kr_really really_probe ret=$retval",
      "f:own/use_x iommu_device_use_default_domain%return ret=$retval",
      "e:eprobes/ep iommu.add_device_to_group",
      " => driver_bound", " => [FTRACE TRAMPOLINE]", " =>  <00007fb9e488d350>",
      "=> really_probe (ffffffff8bda4481)",
      "=> ffffffffc0123456", " => driver_bound+0x5/0xc0 <ffffffff909a4350>",
      "[    0.000000] Linux version 6.1.0", "<6>[    1.719258] pci 0000:00:00.0: Adding to iommu group 0",
    ])
  func sideNotes(line: String) {
    for rendering in [Rendering.withHeader, .traceCmd] {
      let report = report(on: OwnershipHistory.balanced.text(rendering) + line + "\n")
      #expect(report.unparsedLines == 0)
      #expect(report.verdict == .balanced)
    }
  }

  @Test(
    "raw, hex and binary traces are refused in words",
    arguments: [
      "110 0 12959724129 type: 354", "0000006e 00000000 0000000329e8c459 type: 354\n",
      "n\0\0\0\u{1}\0\0\0 type: 354",
    ])
  func raw(line: String) {
    let header = Self.header.split(separator: "\n").filter { $0.hasPrefix("#") }.joined(separator: "\n")
    let report = report(on: header + "\n" + line + "\n" + line + "\n")
    #expect(!report.understoodAnything)
    #expect(report.verdict == .inconclusive)
    #expect(report.diagnostics.contains { $0.level == .error && $0.message.contains("raw, hex or bin") })
  }

  @Test("a line with damaged bytes does not make a trace that is read a raw one", arguments: [true, false])
  func damagedBytes(isFirst: Bool) {
    let damaged = " 0)   2.634 us    |          iommu_bus_not\0\0\0\0\0ifier();\n"
    let records = [
      " 0)               |        driver_sysfs_add() {\n", " 0)   2.634 us    |          kfree();\n",
    ]
    let header = "# tracer: function_graph\n#\n# CPU  DURATION                  FUNCTION CALLS\n"
    let report = report(on: header + (isFirst ? [damaged] + records : records + [damaged]).joined())
    #expect(report.understoodAnything)
    #expect(!report.diagnostics.contains { $0.message.contains("raw, hex or bin") })
  }

  @Test("lines that nobody understands are counted by shape, with the first of each")
  func shapes() {
    let odd =
      (1...5).map { "@ \($0) new dialect of line \($0 * 1000)\n" }.joined() + "@@ other really_probe\n"
    let report = report(on: odd)
    #expect(report.sources[0].unparsed.map(\.count) == [5, 1])
    #expect(report.sources[0].unparsed.map(\.firstLine) == [1, 6])
    #expect(report.sources[0].unparsed.first?.shape == "@ 9 x x x x 9")
    #expect(
      report.diagnostics.contains { $0.level == .warning && $0.line == 1 && $0.message.hasPrefix("6 of 6") })
    #expect(!report.understoodAnything)
  }

  @Test("a hundred kinds of unknown lines stay a short list")
  func manyShapes() {
    let odd = (1...100).map {
      String(repeating: "@", count: $0 % 55) + String(repeating: "!", count: $0) + "\n"
    }
    let report = report(on: odd.joined())
    #expect(report.sources[0].unparsed.count == 33)
    #expect(report.unparsedLines == 100)
    #expect(report.sources[0].unparsed.allSatisfy { $0.shape.utf8.count <= 60 })
  }

  @Test("300638003: a probe whose task unbinds its device is over, and one that lost lines proves nothing")
  func probeEndLost() {
    func mark(_ probe: String, _ symbol: String, _ driver: String? = nil) -> (task: String, event: String) {
      ("i", "\(probe): (\(symbol)+0x0/0x8c) dev=\"\(nic)\"" + (driver.map { " drv=\"\($0)\"" } ?? ""))
    }
    let told = ProbeLines.report([
      mark("rp", "really_probe", "native"), mark("sysfs", "driver_sysfs_add"), mark("devrm", "device_remove"),
      mark("unbind", "device_release_driver_internal"), mark("devrm", "device_remove"),
      mark("dclean", "pci_dma_cleanup"), mark("clean", "device_unbind_cleanup"),
      mark("bound", "driver_bound"),
    ])
    #expect(told.kernel.testDriverRemove == .unknown)
  }

  @Test(
    "what windows show of the kernel is doubted where lines between theirs are missing",
    arguments: [true, false])
  func windowsBeforeLoss(isBehind: Bool) {
    let window: [(task: String, event: String)] = [
      ("i", "rp: (really_probe+0x0/0x8c) dev=\"\(nic)\" drv=\"native\""),
      ("i", ProbeLines.entry("use", ProbeLines.use, nil, device: nic)),
      ("i", ProbeLines.result("use", ProbeLines.use, 0)),
      ("i", "devrm: (device_remove+0x0/0x8c) dev=\"\(nic)\""),
      ("i", ProbeLines.entry("unuse", ProbeLines.unuse, nil, device: nic)),
      ("i", ProbeLines.entry("use", ProbeLines.use, nil, device: nic)),
      ("i", ProbeLines.result("use", ProbeLines.use, 0)),
      ("i", "bound: (driver_bound+0x0/0x8c) dev=\"\(nic)\""),
    ]
    let mark = "##### CPU 1 buffer started ####\n"
    let text = ProbeLines.text(window)
    let told = report(on: "# tracer: nop\n" + (isBehind ? text + mark : mark + text))
    #expect(told.kernel.testDriverRemove == (isBehind ? .unknown : .fixed))
  }
}
