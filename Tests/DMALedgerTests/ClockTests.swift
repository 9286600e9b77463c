import DMALedger
import TestSupport
import Testing

/// Whose clock is whose: offsets that are known, fitted, said by the user, or meaningless.
@Suite("Clocks of trace and log")
struct ClockTests {
  private static let story = ProbeStory(
    [
      .init("0000:00:03.0", "e1000e", at: 21_300_000),
      .init("0000:02:01.0", "e1000", at: 24_713_000, length: 411_000, pid: 211),
      .init("0000:02:02.0", "e1000", at: 29_151_000, length: 377_000, pid: 215),
      .init("0000:04:00.0", "nvme", at: 36_804_000, length: 290_500, pid: 217),
    ],
    groups: [
      ("0000:00:03.0", 1), ("0000:01:00.0", 9), ("0000:02:01.0", 9), ("0000:02:02.0", 9),
      ("0000:04:00.0", 12),
    ])
  private static let truth = ["1 0000:00:03.0", "12 0000:04:00.0", "9 0000:02:01.0", "9 0000:02:02.0"]

  private func joined(_ trace: String, _ log: String, offset: String? = nil) -> Report {
    var options = Analyzer.Options()
    if let offset {
      let isUnderstood = options.setClockOffset(offset)
      #expect(isUnderstood)
    }
    var analyzer = Analyzer(options: options)
    analyzer.read(bytes: Array(trace.utf8), name: "trace.txt")
    analyzer.read(bytes: Array(log.utf8), name: "dmesg.txt")
    return analyzer.finish()
  }

  private func named(_ report: Report) -> [String] {
    report.findings.filter { $0.rule == .testRemoveLeak && $0.certainty == .consistent }.map {
      "\($0.group?.value ?? -1) \($0.device ?? "?")"
    }.sorted()
  }

  private func says(_ report: Report, _ words: String) -> Bool {
    report.diagnostics.contains { $0.message.contains(words) }
  }

  @Test("global and perf share printk's clock")
  func sameClock() {
    let report = joined(Self.story.trace(), Self.story.log())
    #expect(named(report) == Self.truth)
    #expect(says(report, "clock offset 0.000000 s, 40 us apart at most"))
  }

  @Test("local is put right by what the kernel says of its clock")
  func localClock() {
    let stable =
      "[    0.313339] sched_clock: Marking stable (4372056896, -62717346)->(4790447970, -481108000)\n"
    // A single window, which could not be fitted.
    let one = ProbeStory([Self.story.binds[0]], groups: Self.story.groups)
    let report = joined(one.trace(ahead: 481_108), stable + one.log())
    #expect(named(report) == ["1 0000:00:03.0"])
    #expect(says(report, "clock offset -0.481108 s"))
    #expect(named(joined(one.trace(ahead: 481_108), one.log())) == [])
  }

  @Test(
    "any other clock is fitted on all that both sides show", arguments: [-20_000_000, 123_456, 7_000_000_000])
  func fittedClock(_ ahead: Int) {
    let report = joined(Self.story.trace(ahead: ahead), Self.story.log())
    #expect(named(report) == Self.truth)
    #expect(says(report, "fitted on 4 windows"))
  }

  @Test("a fit needs every line to have its window and every window its line")
  func poorFit() {
    let stray = "[   25.500000] pci 0000:05:00.0: bus: 'pci': really_probe: probing driver tg3 with device\n"
    let log = Self.story.log().split(separator: "\n").map { $0 + "\n" }.sorted(inserting: stray)
    // On the known clock a line that the trace does not show (a filter by task, say) does no harm.
    #expect(named(joined(Self.story.trace(), log)) == Self.truth)
    let report = joined(Self.story.trace(ahead: 123_456), log)
    #expect(named(report) == [])
    #expect(says(report, "do not fit"))
    let fewer = ProbeStory(Array(Self.story.binds.prefix(2)), groups: Self.story.groups)
    #expect(named(joined(fewer.trace(ahead: 123_456), fewer.log())) == [])
  }

  @Test("binds at regular intervals fit in more than one way, and name nothing")
  func regular() {
    let binds = (0..<8).map {
      ProbeStory.Bind("0000:0\($0):00.0", "nvme", at: 20_000_000 + $0 * 1_000_000, pid: 1)
    }
    let whole = ProbeStory(binds, groups: binds.enumerated().map { ($1.device, $0) })
    // The trace sees the middle of what the log tells.
    let part = ProbeStory(Array(binds[2..<6]), groups: whole.groups)
    let report = joined(part.trace(ahead: 5_123_456), whole.log())
    #expect(named(report) == [])
    #expect(says(report, "more than one way"))
    #expect(named(joined(part.trace(), whole.log())).count == 4)
    #expect(named(joined(part.trace(ahead: 5_123_456), whole.log(), offset: "-5.123456")).count == 4)
  }

  @Test("the user's offset is taken as it is, and said")
  func saidOffset() {
    let two = ProbeStory(Array(Self.story.binds.prefix(2)), groups: Self.story.groups)
    let report = joined(two.trace(ahead: 123_456), two.log(), offset: "-0.123456")
    #expect(named(report) == ["1 0000:00:03.0", "9 0000:02:01.0"])
    #expect(says(report, "as --clock-offset says"))
    let wrong = joined(two.trace(), two.log(), offset: "+12.5")
    #expect(named(wrong) == [])
    #expect(says(wrong, "with --clock-offset the kernel log's probe lines do not fit"))
    #expect(says(wrong, "12.500000 s ahead"))
  }

  @Test(
    "an offset is read to the nanosecond",
    arguments: ["0", "-0", "+1", "1.5", "-0.000000001", "2999999999.999999999", "007.250"])
  func goodOffsets(_ text: String) {
    var options = Analyzer.Options()
    let isUnderstood = options.setClockOffset(text)
    #expect(isUnderstood)
  }

  @Test(
    "what is no offset is refused",
    arguments: [
      "", "-", "+", ".", "1.", ".5", "1e3", "0x10", "1.0000000001", "3000000000", "99999999999", "1,5", "--1",
      "1 ",
    ])
  func badOffsets(_ text: String) {
    var options = Analyzer.Options()
    let isUnderstood = options.setClockOffset(text)
    #expect(!isUnderstood)
  }

  @Test("a clock that counts no time is not joined by it, whatever the user says")
  func ticks() {
    let trace = Self.story.trace().replacing(#/ (\d+)\.(\d{6}): /#) { " \($0.1)\($0.2): " }
    for offset in [nil, "1.5"] {
      let report = joined(trace, Self.story.log(), offset: offset)
      #expect(named(report) == [])
      #expect(says(report, "counts something else than time"))
      #expect(says(report, "has no meaning for it") == (offset != nil))
    }
  }

  @Test("without timestamps nothing is joined")
  func noTimes() {
    let trace = Self.story.trace().replacing(#/ +\d+\.\d{6}: /#) { _ in " " }
      .replacing("[000] ..... ", with: "[000] .....  ")
    let report = joined(trace, Self.story.log())
    #expect(named(report) == [])
  }
}

extension [String] {
  /// The lines of a log in the order of their times, with one more among them.
  fileprivate func sorted(inserting line: String) -> String {
    (self + [line]).sorted().joined()
  }
}
