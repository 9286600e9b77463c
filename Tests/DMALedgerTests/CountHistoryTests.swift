import DMALedger
import TestSupport
import Testing

@Suite("The history of a count")
struct CountHistoryTests {
  private typealias Step = CountHistory.Step

  private static func step(
    _ delta: Int, pre: Count = .unknown, post: Count = .unknown, reset: Int? = nil, isBreak: Bool = false
  ) -> Step {
    var step = Step()
    step.pre = pre
    step.post = post
    step.low = delta
    step.high = delta
    step.reset = reset
    step.isBreak = isBreak
    return step
  }

  private static func counts(
    _ steps: [Step], start: Count = .unknown
  ) -> (initial: Count, steps: [(before: Count, after: Count)], arePossible: [Bool]) {
    var history = CountHistory(start: start)
    let arePossible = steps.map { history.add($0) }
    let narrowed = history.narrowed()
    return (narrowed.initial, narrowed.steps, arePossible)
  }

  @Test("nothing is known of a history without steps")
  func empty() {
    #expect(Self.counts([]).initial == .unknown)
    #expect(Self.counts([], start: Count(exactly: 3)).initial.exact == 3)
  }

  @Test("what is read narrows what comes after it")
  func forward() {
    let read = Count(exactly: 2)
    let result = Self.counts([Self.step(1, pre: read), Self.step(1), Self.step(-1)])
    #expect(result.steps.map(\.before.exact) == [2, 3, 4])
    #expect(result.steps.map(\.after.exact) == [3, 4, 3])
  }

  @Test("and what came before it")
  func backward() {
    let result = Self.counts([Self.step(-1), Self.step(1), Self.step(0, pre: Count(exactly: 4))])
    #expect(result.initial.exact == 4)
    #expect(result.steps.map(\.before.exact) == [4, 3, 4])
    #expect(result.steps.map(\.after.exact) == [3, 4, 4])
  }

  @Test("a bound from one end and a bound from the other make a value")
  func bothEnds() {
    let result = Self.counts([
      Self.step(0, pre: Count(min: 1, max: nil)), Self.step(-1, pre: Count(min: 1, max: nil)),
      Self.step(0, pre: Count(min: 0, max: 0)),
    ])
    #expect(result.initial.exact == 1)
    #expect(result.steps.last?.after.exact == 0)
  }

  @Test("a step that may or may not have counted leaves two values")
  func uncertain() {
    var step = Self.step(0)
    step.high = 1
    let result = Self.counts([step], start: Count(exactly: 1))
    #expect(result.steps[0].after == Count(min: 1, max: 2))
    let decided = Self.counts([step, Self.step(0, pre: Count(exactly: 2))], start: Count(exactly: 1))
    #expect(decided.steps[0].before.exact == 1)
    #expect(decided.steps[0].after.exact == 2)
  }

  @Test("nothing passes through a break, in either direction")
  func breaks() {
    let result = Self.counts(
      [
        Self.step(1), Self.step(0, isBreak: true), Self.step(1), Self.step(0, pre: Count(exactly: 7)),
      ], start: Count(exactly: 0))
    #expect(result.steps[0].after.exact == 1)
    #expect(result.steps[1].after.exact == 6)
    #expect(result.steps.last?.after.exact == 7)
    #expect(result.initial.exact == 0)
  }

  @Test("what cannot be breaks the history, and it takes up again there")
  func contradiction() {
    let result = Self.counts(
      [Self.step(1), Self.step(1, pre: Count(exactly: 5)), Self.step(0)], start: Count(exactly: 0))
    #expect(result.arePossible == [true, false, true])
    #expect(result.steps.map(\.after.exact) == [1, 6, 6])
    #expect(result.initial.exact == 0)
  }

  @Test("a reset is known whatever was before it, and says nothing about that")
  func reset() {
    let result = Self.counts([Self.step(0, reset: 0), Self.step(1)])
    #expect(result.initial == .unknown)
    #expect(result.steps[0].before == .unknown)
    #expect(result.steps.map(\.after.exact) == [0, 1])
    #expect(Self.counts([Self.step(0, pre: Count(min: 1, max: nil), reset: 0)]).initial.min == 1)
  }

  @Test("a reset that may not have happened keeps what is above 0 possible")
  func possibleReset() {
    var step = Self.step(0)
    step.mayReset = true
    #expect(Self.counts([step], start: Count(exactly: 3)).steps[0].after == Count(min: 0, max: 3))
    let stayed = Self.counts([step, Self.step(0, pre: Count(exactly: 3))])
    #expect(stayed.initial.exact == 3)
    #expect(Self.counts([step, Self.step(0, pre: Count(exactly: 0))]).initial == .unknown)
  }

  @Test("what was read in front of an earlier step is put there, unless it contradicts it")
  func observe() {
    var history = CountHistory(start: .unknown)
    history.add(Self.step(1))
    history.add(Self.step(1))
    history.observe(Count(exactly: 4), before: 1)
    #expect(history.narrowed().initial.exact == 3)
    #expect(history.current.exact == 5)
    history.observe(Count(exactly: 9), before: 1)
    #expect(history.current.exact == 5)
  }

  /// A random walk of a true count and what somebody might have seen of it.
  private struct Walk {
    var history: CountHistory
    var steps: [Step] = []
    let start: Count
    var truth: [(before: Int, after: Int)] = []
    /// First step of every stretch without break or reset, and whether something in it was read exactly.
    var stretches: [(steps: Range<Int>, isRead: Bool)] = []
    let initial: Int

    init(seed: UInt64, isExact: Bool) {
      var random = SplitMix(state: seed)
      var count = Int.random(in: 0...3, using: &random)
      initial = count
      let startsKnown = Int.random(in: 0...3, using: &random) == 0
      start = startsKnown ? Count(exactly: count) : .unknown
      history = CountHistory(start: start)
      var first = 0
      var isRead = startsKnown
      for index in 0..<Int.random(in: 1...24, using: &random) {
        let kind = Int.random(in: 0...9, using: &random)
        var step = CountHistory.Step()
        let before: Int
        if kind == 0 {
          stretches.append((first..<index, isRead))
          (first, isRead) = (index, false)
          step.isBreak = true
          count = Int.random(in: 0...5, using: &random)
          before = count
        } else {
          before = count
          let delta =
            count == 0 ? Int.random(in: 0...1, using: &random) : Int.random(in: -1...1, using: &random)
          step.low = delta
          step.high = delta
          if kind == 1 {
            // A release knows where it ends and not where it began.
            stretches.append((first..<index, isRead))
            (first, isRead) = (index + 1, true)
            step.reset = 0
            count = 0
          } else {
            count += delta
            if !isExact, kind < 4 {
              step.low = min(delta, Int.random(in: -1...1, using: &random))
              step.high = max(delta, Int.random(in: -1...1, using: &random))
            }
          }
        }
        (step.pre, step.post) = (
          Self.seen(before, &random, &isRead, counts: step.reset == nil && !step.isBreak),
          Self.seen(count, &random, &isRead, counts: step.reset == nil)
        )
        truth.append((before, count))
        steps.append(step)
        history.add(step)
      }
      stretches.append((first..<truth.count, isRead))
    }

    private static func seen(
      _ count: Int, _ random: inout SplitMix, _ isRead: inout Bool, counts: Bool
    ) -> Count {
      switch Int.random(in: 0...7, using: &random) {
      case 0:
        if counts { isRead = true }
        return Count(exactly: count)
      case 1: return Count(min: count > 0 ? 1 : 0, max: nil)
      case 2: return Count(min: max(0, count - 1), max: count + 2)
      default: return .unknown
      }
    }
  }

  @Test("the true count is never excluded", arguments: 0..<40)
  func sound(block: Int) {
    for seed in block * 50..<(block + 1) * 50 {
      let walk = Walk(seed: UInt64(seed), isExact: seed % 2 == 0)
      let narrowed = walk.history.narrowed()
      #expect(narrowed.initial.contains(walk.initial), "seed \(seed)")
      for (index, truth) in walk.truth.enumerated() {
        let step = narrowed.steps[index]
        #expect(
          step.before.contains(truth.before) && step.after.contains(truth.after),
          "seed \(seed), step \(index)")
      }
      #expect(walk.history.current.contains(walk.truth.last?.after ?? walk.initial), "seed \(seed)")
    }
  }

  @Test("one exact reading makes a whole stretch exact", arguments: 0..<40)
  func complete(block: Int) {
    for seed in block * 50..<(block + 1) * 50 {
      let walk = Walk(seed: UInt64(seed), isExact: true)
      let narrowed = walk.history.narrowed()
      for stretch in walk.stretches where stretch.isRead {
        for index in stretch.steps {
          #expect(
            narrowed.steps[index].after.exact == walk.truth[index].after
              && (narrowed.steps[index].before.exact == walk.truth[index].before
                || index == stretch.steps.lowerBound),
            "seed \(seed), step \(index)")
        }
      }
    }
  }

  /// The same walk with the middle of its history folded now and then, and the steps that were not.
  private static func folded(_ walk: Walk, seed: UInt64) -> (history: CountHistory, kept: [Int]) {
    var random = SplitMix(state: seed ^ 0xF01D)
    var history = CountHistory(start: walk.start)
    var kept: [Int] = []
    let pinned = walk.steps.indices.filter { _ in Int.random(in: 0..<6, using: &random) == 0 }
    for (serial, step) in walk.steps.enumerated() {
      history.add(step)
      kept.append(serial)
      guard Int.random(in: 0..<4, using: &random) == 0 else { continue }
      let first = Int.random(in: 0...serial, using: &random)
      let range = first..<Int.random(in: first...serial + 1, using: &random)
      history.fold(range, keeping: pinned)
      kept.removeAll { range.contains($0) && !pinned.contains($0) }
    }
    return (history, kept)
  }

  @Test("folding the middle of a history changes nothing that is known of the rest", arguments: 0..<40)
  func folding(block: Int) {
    var saved = 0
    for seed in block * 50..<(block + 1) * 50 {
      let walk = Walk(seed: UInt64(seed), isExact: seed % 2 == 0)
      let (history, kept) = Self.folded(walk, seed: UInt64(seed))
      let all = walk.history.narrowed()
      let some = history.narrowed()
      #expect(some.initial == all.initial && some.final == all.final, "seed \(seed)")
      #expect(history.current == walk.history.current, "seed \(seed)")
      for serial in kept where some.counts(at: serial) != (.unknown, .unknown) {
        #expect(some.counts(at: serial) == all.counts(at: serial), "seed \(seed), step \(serial)")
      }
      // Of the steps that are gone the peak is kept, as exactly as the steps themselves were known.
      #expect(some.peak.min <= all.peak.min, "seed \(seed)")
      let top = all.peak.max ?? .max
      #expect(some.peak.max ?? .max >= top, "seed \(seed)")
      #expect(some.lowest ?? .max <= all.lowest ?? .max, "seed \(seed)")
      if seed % 2 == 0 { #expect(some.peak == all.peak && some.lowest == all.lowest, "seed \(seed)") }
      let truth = walk.truth.map(\.after).max().map { max($0, walk.initial) } ?? walk.initial
      #expect(some.peak.contains(truth), "seed \(seed)")
      saved += walk.history.kept - history.kept
    }
    #expect(saved > 50)
  }

  @Test("what is known after a fold still tells what it was before it")
  func narrowingThroughFold() {
    var history = CountHistory(start: .unknown)
    history.add(Self.step(1))
    for _ in 0..<500 {
      history.add(Self.step(1))
      history.add(Self.step(-1, pre: Count(min: 1, max: nil)))
    }
    history.fold(1..<1001)
    #expect(history.kept == 2)
    // Of thousands of groups each may have had the most steps once.
    #expect(history.room < 100)
    history.add(Self.step(0, pre: Count(exactly: 3)))
    let narrowed = history.narrowed()
    #expect(narrowed.initial.exact == 2)
    #expect(narrowed.counts(at: 0).after.exact == 3)
    #expect(narrowed.counts(at: 1001).before.exact == 3)
    #expect(narrowed.peak.exact == 4)
  }

  @Test("a loss that may lie in a fold leaves nothing known behind it")
  func looseningFold() {
    var history = CountHistory(start: Count(exactly: 0))
    for _ in 0..<10 {
      history.add(Self.step(1))
      history.add(Self.step(-1))
    }
    history.add(Self.step(1))
    history.fold(2..<20)
    history.loosen(from: 7)
    let narrowed = history.narrowed()
    #expect(narrowed.counts(at: 1).after.exact == 0)
    #expect(narrowed.final == Count(min: 1, max: nil))
    #expect(narrowed.peak.max == nil)
  }
}
