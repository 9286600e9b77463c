import DMALedger
import Foundation
import TestSupport
import Testing

/// Random lives of a simulated kernel, told by every observer, against the truth.
@Suite("Histories: a model of the kernel")
struct KernelModelTests {
  /// Lives played by each sweep, two thousand by all; more with DMALEDGER_SEEDS.
  private static let seeds = number("DMALEDGER_SEEDS") ?? 286
  private static let first = number("DMALEDGER_FIRST_SEED") ?? 0
  /// A line for each failure instead of its story.
  private static let isBrief = ProcessInfo.processInfo.environment["DMALEDGER_BRIEF"] != nil

  /// All of them, or the one that DMALEDGER_SWEEP names.
  private static let sweeps = KernelSweep.allCases.filter { sweep in
    let wanted = ProcessInfo.processInfo.environment["DMALEDGER_SWEEP"]
    return wanted == nil || wanted == String(describing: sweep)
  }

  private static func number(_ name: String) -> Int? {
    ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
  }

  @Test("random lives", arguments: sweeps)
  func lives(_ sweep: KernelSweep) {
    var failures = 0
    for number in Self.first..<Self.first + Self.seeds {
      let play = sweep.play(number)
      if play.failures.isEmpty { continue }
      let smallest = play.smallest
      let reasons = smallest.failures
      Issue.record("\(reasons.joined(separator: "\n"))\n\(Self.isBrief ? "" : smallest.story)")
      if Self.isBrief {
        print("FAIL", reasons.joined(separator: "; "), "| seed", play.life.seed, play.capture)
      }
      failures += 1
      if failures >= (Self.isBrief ? 40 : 2) { return }
    }
  }
}
