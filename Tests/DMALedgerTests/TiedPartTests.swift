import DMALedger
import TestSupport
import Testing

/// Files of one CPU each in which several CPUs show the same time: which event came first they do not tell.
@Suite("Parts of a trace: equal times")
struct TiedPartTests {
  private static let group = "grp=0xff110001005f6900 id=7"
  private static let nic = "0000:03:00.0"
  private static let audio = "0000:03:00.1"

  /// An event: its CPU, its task, microseconds, and the text.
  typealias Line = (cpu: Int, task: String, time: Int, body: String)

  /// Files of one CPU each, whose header has the number of all records.
  static func files(_ lines: [Line]) -> [String] {
    (0..<4).compactMap { cpu in
      let own = lines.filter { $0.cpu == cpu }
      if own.isEmpty { return nil }
      let header =
        "# tracer: nop\n#\n# entries-in-buffer/entries-written: \(lines.count)/\(lines.count)   #P:4\n#\n"
      return header
        + own.map { "  \($0.task) [00\($0.cpu)] ..... 5.\(100_000 + $0.time): \($0.body)\n" }.joined()
    }
  }

  static func report(_ lines: [Line]) -> Report {
    let reports = [files(lines), files(lines).reversed()].map { files in
      var analyzer = Analyzer()
      let inputs = files.map { text in
        // Named by their CPU, in whatever order they come.
        SourceInput.bytes(
          Array(text.utf8), name: "cpu" + (text.firstMatch(of: #/\[00(\d)\]/#).map { "\($0.1)" } ?? ""))
      }
      #expect(analyzer.read(inputs, heads: analyzer.heads(of: inputs)).isEmpty)
      return analyzer.finish()
    }
    #expect(ReportDigest(reports[0]) == ReportDigest(reports[1]))
    return reports[0]
  }

  private static func use(_ device: String, _ state: String = group) -> String {
    "use: (iommu_device_use_default_domain+0x0/0x8c) dev=\"\(device)\" \(state)"
  }
  private static func unuse(_ device: String, _ state: String = group) -> String {
    "unuse: (iommu_device_unuse_default_domain+0x0/0x8c) dev=\"\(device)\" \(state)"
  }
  private static let used = "use_ret: (really_probe+0x120/0x396 <- iommu_device_use_default_domain) ret=0"
  private static let unused = "unuse_ret: (really_probe+0x120/0x396 <- iommu_device_unuse_default_domain)"
  private static let query = "query: (iommu_group_dma_owner_claimed+0x0/0x2c) \(group)"
  private static func queried(_ code: Int) -> String {
    "query_ret: (vfio_group_fops_unl_ioctl+0x8e/0x147 <- iommu_group_dma_owner_claimed) ret=\(code)"
  }

  @Test("counts of calls of the same time are told as far as every order agrees")
  func twoOrders() throws {
    let report = Self.report([
      (0, "init-1", 0, Self.use(Self.nic, Self.group + " cnt=0 own=0x0")), (0, "init-1", 10, Self.used),
      (0, "init-1", 20, Self.unuse(Self.nic)), (0, "init-1", 20, Self.unused),
      (1, "kworker-57", 20, Self.use(Self.audio)), (1, "kworker-57", 20, Self.used),
    ])
    let group = try #require(report.group(7))
    #expect(group.initial.exact == 0)
    #expect(group.final.exact == 1)
    // 1 if the unuse came first, 2 if the use did.
    #expect(group.peak == Count(min: 1, max: 2))
    #expect(group.changes.count == 3)
    #expect(group.changes.dropFirst().allSatisfy { $0.before.exact == nil })
  }

  @Test("a code tells which of two calls of the same time came first")
  func oneOrder() throws {
    let report = Self.report([
      (1, "init-1", 0, Self.use(Self.nic, Self.group + " cnt=0 own=0x0")), (1, "init-1", 10, Self.used),
      (0, "init-1", 20, Self.unuse(Self.nic)), (0, "init-1", 20, Self.unused),
      (1, "qemu-900", 20, Self.query), (1, "qemu-900", 20, Self.queried(1)),
    ])
    let group = try #require(report.group(7))
    #expect(group.final.exact == 0)
    #expect(group.peak.exact == 1)
    #expect(report.verdict == .balanced, "\(report.reasons)")
  }

  @Test("a call that returns on another CPU at the same time is one call", arguments: [(0, 1), (1, 0)])
  func migration(from: Int, to: Int) throws {
    let report = Self.report([
      (from, "init-1", 0, Self.use(Self.nic, Self.group + " cnt=0 own=0x0")), (from, "init-1", 10, Self.used),
      (from, "init-1", 20, Self.use(Self.audio, Self.group + " cnt=1 own=0x0")),
      (to, "init-1", 20, Self.used),
      (to, "init-1", 30, Self.unuse(Self.audio)), (to, "init-1", 40, Self.unused),
      (to, "init-1", 50, Self.unuse(Self.nic)), (to, "init-1", 60, Self.unused),
    ])
    let group = try #require(report.group(7))
    #expect(group.changes.map(\.call) == [.use, .use, .unuse, .unuse])
    #expect(group.changes.map(\.result) == [0, 0, nil, nil])
    #expect(group.final.exact == 0)
    #expect(report.verdict == .balanced, "\(report.reasons)")
  }

  @Test("what one task does on two CPUs at the same time has no order where nothing nests")
  func openMigration() throws {
    let report = Self.report([
      (0, "init-1", 0, Self.use(Self.nic, Self.group + " cnt=0 own=0x0")), (0, "init-1", 10, Self.used),
      (0, "init-1", 20, Self.unuse(Self.nic)), (0, "init-1", 20, Self.unused),
      (1, "init-1", 20, Self.use(Self.nic)), (1, "init-1", 20, Self.used),
    ])
    #expect(report.verdict == .inconclusive)
    #expect(report.group(7)?.final.exact == nil)
    let lost = try #require(report.findings.first { $0.rule == .evidenceLost })
    #expect(lost.message.contains("the same time"))
    #expect(lost.remedy.contains("`trace`"))
    // Neither a leak nor an over-release.
    #expect(report.findings.allSatisfy { $0.severity != .error })
  }

  @Test("one device in two tasks at the same time has no order")
  func oneDevice() {
    let report = Self.report([
      (1, "init-1", 0, Self.use(Self.nic, Self.group + " cnt=0 own=0x0")), (1, "init-1", 10, Self.used),
      (1, "init-1", 20, Self.unuse(Self.nic)), (1, "init-1", 20, Self.unused),
      (0, "kworker-57", 20, Self.use(Self.nic)), (0, "kworker-57", 20, Self.used),
    ])
    #expect(report.verdict == .inconclusive)
    #expect(report.findings.allSatisfy { $0.severity != .error })
  }

  @Test("events of the same time that bear on different groups lose nothing")
  func apart() {
    let other = "grp=0xff110001005f7000 id=8"
    let report = Self.report([
      (0, "init-1", 0, Self.use(Self.nic, Self.group + " cnt=0 own=0x0")),
      (1, "kworker-57", 0, Self.use("0000:04:00.0", other + " cnt=0 own=0x0")),
      (0, "init-1", 10, Self.used), (1, "kworker-57", 10, Self.used),
      (0, "init-1", 20, Self.unuse(Self.nic)), (1, "kworker-57", 20, Self.unuse("0000:04:00.0", other)),
      (0, "init-1", 30, Self.unused), (1, "kworker-57", 30, Self.unused),
    ])
    #expect(report.verdict == .balanced, "\(report.reasons)")
    #expect(report.groups.map(\.final.exact) == [0, 0])
    #expect(report.changes.allSatisfy { $0.before.exact != nil && $0.after.exact != nil })
  }

  @Test("a clock that stands still leaves open what came when")
  func standingClock() {
    var lines: [Line] = [
      (0, "init-1", 0, Self.use(Self.nic, Self.group + " cnt=0 own=0x0")), (0, "init-1", 1, Self.used),
    ]
    for index in 0..<200 {
      let cpu = index / 2 % 2
      let device = cpu == 0 ? Self.nic : Self.audio
      lines.append(
        (
          cpu, cpu == 0 ? "init-1" : "kworker-57", 20,
          index % 4 < 2 && index % 2 == 0 ? Self.unuse(device) : Self.use(device)
        ))
    }
    let report = Self.report(lines)
    #expect(report.verdict == .inconclusive)
    #expect(report.group(7)?.final.max == nil)
    #expect(report.findings.count { $0.rule == .evidenceLost } == 1)
  }

  private static func mark(_ probe: String, _ symbol: String, _ device: String) -> String {
    "\(probe): (\(symbol)+0x0/0x8c) dev=\"\(device)\" drv=\"native0\""
  }

  @Test("where order is lost no call is: it returns later, once")
  func openWhereOrderIsLost() {
    let state = Self.group + " own=0x0 cnt="
    let report = Self.report([
      (0, "init-1", 0, Self.mark("rp", "really_probe", Self.nic)),
      // What came first here nothing tells, but the use was last.
      (1, "init-1", 20, Self.mark("sysfs", "driver_sysfs_add", Self.audio)),
      (0, "init-1", 20, Self.mark("conf", "pci_dma_configure", Self.nic)),
      (0, "init-1", 20, Self.use(Self.nic, state + "0")),
      (0, "init-1", 40, Self.used + " " + state + "1"),
      (0, "init-1", 40, Self.mark("sysfs", "driver_sysfs_add", Self.nic)),
      (1, "init-1", 40, Self.mark("devrm", "device_remove", Self.nic)),
      (1, "init-1", 40, Self.use(Self.nic, state + "1")),
      (1, "init-1", 60, Self.used + " " + state + "2"),
    ])
    let counts = report.changes.map { [$0.before, $0.after] }
    #expect(counts.count == 2)
    #expect(
      zip(counts, [[0, 1], [1, 2]]).allSatisfy { told, real in
        zip(told, real).allSatisfy { $0.min <= $1 && $0.max ?? .max >= $1 }
      })
    #expect(report.group(7)?.final.exact == 2)
  }

  @Test("a call that nobody will see return may take effect behind the time at which order was lost")
  func effectBehindLostOrder() throws {
    let report = Self.report([
      (1, "kworker-57", 0, Self.use(Self.audio)),
      (1, "kworker-57", 10, Self.mark("sysfs", "driver_sysfs_add", Self.audio)),
      // The hook may be a sign of an unuse that nobody watches.
      (0, "init-1", 20, Self.use(Self.nic)),
      (1, "kworker-57", 20, Self.mark("dclean", "pci_dma_cleanup", Self.audio)),
      (1, "kworker-57", 30, Self.unuse(Self.audio)),
      (1, "kworker-57", 40, Self.mark("clean", "device_unbind_cleanup", Self.audio)),
      (0, "init-1", 50, Self.mark("sysfs", "driver_sysfs_add", Self.nic)),
      (0, "init-1", 60, Self.unuse(Self.nic)),
      (0, "init-1", 70, Self.mark("clean", "device_unbind_cleanup", Self.nic)),
    ])
    let group = try #require(report.group(7))
    // 0, 1, 0, 1, 0.
    #expect(group.peak.min <= 1)
  }

  @Test("a call that is open where order was lost may have come before those of that time")
  func openBesideOthers() throws {
    let owner = Self.group + " own=0xff24580882aa8840"
    let free = Self.group + " own=0x0"
    let report = Self.report([
      (0, "qemu-900", 20, "dclaim: (iommu_device_claim_dma_owner+0x0/0x8c) dev=\"\(Self.nic)\" \(free)"),
      (0, "qemu-900", 20, "dclaim_ret: (x+0x20/0x396 <- iommu_device_claim_dma_owner) ret=0"),
      (0, "init-1", 20, Self.use(Self.nic, free)), (0, "init-1", 20, Self.used),
      (1, "qemu-900", 20, "drelease: (iommu_device_release_dma_owner+0x0/0x8c) dev=\"\(Self.nic)\" \(owner)"),
      (0, "init-1", 30, Self.mark("devrm", "device_remove", Self.nic)),
      (1, "init-1", 40, Self.use(Self.nic, free)), (1, "init-1", 50, Self.used),
      (1, "init-1", 60, Self.unuse(Self.nic, free)),
      (1, "init-1", 70, Self.mark("clean", "device_unbind_cleanup", Self.nic)),
    ])
    let group = try #require(report.group(7))
    // Two were taken and one was given back.
    #expect(group.final.max ?? .max >= 1)
    #expect(group.verdict != .balanced)
  }

  @Test("1202735016: what a driver holds that took and gave back at the same time nobody knows")
  func holderWithoutOrder() throws {
    func state(_ count: Int) -> String { Self.group + " cnt=\(count) own=0x0" }
    let report = Self.report([
      (1, "init-1", 0, Self.use(Self.nic, state(0))),
      (1, "init-1", 10, "sysfs: (driver_sysfs_add+0x0/0x8c) dev=\"\(Self.nic)\""),
      (1, "qemu-900", 20, "query: (iommu_group_dma_owner_claimed+0x0/0x2c) \(state(1))"),
      (0, "init-1", 30, Self.unuse(Self.nic, state(2))),
      (1, "init-1", 30, "rp: (really_probe+0x0/0x396) dev=\"\(Self.nic)\" drv=\"native1\""),
      (1, "init-1", 30, Self.use(Self.nic, state(1))),
      (1, "init-1", 30, "sysfs: (driver_sysfs_add+0x0/0x8c) dev=\"\(Self.nic)\""),
      (0, "qemu-900", 40, "query: (iommu_group_dma_owner_claimed+0x0/0x2c) \(state(1))"),
    ])
    let group = try #require(report.group(7))
    #expect(group.excess.max != 0)
    #expect(group.holders.allSatisfy { $0.kind == .unknown })
  }
}
