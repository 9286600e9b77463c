import DMALedger
import TestSupport
import Testing

/// Kernel logs as they come, byte for byte: recordings, and the lines that people paste.
@Suite("Recorded kernel logs")
struct LogFixtureTests {
  private func read(_ text: String) -> DecodedSource { DecodedSource(bytes: Array(text.utf8)) }

  private func sample(_ name: String) throws -> DecodedSource {
    DecodedSource(bytes: try SampleFiles.bytes("formats/\(name)"))
  }

  @Test(
    "the same messages, recorded with five tools, say the same",
    arguments: ["log-dmesg", "log-dmesg-iso", "log-dmesg-raw", "log-dmesg-json", "log-kmsg"])
  func oneLog(_ name: String) throws {
    let read = try sample(name)
    #expect(read.unparsed == [])
    #expect(
      Array(read.facts.prefix(9)) == [
        "added 0000:00:00.0 to 0", "added 0000:00:01.0 to 1", "added 0000:00:02.0 to 2",
        "added 0000:00:03.0 to 3",
        "added 0000:00:04.0 to 4", "added 0000:00:1f.0 to 5", "added 0000:00:1f.2 to 5",
        "added 0000:00:1f.3 to 5",
        "clock -481108420",
      ])
    #expect(read.facts.contains("probe of 0000:00:02.0 by e1000e = 0 after 177017"))
    #expect(read.facts.last == "probe of 0000:00:02.0 by e1000e = 0 after 122036")
    // As many as `grep` counts of the wordings in log-dmesg.
    #expect(read.facts.count == 28)
    #expect(read.facts == (try sample("log-dmesg")).facts)
    if name != "log-dmesg-iso" { #expect(read.timedFacts == (try sample("log-dmesg")).timedFacts) }
  }

  @Test("a serial console with firmware, colours and carriage returns is read from the first message on")
  func console() throws {
    let read = try sample("log-console")
    #expect(read.format == "kernel log")
    #expect(read.unparsed == [])
    #expect(read.facts.count == 9)
    #expect(read.facts.first == "boot of 7.3.4+deb13-amd64")
    #expect(read.facts.last == "added 0000:00:1f.3 to 5")
  }

  @Test(
    "a trace that was dumped into the log is read as a trace", arguments: ["log-dump-graph", "log-dump-raw"])
  func dump(_ name: String) throws {
    let read = try sample(name)
    #expect(read.unparsed == [])
    if name == "log-dump-graph" {
      #expect(read.events.contains { $0.kind == .leaf && $0.function == .use && $0.cpu == 1 })
    } else {
      #expect(read.facts.contains("probe of 0000:00:02.0 by e1000e = 0 after 174500"))
      // The task of a dumped event is in the dump, not in the prefix.
      #expect(read.events.allSatisfy { $0.pid == 110 })
    }
  }

  @Test("a dump is read in every dialect that keeps its columns", arguments: KernelLogDialect.all)
  func dumped(_ dialect: KernelLogDialect) throws {
    // Not these: a bare log has no columns of its own, and reltime's first line is wider than the others.
    let plain = String(decoding: try SampleFiles.bytes("formats/log-dump-graph"), as: UTF8.self)
    let records = plain.split(separator: "\n").enumerated().map { index, line in
      KernelLogRecord(236_418_454 + index, level: 0, String(line.dropFirst(15)))
    }
    try #require(records[1].text == "Dumping ftrace buffer:")
    let read = DecodedSource(bytes: dialect.write(records))
    let uses = read.events.filter { $0.function == .use && $0.kind == .leaf }
    #expect(uses.count == 1, "\(read.events.count)")
    #expect(read.unparsed == [])
  }

  @Test("losses are counted and told")
  func losses() {
    let text =
      "** 123 printk messages dropped **\n[    1.941250] pci 0000:00:00.0: Adding to iommu group 0\n"
      + "** replaying previous printk message **\n[    2.000000] iommu: 7 callbacks suppressed\n"
      + "[    3.000000] systemd-journald[1]: Missed 12 kernel messages\n"
    #expect(read(text).facts == ["dropped 123", "added 0000:00:00.0 to 0", "dropped 7", "dropped 12"])
    let told = report(on: text)
    #expect(
      told.diagnostics.contains {
        $0.line == 1 && $0.message.hasPrefix("142 messages of the kernel log are lost")
      })
  }

  @Test("a gap between the numbers of /dev/kmsg is a loss, a restart and a fragment are none")
  func gaps() {
    let text =
      "6,339,5140900,-;a\n6,340,5140901,-;b\n6,344,5140902,-;c\n6,344,5140902,-,ncfrag=900/1200;rest of c\n"
      + "6,0,0,-;Linux version 6.1.0 (x)\n6,1,0,-;d\n"
    let told = report(on: text)
    #expect(told.diagnostics.contains { $0.line == 3 && $0.message.hasPrefix("3 records are missing") })
    #expect(read(text).facts == ["boot of 6.1.0"])
  }

  @Test("a piece of a netconsole record is no message of its own")
  func fragments() {
    let text =
      "7.3.4,6,444,100,-,ncfrag=0/60;pci 0000:00:00.0: Adding to iommu group 0\n"
      + "7.3.4,6,444,100,-,ncfrag=44/60;pci 0000:00:09.0: Adding to iommu group 9\n taskname=sh\n release=7.3.4\n"
    #expect(read(text).facts == ["added 0000:00:00.0 to 0"])
    #expect(read(text).unparsed == [])
  }

  @Test("parts of a crash log that stand newest first are told")
  func parts() {
    let new = "Panic#1 Part1\n<6>[   80.000000] pci 0000:00:02.0: Adding to iommu group 2\n"
    let old =
      "Panic#1 Part2\n<6>[   10.000000] pci 0000:00:01.0: Adding to iommu group 1\n\nECC: No errors detected\n"
    let reversed = report(on: new + old)
    #expect(reversed.diagnostics.contains { $0.line == 3 && $0.message.contains("Part1 is the newest") })
    #expect(!report(on: old + new).diagnostics.contains { $0.message.contains("Part1 is the newest") })
    #expect(reversed.sources[0].unparsed == [])
  }

  @Test("pstore's function tracer is known and not believed")
  func pstoreCalls() {
    let text =
      "CPU:1 ts:12 ffffffff909a4480  ffffffff909a4897  really_probe <- __driver_probe_device+0x87/0x150\n"
    #expect(read(text).events.isEmpty)
    #expect(read(text).unparsed == [])
    #expect(report(on: text).diagnostics.contains { $0.message.contains("pstore") })
  }

  @Test("lines between the boots of a journal part them")
  func boots() {
    let text =
      "-- Logs begin at Sun 2026-11-22 08:15:26 UTC. --\nNov 22 08:15:27 h kernel: Linux version 6.1.0 (x)\n"
      + "-- Boot 0e0f0e0f0e0f0e0f0e0f0e0f0e0f0e0f --\nNov 22 09:15:27 h kernel: Linux version 6.1.1 (x)\n-- Reboot --\n"
    #expect(read(text).facts == ["boot of 6.1.0", "another boot", "boot of 6.1.1", "another boot"])
    #expect(read(text).unparsed == [])
  }

  @Test(
    "what stands around a message is taken off, byte for byte",
    arguments: [
      "kern  :info  : [    5.140900] @", "[Sun Nov 22 07:49:15 2026 <   14.300000>] @", "[ +14.300000] @",
      "[   19.990716][ T1234] @", "30,340,5690716,-,caller=T1;x\n6,341,5690716,-,caller=C0;@",
      "12,2324,223884212,-;esc \\x1b[31m tab\\x09 back\\x5cslash caf\\xc3\\xa9\n6,341,9990716,-;@\n SUBSYSTEM=pci\n"
        + " DEVICE=+pci:0000:03:00.0",
      "[    6.140900 <    1.000000 >] myhost kernel: @", "Sun 2026-11-22 08:15:26 UTC myhost kernel: @",
      "Probing EDD (edd=off to disable)... oc\u{1B}[?7l\u{1B}[2J[    0.000000] @",
      "login: [    5.140900] @", "13:37:00.123  <6>[    1.200000] @",
      "\u{1B}[32m[    5.140900] \u{1B}[0m\u{1B}[33m@\u{1B}[0m", "\\x1b[32m[    5.140900] \\x1b[0m@",
      "Nov 22 08:15:27 myhost kernel: #033[32m[    5.140900] #033[0m@", "^[[32m[    5.140900] ^[[0m@",
      "\u{1B}]0;title\u{07}[    5.140900] @", "\u{1B}(B[    5.140900] @", "\u{0}\u{0}[    5.140900] @",
      "{\"MESSAGE\" : null, \"_TRANSPORT\" : \"kernel\"}\n{\"_TRANSPORT\":\"kernel\",\"MESSAGE\":\"@\"}",
      "Nov 22 08:15:27 myhost kernel: [15B blob data]\nNov 22 08:15:27 myhost kernel: @",
      "Sun Nov 22 07:49:15 2026 kern.info kernel: [    5.140900] @",
      "[    5.140900] <LAVA_SIGNAL_ENDTC boot>\n[    5.140900] @",
    ])
  func wrapped(_ template: String) {
    let read = read(template.replacing("@", with: "pci 0000:03:00.0: Adding to iommu group 12") + "\n")
    #expect(read.facts == ["added 0000:03:00.0 to 12"])
    #expect(read.unparsed == [])
    #expect(read.format == "kernel log")
  }

  @Test(
    "what only looks like a message of the kernel is none",
    arguments: [
      // A program at a console, in a journal, in a container; a line of a sentence; a trace's own text.
      "[    5.000000] x\npci 0000:03:00.0: Adding to iommu group 12\n",
      "Nov 22 08:15:27 myhost kernel: x\nNov 22 08:15:27 myhost lab[1]: pci 0000:03:00.0: Adding to iommu group 12\n",
      "{\"_TRANSPORT\":\"stdout\",\"MESSAGE\":\"pci 0000:03:00.0: Adding to iommu group 12\"}\n",
      "{\"MESSAGE\":\"pci 0000:03:00.0: Adding to iommu group 12\",\"SYSLOG_FACILITY\":\"3\"}\n",
      "{\"component\":\"virt-launcher\",\"level\":\"info\",\"msg\":\"pci 0000:03:00.0: Adding to iommu group 12\"}\n",
      "# tracer: nop\n#\n            bash-112     [000] d....    34.497897: x: y\n"
        + "pci 0000:03:00.0: Adding to iommu group 12\n",
      "- {\"dt\": \"2026-01-04T12:00:03\", \"lvl\": \"debug\", \"msg\": \"[    1.000000] pci 0000:03:00.0: Adding to iommu group 12\"}\n",
    ])
  func strangers(_ text: String) {
    #expect(read(text).facts == [])
  }

  @Test("a splat names its task even if that is called like a program, and its file like a folder of drivers")
  func splats() {
    let text =
      "[    1.000000] WARNING: CPU: 1 PID: 1 at /build/linux/drivers/iommu/iommu.c:3167 "
      + "iommu_device_unuse_default_domain+0x4f/0x60\n"
      + "[    1.000000] CPU: 1 PID: 812 Comm: qemu-system-x86 Not tainted 6.1.0 #1\n"
    let facts = ["warning in unuse on 1 by ?/1", "task qemu-system-x86/812 on 1 of 6.1.0"]
    #expect(read(text).facts == facts)
    let bare = text.replacing("[    1.000000] ", with: "")
    #expect(read("Linux version 6.1.0 (x)\n" + bare).facts == ["boot of 6.1.0"] + facts)
  }

  @Test(
    "a program that speaks of a refusal in a syslog file does not make its neighbours words of the kernel")
  func neighbours() {
    let text =
      "Nov 22 08:15:27 myhost libvirtd[1]: vfio 0000:03:00.0: group 12 is not viable\n"
      + "Nov 22 08:15:28 myhost lab[1]: pci 0000:03:00.0: Adding to iommu group 12\n"
    #expect(read(text).facts == ["refused 12 to 0000:03:00.0"])
  }

  @Test("a GitLab line that comes in two pieces is one line, even where a number was cut")
  func pieces() {
    let head = "2026-07-21T18:06:18.101984Z 00O"
    let text =
      "\(head) [    1.000000] pci 0000:00:00.0: Adding to iommu group 1\n\(head)+2\n"
      + "2026-07-21T18:06:18.101984Z 00E other\n\(head) [    2.000000] pci 0000:00:01.0: Removing from iommu group 1\n\(head)+3\n"
    let read = read(text)
    #expect(read.facts == ["added 0000:00:00.0 to 12", "removed 0000:00:01.0 from 13"])
    #expect(read.events.map(\.line) == [1, 4])
    #expect(read.shownBy.first == "[    1.000000] pci 0000:00:00.0: Adding to iommu group 12")
  }
}
