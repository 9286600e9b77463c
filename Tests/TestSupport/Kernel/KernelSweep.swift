/// What is played over many seeds: which lives, told by whom, with what missing.
package enum KernelSweep: String, CaseIterable, Sendable {
  case full = "with all arguments the report is the truth"
  case entries = "with entry arguments and return codes the report holds the truth"
  case damaged = "begun late, cut off, overwritten or with losses that are marked, the report holds the truth"
  case fewerFields = "with fewer fields the report holds the truth"
  case fewerFunctions = "with functions that nobody watches the report holds the truth"
  case graphs = "names and nesting alone say nothing false"
  case functions = "the function tracer says nothing false"
  case anonymous = "CPUs in the place of tasks, with nothing that announces a switch, say nothing false"
  case reordered = "lines of two CPUs in the wrong order say nothing false"
  case split = "a life in two files holds the truth"
  case virtual = "with virtual functions that come and go the report is the truth"
  case virtualDamaged = "with virtual functions and less evidence the report holds the truth"
  case unwatched = "with uses or unuses that nobody watches the report holds the truth"
  case unplaced = "with calls that name no group, beside a listing, the report holds the truth"
  case contextless = "with lines that name no task nothing false is said"
  case parts = "files of one CPU each, with many equal times, hold the truth"

  package struct Play: Sendable {
    package var life: KernelLife
    package var capture: KernelCapture
    /// Nothing may be left open either.
    package var isExact = false
  }

  /// The play of a number; its seed is `number * 1000` and the place of the sweep.
  package func play(_ number: Int) -> Play { play(seed: UInt64(number) &* 1000 &+ salt) }

  package func play(seed: UInt64) -> Play {
    var dice = Dice(seed: seed)
    switch self {
    case .full:
      let traits = KernelLife.Traits(races: seed % 3 == 0, oddities: seed % 2 == 0, past: false)
      return Play(
        life: KernelLife(seed: seed, traits), capture: KernelCapture(.probes(.returnState, returns: .all)),
        isExact: true)
    case .entries:
      return Play(
        life: KernelLife(seed: seed, Self.calm),
        capture: KernelCapture(.probes(dice.pick(Self.renderings), returns: .codes)))
    case .damaged:
      var capture = KernelCapture(
        .probes(
          dice.pick([.defaultLines, .returnState, .withFunctionTracer]), returns: dice.pick([.codes, .all])))
      capture.damage = Self.damage(&dice)
      // What went wrong before the first line no line shows.
      let traits = KernelLife.Traits(oddities: !capture.damage.losesBeginning, pasids: false)
      return Play(life: KernelLife(seed: seed, traits), capture: capture)
    case .fewerFields:
      var capture = KernelCapture(
        .probes(dice.pick([.defaultLines, .returnState]), returns: dice.pick([.none, .codes, .all])))
      capture.hiddenFields = dice.pick([
        ["own"], ["cnt"], ["cnt", "own"], ["own", "new"], ["grp"], ["grp", "cnt", "own"], ["id"],
        ["id", "cnt", "own"],
        ["drv"],
      ])
      // A device outside every group looks like one of group 0 where its pointer is not captured.
      let traits = KernelLife.Traits(
        oddities: capture.hiddenFields.isDisjoint(with: ["grp", "own"]), pasids: false)
      if dice.chance(3) { capture.damage = Self.damage(&dice) }
      return Play(life: KernelLife(seed: seed, traits), capture: capture)
    case .fewerFunctions:
      var capture = KernelCapture(
        .probes(dice.pick([.defaultLines, .returnState]), returns: dice.pick([.codes, .all])))
      capture.hiddenFunctions = dice.pick([
        ["rp", "bound"], ["devrm", "clean", "sysfs", "conf", "dclean", "unbind"], ["query"], ["bound"],
        ["rp"],
        ["conf", "dclean", "sysfs", "unbind", "clean"], ["devrm"],
      ])
      // A bus that takes no notice of a refusal is found by the window of the probe.
      let traits = KernelLife.Traits(oddities: !capture.hiddenFunctions.contains("rp"), pasids: false)
      return Play(life: KernelLife(seed: seed, traits), capture: capture)
    case .graphs:
      var capture = KernelCapture(.graph(dice.pick(Self.graphRenderings)))
      if dice.chance(3) { capture.damage = Self.damage(&dice) }
      return Play(life: KernelLife(seed: seed, Self.calm), capture: capture)
    case .functions:
      var capture = KernelCapture(
        .function(dice.pick([.defaultLines, .traceCmd, .latency, .noIrqInfo]), hasArguments: dice.chance(2)))
      if dice.chance(3) { capture.damage = Self.damage(&dice) }
      return Play(life: KernelLife(seed: seed, Self.calm), capture: capture)
    case .anonymous:
      var capture = KernelCapture(.graph(dice.pick([.plain, .noHeader, .tail, .abstime, .noOverhead])))
      capture.hasSwitches = false
      return Play(life: KernelLife(seed: seed, Self.calm), capture: capture)
    case .reordered:
      var capture = KernelCapture(
        .probes(dice.pick([.defaultLines, .returnState, .perf]), returns: dice.pick([.codes, .all])))
      capture.skew = dice.pick([10, 50])
      return Play(life: KernelLife(seed: seed, Self.calm), capture: capture)
    case .split:
      var capture = KernelCapture(
        .probes(dice.pick([.defaultLines, .returnState]), returns: dice.pick([.codes, .all])))
      capture.split = (Int.random(in: 1..<40, using: &dice.random), dice.pick([0, 0, 8]))
      return Play(life: KernelLife(seed: seed, Self.noOddities), capture: capture)
    case .virtual:
      let traits = KernelLife.Traits(races: seed % 3 == 0, past: false, functions: true)
      return Play(
        life: KernelLife(seed: seed, traits), capture: KernelCapture(.probes(.returnState, returns: .all)),
        isExact: true)
    case .virtualDamaged:
      var capture = dice.pick([
        KernelCapture(.probes(dice.pick(Self.renderings), returns: .codes)),
        KernelCapture(.probes(.returnState, returns: .all)),
        KernelCapture(.graph(dice.pick(Self.graphRenderings))),
        KernelCapture(.function(.defaultLines, hasArguments: dice.chance(2))),
      ])
      if dice.chance(2) { capture.damage = Self.damage(&dice) }
      let traits = KernelLife.Traits(oddities: false, pasids: false, functions: true)
      return Play(life: KernelLife(seed: seed, traits), capture: capture)
    case .unwatched:
      var capture = KernelCapture(
        .probes(dice.pick([.defaultLines, .returnState]), returns: dice.pick([.codes, .codes, .all])))
      capture.hiddenFields = dice.pick([[], ["cnt"], ["cnt"], ["cnt", "own"]])
      // Whoever watches probes and no unbind is taken to watch the unuse.
      capture.hiddenFunctions = dice.pick([
        ["unuse"], ["unuse"], ["use"], ["use", "unuse"], ["unuse", "bound"],
        ["unuse", "dclean", "clean", "unbind"],
        ["unuse", "rp", "bound"],
        ["unuse", "rp", "bound", "conf", "sysfs", "devrm", "clean", "dclean", "unbind"],
      ])
      // Where nothing else is watched, a count that was read last is taken to last.
      if capture.hiddenFunctions.count > 5 { capture.hiddenFields.insert("cnt") }
      capture.hasListing = dice.chance(3)
      return Play(life: KernelLife(seed: seed, Self.noOddities), capture: capture)
    case .unplaced:
      var capture = KernelCapture(
        .probes(dice.pick([.defaultLines, .returnState]), returns: dice.pick([.codes, .all])))
      capture.blindFunctions = dice.pick([
        ["use"], ["use"], ["unuse"], ["use", "unuse"], ["claim"], ["claim", "release"],
      ])
      capture.hiddenFunctions = dice.pick([
        [], ["rp"], ["rp", "bound"], ["rp", "bound", "conf", "sysfs", "devrm", "clean", "dclean", "unbind"],
      ])
      capture.hiddenFields = dice.pick([[], [], ["cnt"], ["own"]])
      if dice.chance(2) { capture.hiddenEntries = ["use"] }
      capture.hasListing = !dice.chance(4)
      return Play(life: KernelLife(seed: seed, Self.noOddities), capture: capture)
    case .contextless:
      var capture = dice.pick([
        KernelCapture(.probes(.contextOff, returns: dice.pick([.none, .codes, .codes, .all, .all]))),
        KernelCapture(.probes(.contextOff, returns: dice.pick([.codes, .all]))),
        KernelCapture(.function(.contextOff, hasArguments: dice.chance(2))),
        KernelCapture(.graph(dice.pick([.contextOff, .noCPU]))),
      ])
      if dice.chance(3) { capture.damage = Self.damage(&dice) }
      if dice.chance(4) { capture.hiddenFields = dice.pick([["cnt"], ["cnt", "own"], ["id"]]) }
      return Play(life: KernelLife(seed: seed, Self.noOddities), capture: capture)
    case .parts:
      var capture = KernelCapture(
        .probes(dice.pick([.defaultLines, .returnState]), returns: dice.pick([.none, .codes, .codes, .all])))
      capture.clockStep = dice.pick([1, 50, 200, 1000])
      switch Int.random(in: 0..<6, using: &dice.random) {
      case 0: capture.hiddenFields = dice.pick([["cnt"], ["cnt", "own"], ["grp"], ["id"]])
      case 1:
        capture.hiddenFunctions = dice.pick([["unuse"], ["use"], ["rp", "bound"], ["query"]])
      case 2: capture.damage = .overwritten([Int.random(in: 0..<60, using: &dice.random), 0])
      default: break
      }
      return Play(life: KernelLife(seed: seed, Self.noOddities), capture: capture)
    }
  }

  private static let noOddities = KernelLife.Traits(oddities: false, pasids: false)

  /// Never that of another sweep, wherever it stands among them.
  private var salt: UInt64 {
    switch self {
    case .contextless: 15
    case .parts: 16
    default: UInt64(Self.allCases.firstIndex(of: self) ?? 0) + 1
    }
  }

  private static let calm = KernelLife.Traits(pasids: false)

  private static func damage(_ dice: inout Dice) -> KernelCapture.Damage {
    let first = Int.random(in: 0..<60, using: &dice.random)
    let second = Int.random(in: 0..<60, using: &dice.random)
    return dice.pick([
      .begunAt(first), .endedAt(first), .overwritten([first, second]),
      .lost(cpu: first % 2, after: second, count: 1 + first / 2),
    ])
  }

  private static let graphRenderings = GraphRendering.allCases.filter {
    ![
      .migrating, .migratingWithProc, .migratingAnnounced, .switching, .contextOff, .noCPU, .comments,
      .interrupts,
    ]
    .contains($0)
  }
  private static let renderings = Rendering.allCases.filter { ![.contextOff, .onlyReturns].contains($0) }
}

extension KernelSweep.Play {
  /// What is false in the report on it.
  package var failures: [String] {
    KernelTruth(life.play(), capture, isExact: isExact).failures
  }

  /// The same with as few operations as still fail.
  package var smallest: KernelSweep.Play {
    var smallest = self
    while let shorter = smallest.life.shorter.lazy
      .map({ KernelSweep.Play(life: $0, capture: smallest.capture, isExact: isExact) })
      .first(where: { !$0.failures.isEmpty })
    { smallest = shorter }
    return smallest
  }

  /// The life, what went wrong in it, and the capture.
  package var story: String {
    let kernel = life.play()
    return """
      \(life)
      \(kernel.groups.flatMap(\.defects))
      \(capture)
      \(capture.text(of: kernel).lines.joined(separator: "\n"))
      """
  }
}
