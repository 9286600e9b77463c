/// What the windows of a capture say about `CONFIG_DEBUG_TEST_DRIVER_REMOVE`, whatever group they touch.
struct KernelEvidence: Sendable {
  var windows = 0
  /// Windows in which a use ran again.
  var reprobes = 0
  /// Second passes whose first use was never given back.
  var unfixed = 0
  /// Second passes with an unuse or a `->dma_cleanup()` in between.
  var fixed = 0
  /// Second passes of drivers that use no DMA through the core: no cleanup was seen in between.
  var silentPasses = 0
  /// Completed binds with one pass.
  var singlePasses = 0
  var sawUse = false
  var sawUnuse = false
  var sawCleanup = false
  var sawBound = false
  var sawUnbindCleanup = false
  var sawClaim = false
  /// A function that an unbind runs through was seen before any unuse.
  var sawUnbind = false
  /// A use took effect in a group that nothing names: one of any group may be hidden among such.
  var hasUnplacedUse = false
  /// The same of a claim.
  var hasUnplacedClaim = false
  /// Counts that were read prove a leak at a second pass.
  var countsShowLeak = false
  /// Probes that were running before the first line, were removed for a test and failed, with no unuse in between: what their
  /// first pass took may be there still, whatever group that was of.
  var cutPasses = 0
  /// CPUs stand for tasks, and another task ran on one of them unannounced: whose window is whose nobody knows.
  var isTangled = false
  /// Lines are missing, and nobody knows where: what a window does not show it may have had.
  var isPartial = false
  /// The lines that first show such windows.
  private var firstLines: (unfixed: LineReference?, fixed: LineReference?, single: LineReference?)
  /// Second passes of unfixed kernels, as far as they show, in which lost lines may have shown an unuse.
  private var doubtedUnfixed = 0
  /// The first window of each kind, for the reader's eye.
  var firstUnfixed: ProbeWindow?
  var firstFixed: ProbeWindow?

  /// Whether an unuse would have been seen, had there been one.
  var unuseIsTraceable: Bool { sawUnuse || sawCleanup }

  mutating func noteUnfixed(_ window: ProbeWindow, at line: LineReference) {
    if unfixed == 0 { firstUnfixed = window }
    unfixed += 1
    firstLines.unfixed = firstLines.unfixed ?? line
  }

  mutating func noteFixed(_ window: ProbeWindow? = nil, at line: LineReference) {
    firstFixed = firstFixed ?? window
    fixed += 1
    firstLines.fixed = firstLines.fixed ?? line
  }

  mutating func noteSinglePass(at line: LineReference) {
    singlePasses += 1
    firstLines.single = firstLines.single ?? line
  }

  /// Lines are missing behind `line`, or behind the beginning: windows that were all seen there may have had more in them,
  /// and others.
  mutating func doubt(behind line: LineReference?) {
    func isBehind(_ first: LineReference?) -> Bool {
      guard let first else { return false }
      return line.map { first > $0 } ?? true
    }
    if isBehind(firstLines.unfixed) {
      doubtedUnfixed += unfixed
      unfixed = 0
      firstLines.unfixed = nil
    }
    if isBehind(firstLines.fixed) {
      fixed = 0
      firstFixed = nil
      firstLines.fixed = nil
    }
    if isBehind(firstLines.single) {
      singlePasses = 0
      firstLines.single = nil
    }
  }

  /// What is proved: two uses in a window without an unuse mean little where no unuse would have been seen, unless the
  /// counts that were read show that nothing came back.
  var verdict: TestDriverRemove {
    pattern == .unfixed && !unuseIsTraceable && !countsShowLeak ? .unknown : pattern
  }

  /// What the windows look like.
  var pattern: TestDriverRemove {
    // Counts do not depend on what was lost.
    let unfixed = unfixed + (countsShowLeak ? doubtedUnfixed : 0)
    if unfixed > 0, fixed > 0 { return .unknown }
    // Counts that both uses of a device read do not depend on whose window is whose.
    if isTangled || isPartial, !countsShowLeak { return .unknown }
    if unfixed > 0 { return .unfixed }
    if fixed > 0 { return .fixed }
    // A driver that manages DMA itself gives nothing back on any kernel: its silence says nothing.
    if silentPasses > 0 { return .unknown }
    return singlePasses > 0 ? .inactive : .unknown
  }

  /// What several boots say together. Of kernels that differ nothing is said.
  static func merged(_ boots: [KernelEvidence]) -> KernelEvidence {
    guard boots.count > 1, var merged = boots.first else { return boots.first ?? KernelEvidence() }
    for boot in boots.dropFirst() {
      merged.windows += boot.windows
      merged.reprobes += boot.reprobes
      merged.unfixed += boot.unfixed
      merged.doubtedUnfixed += boot.doubtedUnfixed
      merged.fixed += boot.fixed
      merged.silentPasses += boot.silentPasses
      merged.singlePasses += boot.singlePasses
      merged.cutPasses += boot.cutPasses
      merged.sawUse = merged.sawUse || boot.sawUse
      merged.sawUnuse = merged.sawUnuse && boot.sawUnuse
      merged.sawCleanup = merged.sawCleanup && boot.sawCleanup
      merged.sawBound = merged.sawBound || boot.sawBound
      merged.sawClaim = merged.sawClaim || boot.sawClaim
      merged.hasUnplacedUse = merged.hasUnplacedUse || boot.hasUnplacedUse
      merged.hasUnplacedClaim = merged.hasUnplacedClaim || boot.hasUnplacedClaim
      merged.countsShowLeak = merged.countsShowLeak || boot.countsShowLeak
      merged.isTangled = merged.isTangled || boot.isTangled
      merged.isPartial = merged.isPartial || boot.isPartial
    }
    return merged
  }
}
