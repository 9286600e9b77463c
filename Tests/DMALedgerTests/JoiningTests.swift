import DMALedger
import TestSupport
import Testing

/// Which device and group a names-only trace takes from a kernel log, and where it takes none.
@Suite("Joining trace and log")
struct JoiningTests {
  /// Three binds on a quiet machine, the moments of none of them like another's.
  private static let story = ProbeStory(
    [
      .init("0000:00:03.0", "e1000e", at: 21_300_000),
      .init("0000:02:01.0", "e1000", at: 24_713_000, length: 411_000, pid: 211),
      .init("0000:02:02.0", "e1000", at: 29_151_000, length: 377_000, pid: 215),
    ], groups: [("0000:00:03.0", 1), ("0000:01:00.0", 9), ("0000:02:01.0", 9), ("0000:02:02.0", 9)])
  private static let truth = [
    "1 0000:00:03.0 e1000e consistent", "9 0000:02:01.0 e1000 consistent", "9 0000:02:02.0 e1000 consistent",
  ]

  private func joined(_ trace: String, _ log: String, _ options: Analyzer.Options = .init()) -> Report {
    var analyzer = Analyzer(options: options)
    analyzer.read(bytes: Array(trace.utf8), name: "trace.txt")
    analyzer.read(bytes: Array(log.utf8), name: "dmesg.txt")
    return analyzer.finish()
  }

  private func leaks(_ report: Report) -> [String] {
    report.findings.filter { $0.rule == .testRemoveLeak && $0.certainty > .suspected }.map {
      "\($0.group?.value ?? -1) \($0.device ?? "?") \($0.driver ?? "?") \($0.certainty)"
    }.sorted()
  }

  private func says(_ report: Report, _ words: String) -> Bool {
    report.diagnostics.contains { $0.message.contains(words) }
  }

  // MARK: Kinds of lines

  @Test(
    "each kind of probe line names device, driver and group",
    arguments: [
      [ProbeStory.Line.groups, .probing], [.groups, .probing, .bound], [.groups, .returned],
      [.groups, .probing, .bound, .returned], [.groups, .bound, .returned],
    ])
  func kinds(_ kinds: [ProbeStory.Line]) {
    for showsCaller in [false, true] {
      let report = joined(Self.story.trace(), Self.story.log(kinds, showsCaller: showsCaller))
      #expect(leaks(report) == Self.truth)
      #expect(report.verdict == .unbalanced)
    }
  }

  @Test(
    "a window without a line is forgiven to a log that says it lost messages, and to no other",
    arguments: [
      "** 3 printk messages dropped **", "[   23.000000] systemd[1]: printk: 3 messages suppressed.", nil,
    ] as [String?])
  func droppedMessages(marker: String?) {
    let story = ProbeStory(
      Array(Self.story.binds.prefix(2)), groups: [("0000:00:03.0", 1), ("0000:02:01.0", 9)])
    var lines = story.log([.groups, .probing, .bound]).split(separator: "\n").map(String.init)
    lines.removeAll { $0.contains("0000:00:03.0") && !$0.contains("iommu group") }
    if let marker { lines.append(marker) }
    let report = joined(story.trace(), lines.joined(separator: "\n") + "\n")
    let isForgiven = marker?.hasPrefix("**") == true
    #expect(leaks(report) == (isForgiven ? ["9 0000:02:01.0 e1000 consistent"] : []))
    #expect(report.verdict == (isForgiven ? .unbalanced : .inconclusive))
  }

  @Test("without a line that announces a group nothing is given to one")
  func noGroups() {
    let report = joined(Self.story.trace(), Self.story.log([.probing, .bound]))
    #expect(report.groups.isEmpty)
    #expect(leaks(report) == [])
    #expect(report.verdict == .inconclusive)
  }

  @Test("a console event in the trace names its own task's window, whatever else is in flight")
  func consoleEvents() {
    let story = ProbeStory(
      [
        .init("0000:00:03.0", "e1000e", at: 21_300_000),
        .init("0000:02:01.0", "e1000", at: 21_300_020, pid: 9),
      ],
      groups: [("0000:00:03.0", 1), ("0000:02:01.0", 9)])
    let console = [
      (21_300_050, 9, "pci 0000:02:01.0: bus: 'pci': really_probe: probing driver e1000 with device"),
      (21_300_060, 1, "pci 0000:00:03.0: bus: 'pci': really_probe: probing driver e1000e with device"),
    ].map { time, pid, text in
      "            task-\(pid)  [000] .....  21.\(time % 1_000_000): console: \(text)"
    }
    let announced = [
      "            task-1  [000] .....  20.000001: console: pci 0000:00:03.0: Adding to iommu group 1",
      "            task-1  [000] .....  20.000002: console: pci 0000:02:01.0: Adding to iommu group 9",
    ]
    var lines = announced + story.trace().split(separator: "\n").map(String.init)
    lines.insert(contentsOf: console, at: 4)
    let told = report(on: lines.joined(separator: "\n") + "\n")
    #expect(told.unparsedLines == 0)
    #expect(leaks(told) == ["1 0000:00:03.0 e1000e consistent", "9 0000:02:01.0 e1000 consistent"])
  }

  // MARK: Two probes in flight

  @Test("two probes in flight are told apart by the caller, by the end of the probe, or not at all")
  func inFlight() {
    let story = ProbeStory(
      [
        .init("0000:00:03.0", "e1000e", at: 21_300_000, length: 300_000),
        .init("0000:02:01.0", "e1000", at: 21_300_050, length: 411_000, pid: 211),
      ], groups: [("0000:00:03.0", 1), ("0000:02:01.0", 9)])
    let both = ["1 0000:00:03.0 e1000e consistent", "9 0000:02:01.0 e1000 consistent"]
    #expect(leaks(joined(story.trace(), story.log([.groups, .probing]))) == [])
    #expect(leaks(joined(story.trace(), story.log([.groups, .probing], showsCaller: true))) == both)
    #expect(leaks(joined(story.trace(), story.log([.groups, .probing, .bound]))) == both)
  }

  @Test("a caller that is not the window's task rules a line out")
  func foreignCaller() {
    let log = Self.story.log(showsCaller: true).replacing("T211]", with: "T212]")
    let report = joined(Self.story.trace(), log)
    #expect(!leaks(report).contains { $0.contains("0000:02:01.0") })
  }

  @Test(
    "an end that contradicts the window refutes the debug line",
    arguments: [
      ("returned 0 after 411400", "returned -16 after 411400"),
      ("returned 0 after 411400", "returned 19 after 411400"),
    ])
  func contradictedEnd(_ told: String, _ instead: String) {
    let log = Self.story.log([.groups, .probing, .returned])
    #expect(log.contains(told))
    let report = joined(Self.story.trace(), log.replacing(told, with: instead))
    #expect(!leaks(report).contains { $0.contains("0000:02:01.0") })
  }

  // MARK: Logs that do not belong to the trace

  @Test("a log of another boot names nothing, wherever it lies", arguments: [-3_000_000, 0, 7_345_678])
  func anotherBoot(_ shift: Int) {
    // The same devices in the same order, each some milliseconds off, as the next boot has it.
    var other = Self.story
    for (index, error) in [0, 23_000, -41_000].enumerated() { other.binds[index].start += error + shift }
    let report = joined(Self.story.trace(), other.log())
    #expect(leaks(report) == [])
    #expect(report.groups.isEmpty)
    #expect(says(report, "nothing was joined"))
  }

  @Test("the log of one capture names nothing in another, in every pair of recordings")
  func crossed() throws {
    let folders = ["7.3-unfixed-late-function", "7.3-unfixed-late-graph-retval", "7.3-fixed-late-function"]
    for trace in folders {
      for log in folders + ["6.1-fixed-late-probes"] where log != trace {
        var analyzer = Analyzer()
        analyzer.read(bytes: try Checkout.bytes("samples/\(trace)/trace.txt"), name: "trace.txt")
        analyzer.read(bytes: try Checkout.bytes("samples/\(log)/dmesg.txt"), name: "dmesg.txt")
        let report = analyzer.finish()
        #expect(report.groups.isEmpty, "\(trace) with the log of \(log)")
        #expect(leaks(report) == [])
        #expect(says(report, "nothing was joined"))
      }
    }
  }

  @Test("a log that lacks a window's line names only what a second line confirms")
  func missingLine() {
    var lines = Self.story.log().split(separator: "\n").map(String.init)
    lines.removeAll { $0.contains("0000:00:03.0: bus: 'pci': really_probe: probing") }
    let report = joined(Self.story.trace(), lines.joined(separator: "\n") + "\n")
    #expect(leaks(report) == Array(Self.truth.dropFirst()))
    // Without the lines of driver_bound() nothing confirms them.
    let bare = lines.filter { !$0.contains("driver_bound") }.joined(separator: "\n") + "\n"
    #expect(leaks(joined(Self.story.trace(), bare)) == [])
  }

  @Test(
    "one line delayed by milliseconds takes no other window's place", arguments: [3_000, 8_000, 1_200_000])
  func delayedLine(_ delay: Int) {
    var other = Self.story
    other.binds[1].start += delay
    other.binds[1].length -= delay
    let report = joined(Self.story.trace(), other.log())
    #expect(Set(leaks(report)).isSubset(of: Self.truth))
  }

  @Test("a log of another kernel than the trace's header names is not joined")
  func anotherKernel() {
    let header = "# function latency trace v1.1.5 on 6.1.30-test\n# tracer: function\n"
    let log = Self.story.log(release: "6.1.30-other")
    let report = joined(header + Self.story.trace(), log)
    #expect(leaks(report) == [])
    #expect(says(report, "6.1.30-other"))
    #expect(report.kernel.release == "6.1.30-test")
    let same = joined(header + Self.story.trace(), Self.story.log(release: "6.1.30-test"))
    #expect(leaks(same) == Self.truth)
  }

  // MARK: Several boots

  @Test("of a log of several boots the one that fits names the windows")
  func severalBoots() {
    var earlier = Self.story
    for index in earlier.binds.indices { earlier.binds[index].start += 313_000 * (index + 1) }
    earlier.groups = [("0000:00:03.0", 5), ("0000:02:01.0", 6), ("0000:02:02.0", 6)]
    let log = earlier.log(release: "6.1.30") + Self.story.log(release: "6.1.30")
    #expect(leaks(joined(Self.story.trace(), log)) == Self.truth)
    let reversed = Self.story.log(release: "6.1.30") + earlier.log(release: "6.1.30")
    #expect(leaks(joined(Self.story.trace(), reversed)) == Self.truth)
  }

  @Test("two boots that fit and disagree name nothing")
  func ambiguousBoots() {
    var other = Self.story
    other.groups = [("0000:00:03.0", 5), ("0000:02:01.0", 6), ("0000:02:02.0", 6)]
    let log = other.log(release: "6.1.30") + Self.story.log(release: "6.1.30")
    let report = joined(Self.story.trace(), log)
    #expect(leaks(report) == [])
    #expect(says(report, "more than one way"))
  }

  @Test("two logs of one boot say it once")
  func twoLogs() {
    var analyzer = Analyzer()
    analyzer.read(bytes: Array(Self.story.trace().utf8), name: "trace.txt")
    analyzer.read(bytes: Array(Self.story.log().utf8), name: "dmesg.txt")
    analyzer.read(bytes: Array(Self.story.log().utf8), name: "journal.txt")
    #expect(leaks(analyzer.finish()) == Self.truth)
  }

  @Test("where the log's beginning is missing a listing tells the groups, unless it contradicts something")
  func listedGroups() {
    func report(_ listing: String, _ kinds: [ProbeStory.Line]) -> Report {
      var analyzer = Analyzer()
      analyzer.read(bytes: Array(Self.story.trace().utf8), name: "trace.txt")
      analyzer.read(bytes: Array(Self.story.log(kinds).utf8), name: "dmesg.txt")
      analyzer.read(bytes: Array(listing.utf8), name: "groups.txt")
      return analyzer.finish()
    }
    let listing = Self.story.groups.map { "\($0.device) group=\($0.group) driver=vfio-pci\n" }.joined()
    #expect(leaks(report(listing, [.probing, .bound])) == Self.truth)
    #expect(says(joined(Self.story.trace(), Self.story.log([.probing, .bound])), "no line tells the group"))
    let other = listing.replacing("group=1 ", with: "group=3 ")
    #expect(leaks(report(other, [.groups, .probing, .bound])) == Self.truth)
    #expect(says(report(other, [.groups, .probing, .bound]), "the listing puts 0000:00:03.0 into group 3"))
  }

  @Test("a log of wall-clock times is not joined, and that is said")
  func wallClock() {
    let log = Self.story.log().replacing(#/\[ *\d+\.\d+\]/#) { _ in "[Sun Nov 22 07:49:15 2026]" }
    let report = joined(Self.story.trace(), log)
    #expect(leaks(report) == [])
    #expect(says(report, "no times since boot"))
  }

  // MARK: Lives of a number

  @Test("a group's number that is used again is another group")
  func reusedNumber() {
    let story = ProbeStory(
      [
        .init("0000:00:03.0", "e1000e", at: 21_300_000), .init("0000:00:03.0", "e1000e", at: 31_917_000),
      ], groups: [("0000:00:03.0", 1)])
    let lines = story.log().split(separator: "\n").map(String.init)
    let again = "[   28.000000] pci 0000:00:03.0: Adding to iommu group 1"
    let log =
      (lines.filter { $0 < "[   28" } + [again] + lines.filter { $0 > "[   28" }).joined(separator: "\n")
      + "\n"
    let report = joined(story.trace(), log)
    #expect(report.groups.map { $0.id?.value } == [1, 1])
    #expect(report.groups.map(\.incarnation) == [0, 1])
    #expect(report.groups.map { $0.changes.count } == [2, 2])
    // Before 6.4 the log says that it left.
    let left = log.replacing(
      again, with: "[   27.000000] pci 0000:00:03.0: Removing from iommu group 1\n" + again)
    #expect(joined(story.trace(), left).groups.map(\.incarnation) == [0, 1])
  }

  @Test("the group is the one at the time of the call, not at the end of the log")
  func movedDevice() {
    let moved = Self.story.log() + "[   40.000000] pci 0000:00:03.0: Adding to iommu group 12\n"
    #expect(leaks(joined(Self.story.trace(), moved)) == Self.truth)
  }

  @Test("a group that another device joined later may have been freed in between")
  func silentDeparture() {
    // From 6.4 on nothing tells that a device left.
    let joins = "[   40.000000] pci 0000:07:00.0: Adding to iommu group 1\n"
    let later = joined(Self.story.trace(), Self.story.log() + joins)
    #expect(leaks(later) == Array(Self.truth.dropFirst()))
    // The device was heard of again: it was still there.
    let heard =
      joins + "[   41.000000] vfio-pci 0000:00:03.0: driver: 'vfio-pci': driver_bound: bound to device\n"
    #expect(leaks(joined(Self.story.trace(), Self.story.log() + heard)) == Self.truth)
  }

  // MARK: Chance

  /// Small linear congruential numbers: the same in every run.
  private struct Dice {
    var state: UInt64

    mutating func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
  }

  /// A boot of `count` devices, dense or quiet, each in a group of its own; `shuffled` devices come in another order.
  private func boot(_ dice: inout Dice, count: Int, gap: Int, isShuffled: Bool) -> ProbeStory {
    var order = Array(0..<count)
    if isShuffled {
      for place in order.indices.reversed() where place > 0 { order.swapAt(place, dice.next(place + 1)) }
    }
    var time = 8_000_000
    let binds = order.map { number in
      time += 200 + dice.next(gap)
      return ProbeStory.Bind(
        "0000:\(10 + number):00.0", ["e1000e", "nvme", "ahci"][number % 3], at: time,
        length: 2_000 + dice.next(gap),
        pid: 300 + number)
    }
    return ProbeStory(binds, groups: (0..<count).map { ("0000:\(10 + $0):00.0", $0) })
  }

  private func names(_ report: Report) -> Set<String> {
    Set(
      report.groups.flatMap { group in
        group.changes.map { "\($0.time?.value ?? 0) \($0.device ?? "?") \(group.id?.value ?? -1)" }
      })
  }

  /// What may be named: each use of a bind, by its moment on the trace's clock.
  private func truth(_ story: ProbeStory, ahead: Int = 0) -> Set<String> {
    Set(
      story.binds.flatMap { bind in
        let group = story.groups.first { $0.device == bind.device }?.group ?? -1
        return [110, bind.length / 2 + 90].map {
          "\((bind.start + $0 + ahead) * 1000) \(bind.device) \(group)"
        }
      })
  }

  @Test(
    "no log of another boot names a device of this one, whether few or many, dense or quiet",
    arguments: 0..<60)
  func chance(_ seed: Int) {
    var dice = Dice(state: UInt64(seed) &* 0x9E37_79B9 &+ 1)
    let count = [1, 2, 3, 5, 12, 40][seed % 6]
    let gap = [3_000, 40_000, 900_000][seed / 6 % 3]
    let mine = boot(&dice, count: count, gap: gap, isShuffled: true)
    let other = boot(&dice, count: [count, 40][seed % 2], gap: gap, isShuffled: true)
    for kinds in [[ProbeStory.Line.groups, .probing], [.groups, .probing, .bound], [.groups, .returned]] {
      let ahead = dice.next(3) * 1_234_567
      let told = names(joined(mine.trace(ahead: ahead), other.log(kinds)))
      #expect(told.isSubset(of: truth(mine, ahead: ahead)), "\(count) devices, gap \(gap) us, \(kinds)")
      if count > 1 { #expect(told.isEmpty, "\(count) devices, gap \(gap) us, \(kinds): \(told.count) named") }
      // Its own log may name fewer than all where probes are in flight together, and never a wrong one.
      let wrong = names(joined(mine.trace(), mine.log(kinds))).subtracting(truth(mine))
      #expect(wrong.isEmpty, "\(count) devices, gap \(gap) us, \(kinds)")
    }
  }

  @Test("a log with lines missing, doubled or late names nothing wrong", arguments: 0..<40)
  func damagedLog(_ seed: Int) {
    var dice = Dice(state: UInt64(seed) &* 0x85EB_CA6B &+ 7)
    let story = boot(
      &dice, count: 2 + dice.next(12), gap: [3_000, 40_000, 900_000][seed % 3], isShuffled: true)
    for kinds in [
      [ProbeStory.Line.groups, .probing], [.groups, .probing, .bound], [.groups, .probing, .returned],
    ] {
      var lines = story.log(kinds).split(separator: "\n").map(String.init)
      for _ in 0..<3 {
        let place = lines.count / 2 + dice.next(lines.count - lines.count / 2)
        switch dice.next(3) {
        case 0: lines.remove(at: place)
        case 1: lines.insert(lines[place], at: min(lines.count, place + 1 + dice.next(2)))
        default:
          // Its stamp is that of a later line.
          let later = min(lines.count - 1, place + 1)
          lines[place] = String(lines[later].prefix(15) + lines[place].dropFirst(15))
        }
      }
      let told = names(joined(story.trace(), lines.joined(separator: "\n") + "\n"))
      let wrong = told.subtracting(truth(story)).sorted()
      #expect(wrong.isEmpty, "\(kinds)")
    }
  }
}
