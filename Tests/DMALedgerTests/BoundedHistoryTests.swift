import DMALedger
import TestSupport
import Testing

/// What is told as totals says the same about every count as what is told call by call.
@Suite("Histories: more than is kept")
struct BoundedHistoryTests {
  private static func report(_ bytes: [UInt8], most: Int?) -> Report {
    var options = Analyzer.Options()
    if let most {
      options.kept.changes = most
      options.kept.alike = 1
      options.kept.refusals = 4
    } else {
      options.kept.changes = .max / 4
      options.kept.alike = .max
    }
    var analyzer = Analyzer(options: options)
    analyzer.read(bytes: bytes, name: "trace.txt")
    return analyzer.finish()
  }

  /// Findings by what they are about, with how often and how much.
  private static func tally(_ report: Report) -> [String: [Int]] {
    var tally: [String: [Int]] = [:]
    for finding in report.findings {
      let key =
        "\(finding.rule) \(finding.certainty) \(finding.group?.value ?? -1)#\(finding.incarnation ?? 0) "
        + "\(finding.device ?? "") \(finding.driver ?? "") \(finding.cause ?? "")"
      let known = tally[key] ?? [0, 0]
      tally[key] = [known[0] + finding.occurrences, known[1] + (finding.excess ?? 0)]
    }
    return tally
  }

  private static func calls(_ group: GroupReport) -> [OwnershipCallKind: Int] {
    var calls: [OwnershipCallKind: Int] = [:]
    for change in group.changes { calls[change.call, default: 0] += 1 }
    for kind in OwnershipCallKind.allCases {
      if let count = group.foldedChanges?.calls[kind], count > 0 { calls[kind, default: 0] += count }
    }
    return calls
  }

  /// What differs although it must not.
  private static func differences(_ few: Report, _ all: Report) -> [String] {
    var found: [String] = []
    func compare<Value: Equatable>(_ what: String, _ one: Value, _ other: Value) {
      if one != other { found.append("\(what): \(one), all: \(other)") }
    }
    compare("verdict", few.verdict, all.verdict)
    compare("reasons", few.reasons, all.reasons)
    compare("findings", tally(few), tally(all))
    compare("answers", few.answers.map(\.headline), all.answers.map(\.headline))
    compare("groups", few.groups.count, all.groups.count)
    for (few, all) in zip(few.groups, all.groups) {
      let name = "group \(all.id?.value ?? -1)#\(all.incarnation)"
      compare("\(name) verdict", few.verdict, all.verdict)
      compare("\(name) initial", few.initial, all.initial)
      compare("\(name) final", few.final, all.final)
      compare("\(name) excess", few.excess, all.excess)
      compare("\(name) owner", few.owner, all.owner)
      compare("\(name) devices", String(describing: few.devices), String(describing: all.devices))
      compare("\(name) calls", calls(few), calls(all))
      compare("\(name) references", held(few), held(all))
      if few.peak.intersection(all.peak) != all.peak {
        found.append("\(name) peak \(few.peak), all: \(all.peak)")
      }
      let place = few.foldedChanges?.place ?? few.changes.count
      let tail = few.changes.count - place
      compare(
        "\(name) first", String(describing: few.changes.prefix(place)),
        String(describing: all.changes.prefix(place)))
      var last = Array(few.changes.suffix(tail))
      let other = Array(all.changes.suffix(tail))
      // A gap anywhere in what is folded is told of the first change behind it.
      if few.foldedChanges != nil, last.first?.isAfterGap == true { last[0].isAfterGap = other[0].isAfterGap }
      compare("\(name) last", String(describing: last), String(describing: other))
    }
    return found
  }

  private static func held(_ group: GroupReport) -> [String: Int] {
    var held: [String: Int] = [:]
    for holder in group.holders {
      held["\(holder.kind) \(holder.device ?? "") \(holder.driver ?? "")", default: 0] +=
        holder.count ?? -1000
    }
    return held
  }

  /// Lives long enough that most of their calls are only counted.
  private static func life(_ seed: UInt64, pasids: Bool) -> SimulatedKernel {
    var life = KernelLife(seed: seed, KernelLife.Traits(pasids: pasids))
    life.batches += life.batches + life.batches
    return life.play()
  }

  @Test("eight calls told one by one say what all of them would", arguments: 0..<24)
  func complete(block: Int) {
    var folded = 0
    for seed in UInt64(block * 12)..<UInt64((block + 1) * 12) {
      var dice = Dice(seed: seed &* 31 &+ 7)
      let observer: KernelCapture.Observer = dice.pick([
        .probes(.returnState, returns: .all), .probes(.defaultLines, returns: .codes),
        .probes(.withFunctionTracer, returns: .all), .graph(dice.pick(GraphRendering.allCases)),
      ])
      let bytes = KernelCapture(observer).text(of: Self.life(seed, pasids: seed % 2 == 0)).bytes
      let few = Self.report(bytes, most: 8)
      let all = Self.report(bytes, most: nil)
      folded += few.groups.reduce(0) { $0 + ($1.foldedChanges?.count ?? 0) }
      let differences = Self.differences(few, all)
      #expect(differences == [], "seed \(seed)")
    }
    #expect(folded > 0)
  }

  @Test("where events were lost, what is only counted makes nothing known that was not", arguments: 0..<16)
  func lost(block: Int) {
    for seed in UInt64(block * 12)..<UInt64((block + 1) * 12) {
      var dice = Dice(seed: seed &* 37 &+ 11)
      var capture = KernelCapture(
        .probes(dice.pick([.defaultLines, .returnState]), returns: dice.pick([.codes, .all])))
      let cpu = Int.random(in: 0...1, using: &dice.random)
      let after = Int.random(in: 4...60, using: &dice.random)
      capture.damage =
        dice.chance(3)
        ? .overwritten([after, after / 2]) : .lost(cpu: cpu, after: after, count: 1 + after / 9)
      let bytes = capture.text(of: Self.life(seed, pasids: false)).bytes
      let few = Self.report(bytes, most: 8)
      let all = Self.report(bytes, most: nil)
      #expect(few.verdict == all.verdict || few.verdict == .inconclusive, "seed \(seed)")
      for (few, all) in zip(few.groups, all.groups) {
        #expect(few.verdict == all.verdict || few.verdict == .inconclusive, "seed \(seed)")
        #expect(few.initial.intersection(all.initial) == all.initial, "seed \(seed)")
        #expect(few.final.intersection(all.final) == all.final, "seed \(seed)")
        #expect(Self.calls(few) == Self.calls(all), "seed \(seed)")
      }
    }
  }

  /// Reads sources that forget every line that cannot become evidence as soon as there are a few of them.
  private static func digests(_ sources: [(name: String, bytes: [UInt8])]) -> [ReportDigest] {
    [1, 1 << 30].map { kept in
      var options = Analyzer.Options()
      options.kept.texts = kept
      options.kept.alike = 2
      options.kept.refusals = 2
      options.kept.changes = 32
      var analyzer = Analyzer(options: options)
      for source in sources { analyzer.read(bytes: source.bytes, name: source.name) }
      return ReportDigest(analyzer.finish())
    }
  }

  @Test("no line that a report quotes is forgotten: recorded incidents", arguments: SampleFiles.captures)
  func samplesKeepTheirLines(capture: String) throws {
    let folder = String(capture.prefix { $0 != "/" })
    let names = SampleFiles.names(in: SampleFiles.root + "/" + folder).filter { !$0.hasSuffix(".json") }
    // A log before the trace is still wanted when the trace is read.
    for names in [names, names.reversed()] {
      let digests = Self.digests(try names.map { ($0, try SampleFiles.bytes("\(folder)/\($0)")) })
      #expect(digests[0] == digests[1])
    }
  }

  @Test("no line that a report quotes is forgotten: random lives", arguments: 0..<20)
  func livesKeepTheirLines(block: Int) {
    for seed in UInt64(block * 12)..<UInt64((block + 1) * 12) {
      var dice = Dice(seed: seed &* 41 &+ 3)
      let observer: KernelCapture.Observer = dice.pick([
        .probes(.returnState, returns: .all), .probes(.defaultLines, returns: .none),
        .probes(.withFunctionTracer, returns: .codes), .graph(dice.pick(GraphRendering.allCases)),
      ])
      let bytes = KernelCapture(observer).text(of: Self.life(seed, pasids: true)).bytes
      let digests = Self.digests([("trace.txt", bytes)])
      #expect(digests[0] == digests[1], "seed \(seed)")
    }
  }
}
