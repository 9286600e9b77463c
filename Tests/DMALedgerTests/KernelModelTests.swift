import DMALedger
import Foundation
import TestSupport
import Testing

/// Random lives of a simulated kernel, told by every observer, against the truth.
@Suite("Histories: a model of the kernel")
struct KernelModelTests {
  /// Lives played by each test, two thousand by all; more with DMALEDGER_SEEDS.
  static let seeds = ProcessInfo.processInfo.environment["DMALEDGER_SEEDS"].flatMap { Int($0) } ?? 286
  static let first = ProcessInfo.processInfo.environment["DMALEDGER_FIRST_SEED"].flatMap { Int($0) } ?? 0

  static let isBrief = ProcessInfo.processInfo.environment["DMALEDGER_BRIEF"] != nil

  private func check(
    _ life: KernelLife, _ capture: KernelCapture, isExact: Bool = false
  ) -> Bool {
    let failures = KernelTruth(life.play(), capture, isExact: isExact).failures
    guard !failures.isEmpty else { return true }
    // Drop operations as long as it still fails.
    var smallest = life
    var reason = failures
    var isShrinking = true
    while isShrinking {
      isShrinking = false
      for shorter in smallest.shorter {
        let failures = KernelTruth(shorter.play(), capture, isExact: isExact).failures
        if !failures.isEmpty {
          smallest = shorter
          reason = failures
          isShrinking = true
          break
        }
      }
    }
    if Self.isBrief { print("FAIL", reason.joined(separator: "; "), "| seed", life.seed, capture) }
    let text = Self.isBrief ? "" : capture.text(of: smallest.play()).lines.joined(separator: "\n")
    Issue.record(
      "\(reason.joined(separator: "\n"))\n\(smallest)\n\(smallest.play().groups.flatMap(\.defects))\n\(capture)\n\(text)"
    )
    return false
  }

  private func sweep(_ salt: UInt64, _ body: (UInt64, inout Dice) -> Bool) {
    var failures = 0
    for seed in Self.first..<Self.first + Self.seeds {
      var dice = Dice(seed: UInt64(seed) &* 1000 &+ salt)
      if !body(UInt64(seed) &* 1000 &+ salt, &dice) { failures += 1 }
      if failures >= (Self.isBrief ? 40 : 2) { return }
    }
  }

  @Test("with all arguments the report is the truth")
  func full() {
    sweep(1) { seed, dice in
      let traits = KernelLife.Traits(races: seed % 3 == 0, oddities: seed % 2 == 0, past: false)
      return check(
        KernelLife(seed: seed, traits), KernelCapture(.probes(.returnState, returns: .all)), isExact: true)
    }
  }

  @Test("with entry arguments and return codes the report holds the truth")
  func entries() {
    sweep(2) { seed, dice in
      check(
        KernelLife(seed: seed, KernelLife.Traits(pasids: false)),
        KernelCapture(.probes(dice.pick(Self.renderings), returns: .codes)))
    }
  }

  @Test("begun late, cut off, overwritten or with losses that are marked, the report holds the truth")
  func damaged() {
    sweep(3) { seed, dice in
      var capture = KernelCapture(
        .probes(
          dice.pick([.defaultLines, .returnState, .withFunctionTracer]), returns: dice.pick([.codes, .all])))
      capture.damage = Self.damage(&dice)
      // What went wrong before the first line no line shows.
      let traits = KernelLife.Traits(oddities: !capture.damage.losesBeginning, pasids: false)
      return check(KernelLife(seed: seed, traits), capture)
    }
  }

  @Test("with fewer fields the report holds the truth")
  func fewerFields() {
    sweep(4) { seed, dice in
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
      return check(KernelLife(seed: seed, traits), capture)
    }
  }

  @Test("with functions that nobody watches the report holds the truth")
  func fewerFunctions() {
    sweep(5) { seed, dice in
      var capture = KernelCapture(
        .probes(dice.pick([.defaultLines, .returnState]), returns: dice.pick([.codes, .all])))
      capture.hiddenFunctions = dice.pick([
        ["rp", "bound"], ["devrm", "clean", "sysfs", "conf", "dclean", "unbind"], ["query"], ["bound"],
        ["rp"],
        ["conf", "dclean", "sysfs", "unbind", "clean"], ["devrm"],
      ])
      // A bus that takes no notice of a refusal is found by the window of the probe.
      let traits = KernelLife.Traits(oddities: !capture.hiddenFunctions.contains("rp"), pasids: false)
      return check(KernelLife(seed: seed, traits), capture)
    }
  }

  @Test("names and nesting alone say nothing false")
  func graphs() {
    sweep(6) { seed, dice in
      var capture = KernelCapture(.graph(dice.pick(Self.graphs)))
      if dice.chance(3) { capture.damage = Self.damage(&dice) }
      return check(KernelLife(seed: seed, KernelLife.Traits(pasids: false)), capture)
    }
  }

  @Test("the function tracer says nothing false")
  func functions() {
    sweep(7) { seed, dice in
      var capture = KernelCapture(
        .function(dice.pick([.defaultLines, .traceCmd, .latency, .noIrqInfo]), hasArguments: dice.chance(2)))
      if dice.chance(3) { capture.damage = Self.damage(&dice) }
      return check(KernelLife(seed: seed, KernelLife.Traits(pasids: false)), capture)
    }
  }

  private static func damage(_ dice: inout Dice) -> KernelCapture.Damage {
    let first = Int.random(in: 0..<60, using: &dice.random)
    let second = Int.random(in: 0..<60, using: &dice.random)
    return dice.pick([
      .begunAt(first), .endedAt(first), .overwritten([first, second]),
      .lost(cpu: first % 2, after: second, count: 1 + first / 2),
    ])
  }

  static let graphs = GraphRendering.allCases.filter {
    ![
      .migrating, .migratingWithProc, .migratingAnnounced, .switching, .contextOff, .noCPU, .comments,
      .interrupts,
    ]
    .contains($0)
  }
  static let renderings = Rendering.allCases.filter { ![.contextOff, .onlyReturns].contains($0) }
}
