import DMALedger
import TestSupport
import Testing

@Suite("What a record says")
struct BodyTests {
  static let use = "iommu_device_use_default_domain"
  static let claim = "iommu_group_claim_dma_owner"

  // MARK: Probes

  static let entries: [String] = [
    "use: (\(use)+0x0/0x8c)",
    "use: (\(use)+0x4/0x8c)",
    "use: (\(use)+0x0/0x8c <ffffffff909a4350>)",
    "use: (\(use)+0x4/0xcd0 [iommu])",
    "use: (\(use)+0x4/0xcd0 [iommu] <ffffffffc0827d74>)",
    "use: (\(use).isra.0+0x0/0x8c)",
    "use: (\(use).constprop.0.isra.12+0x0/0x8c)",
    "use: (\(use).llvm.1234567890123+0x0/0x8c)",
    "really_odd_name9: (\(use)+0x0/0x8c)",
    "use: (ffffffff8bda4480)",
    "p_\(use)_0: (ffffffff8bda4480)",
    "\(use)__entry: (ffffffff8bda4480)",
    "own:use: (ffffffff929a4480)",
    "use: __probe_ip=\(use)+0x0/0x8c (-1868938416)",
    "use: __probe_ip=\(use)+0x4/0x8c [iommu] (-1868938416)",
    "use:                  (ffffffff8bda4480)",
    "use:                   __probe_ip=ffffffff8bda4480",
  ]

  @Test("an entry probe is known by its symbol, its address or its name", arguments: entries)
  func entry(body: String) {
    let change = only(body + " dev=\"0000:00:02.0\" drv=\"e1000e\" id=3 cnt=7 own=0x0")
    #expect(change?.call == .use)
    #expect(change?.device == "0000:00:02.0")
    #expect(change?.driver == "e1000e")
    #expect(change?.before == Count(exactly: 7))
    #expect(change?.result == nil)
  }

  static let returns: [String] = [
    "use_ret: (really_probe+0x120/0x396 <- \(use)) ret=0",
    "use_ret: (really_probe+0x120/0x396 <- \(use)) ret=0x0",
    "use_ret: (really_probe+0x120/0x396 <- \(use)) arg1=0x0",
    "use_ret: (really_probe+0x120/0x396 <ffffffff909a4897> <- \(use) <ffffffff909a4480>) ret=0",
    "use_ret: (local_pci_probe+0x41/0x90 [pci] <- \(use)) ret=0",
    "use_ret: (local_pci_probe+0x41/0x90 [pci] <ffffffffba3cee21> <- \(use) <ffffffffc0827d74>) ret=0",
    "use_ret: (arch_rethook_trampoline+0x0/0x60 <- \(use)) ret=0",
    "use_ret: ([unknown/kretprobe'd] <- \(use)) ret=0",
    "use_ret: (0xffffffff909a4897 <- \(use)) ret=0",
    "use_ret: (really_probe+0x120/0x396 <- \(use).isra.0) ret=0",
    "use_ret: (ffffffff8bda4480 <- ffffffff8bda4917) ret=0",
    "own:use_x: (ffffffff8bda4480 <- ffffffff8bda4917) ret=0",
    "use_ret: __probe_func=\(use)+0x0/0x8c (-18) __probe_ret_ip=really_probe+0x120/0x396 (-19) ret=0x0 (0)",
    "use_ret:               __probe_func=ffffffff8bda4480 __probe_ret_ip=ffffffff8bda4917 ret=0",
  ]

  @Test("a return probe brings the code, whichever way round its places stand", arguments: returns)
  func exit(body: String) {
    let change = only(body + " dev=\"0000:00:02.0\" id=3 cnt=8")
    #expect(change?.call == .use)
    // Alone among its arguments an unnamed value is the result; here it has company.
    #expect(change?.result == (body.contains("arg1") ? nil : 0))
    #expect(change?.device == "0000:00:02.0")
    #expect(change?.after == Count(exactly: 8) || body.contains("arg1"))
  }

  @Test(
    "return codes are read in every spelling",
    arguments: [
      ("ret=-16", -16), ("ret=0xfffffffffffffff0", -16), ("ret=0xfffffff0", -16), ("ret=0", 0),
      ("ret=0x0", 0),
      ("ret=4294967280", -16), ("ret=18446744073709551600", -16), ("rets=-1", -1), ("result=-1", -1),
      ("retval=-16", -16), ("rc=0", 0),
      ("rv=-1", -1),
      ("arg1=0xffffffff", -1), ("ret=0xffffffff (-1)", -1),
    ])
  func results(field: String, code: Int) {
    #expect(
      only("x: (a+0x1/0x2 <- \(Self.claim)) \(field)", entry: "c: (\(Self.claim)+0x0/0xc8) id=3 cnt=0")?
        .result == code)
  }

  @Test(
    "a query's bool is read from a byte and from a wide register",
    arguments: [
      ("ret=1", 1), ("ret=0", 0), ("ret=0x1", 1), ("ret=(1)", 1), ("ret=(0)", 0),
      ("ret=0xff11000101884001", 1),
      ("ret=0xff11000101884000", 0),
    ])
  func queries(field: String, code: Int) {
    let query = "iommu_group_dma_owner_claimed"
    #expect(
      only("x: (a+0x1/0x2 <- \(query)) \(field)", entry: "q: (\(query)+0x0/0x2c) id=3 cnt=\(code)")?.result
        == code)
  }

  // MARK: Fields

  @Test(
    "fields are known by meaning",
    arguments: [
      "dev=\"0000:00:02.0\" drv=\"e1000e\" grp=3 cnt=7",
      "name=\"0000:00:02.0\" drv=\"e1000e\" id=3 owner_cnt=0x7 owner=0x0",
      "devname=\"0000:00:02.0\" drvname=\"e1000e\" group_id=3 count=7",
      "bdf=\"0000:00:02.0\" driver=\"e1000e\" iommu_group_id=3 own_cnt=7",
      "device=\"0000:00:02.0\" driver_name=\"e1000e\" grp=0xff110001005f6900 id=3 cnt=7",
      "dev=0xffff8bd0410a10d0 drv=0xffffffffc016b248 devn=\"0000:00:02.0\" drvname=\"e1000e\" gid=3 cnt=7",
      "dev_name=\"0000:00:02.0\" drv_name=\"e1000e\" groupid=3 cnt=7 other=\"cnt=9\"",
      "other=\"a b=\" dev=\"0000:00:02.0\" drv=\"e1000e\" id=3 cnt=7",
      "cnt=7 id=3 drv=\"e1000e\" dev=\"0000:00:02.0\"",
    ])
  func fields(arguments: String) {
    let report = report(
      on: "            bash-112     [000] .....    34.497897: u: (\(Self.use)+0x0/0x8c) \(arguments)\n")
    let change = report.changes.first
    #expect(change?.device == "0000:00:02.0")
    #expect(change?.driver == "e1000e")
    #expect(change?.before == Count(exactly: 7))
    #expect(report.groups.first?.id == GroupID(3))
  }

  @Test("a string that faulted is no name, and a quote inside a string is no end")
  func strings() {
    #expect(only("u: (\(Self.use)+0x0/0x8c) dev=\"0000:00:02.0\" drv=(fault) id=3 cnt=7")?.driver == nil)
    let quoted = only(
      "u: (\(Self.use)+0x0/0x8c) drv=\"with \"quote\" and\ttab\" dev=\"0000:00:02.0\" id=3 cnt=7")
    #expect(quoted?.driver == "with \"quote\" and\ttab")
    #expect(quoted?.device == "0000:00:02.0")
  }

  @Test("stale bytes behind a NULL group are not believed")
  func nullGroup() {
    let null = report(
      on: line("u: (\(Self.use)+0x0/0x8c) dev=\"serial8250\" grp=0x0 id=-1 cnt=9154150 own=0x0"))
    #expect(null.groups.isEmpty && null.unattributed.total == 0)
    let doubted = report(on: line("u: (\(Self.use)+0x0/0x8c) dev=\"serial8250\" id=0 cnt=0"))
    #expect(doubted.groups.isEmpty)
    #expect(doubted.diagnostics.contains { $0.message.contains("stale bytes") })
    let absurd = report(on: line("u: (\(Self.use)+0x0/0x8c) dev=\"0000:00:02.0\" id=808334128 cnt=0"))
    #expect(absurd.groups.isEmpty)
  }

  // MARK: The function tracer

  @Test(
    "the function tracer's lines are calls without a group",
    arguments: [
      "\(use) <-pci_dma_configure",
      "\(use)+0x4/0x70 <-notifier_call_chain+0x61/0xd0",
      "\(use) <ffffffff909a4480> <-__driver_probe_device <ffffffff909a4897>",
      "\(use)(dev=0xffff8bd0410a10d0) <-pci_dma_configure",
      "\(use)() <-pci_dma_configure",
      "\(use)+0x0/0x380 <ffffffff909a4480>(dev=0xffff8bd0410a10d0) <-pci_dma_configure+0x87/0x150 <ffffffff909a4897>",
      "\(use)",
      "\(use) <-[unknown/kretprobe'd]",
      "\(use) <-0",
      "\(use).isra.0 <-pci_dma_configure",
      "\(use) <-security_vm_enough_memory_mm (repeats: 8, last_ts:   213.709303)",
      "function:             \(use)",
      "function:                \(use)",
      "function:             \(use) <-- pci_dma_configure",
      "function:             \(use)+0x4 ",
      "function:              ip=\(use) parent_ip=pci_dma_configure args=ARRAY[]",
      "ftrace:function: \(use) <-- pci_dma_configure",
    ])
  func functionLines(body: String) {
    let report = report(on: line(body))
    #expect(report.unparsedLines == 0)
    #expect(report.unattributed[.use] == 1)
    #expect(report.unattributed.total == 1)
  }

  // MARK: Tracepoints

  @Test(
    "the iommu tracepoints name the members of a group",
    arguments: [
      "add_device_to_group: IOMMU: groupID=3 device=0000:00:02.0",
      "add_device_to_group:  IOMMU: groupID=3 device=0000:00:02.0",
      "add_device_to_group: gid=0x3 (3) device=0000:00:02.0",
      "add_device_to_group:   gid=3 device=0000:00:02.0",
      "iommu:add_device_to_group: IOMMU: groupID=3 device=0000:00:02.0",
    ])
  func membership(body: String) {
    let joined = report(
      on: line(body) + line("u: (\(Self.use)+0x0/0x8c) dev=\"0000:00:02.0\"")
        + line("r: (really_probe+0x1/0x2 <- \(Self.use)) ret=0"))
    #expect(joined.unparsedLines == 0)
    #expect(joined.groups.first?.id == GroupID(3))
    #expect(joined.changes.map(\.result) == [0])
  }

  // MARK: What is none of ours

  @Test(
    "what only mentions a function is no call",
    arguments: [
      "tracing_mark_write: \(use) <-really_probe",
      "tracing_mark_write: use: (\(use)+0x0/0x8c) dev=\"0000:00:02.0\" id=3 cnt=7",
      "tracing_mark_write <ffffffff90122746>: hello",
      "# 1 buf: aa bb 00 00",
      "\(use)_not <-really_probe",
      "x\(use) <-really_probe",
      "\(use).cold <-really_probe",
      "\(use) is slow",
      "really_probe: my text",
      "u: (\(use)+0x54/0x8c) dev=\"0000:00:02.0\" id=3 cnt=7",
      "u: (\(use)_not+0x0/0x8c) dev=\"0000:00:02.0\" id=3 cnt=7",
      "u: (0x55d0c0ffee00) dev=\"0000:00:02.0\" id=3 cnt=7",
      "u: (0x55d0c0ffee00 <- 0x55d0c0ffee10) ret=0",
      "ep_iommu: (iommu.attach_device_to_domain) dev=\"0000:00:02.0\"",
      "module_load: e1000e ",
      "sys_openat(dfd: 4294967196, filename: 140725875826552 \"/etc/hostname\", flags: O_RDONLY)",
      "sys_openat -> 0x3",
      "sched_wakeup: comm=\(use) pid=15 prio=120 target_cpu=001",
      "    112:120:R ==> [001]      54:120:S kworker/1:2",
      "    112:120:R   + [001]      54:120:S kworker/1:2",
      "vals={0x1,0x2} ch='A' sarr={(fault),\"x\"}",
      "<stack trace>",
      "<user stack trace>",
      "Unknown type 17",
      "<OVERFLOW>",
      "",
      ":",
      "u: (",
      "u: (\(use)",
      "add_device_to_group: IOMMU: groupID=",
    ])
  func irrelevant(body: String) {
    let report = report(on: line(body))
    #expect(report.unparsedLines == 0)
    #expect(report.sources[0].events == 0)
    #expect(report.sources[0].understoodLines == 1)
    #expect(report.groups.isEmpty)
    #expect(report.unattributed.total == 0)
  }

  // MARK: -

  private func line(_ body: String) -> String {
    "            bash-112     [000] .....    34.497897: \(body)\n"
  }

  /// The one change that a line, or an entry and its return, must give.
  private func only(_ body: String, entry: String? = nil) -> Change? {
    let report = report(on: (entry.map(line) ?? "") + line(body))
    #expect(report.unparsedLines == 0)
    #expect(report.changes.count == 1)
    #expect(report.groups.first?.id == GroupID(3))
    return report.changes.first
  }
}
