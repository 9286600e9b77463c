/// The counts that a group can have had, from everything that was seen of it, in both directions of time.
///
/// Every step says what it allows before (`pre`), what it does, and what it allows after (`post`). A forward pass
/// narrows with the past, a backward pass with the future:
///
///     step            forward      backward
///     start           [0, ∞)       [1, 1]     the unuse must have brought it to 0
///     unuse   −1      [0, ∞)       [0, 0]     because the query said 0
///     query = 0       [0, 0]       [0, 0]
///
/// Steps have serials, in order from 0. Those in the middle of a long history may be folded into one step that stands
/// for them all (``FoldedCounts``); nothing that passes through it is lost, in either direction.
package struct CountHistory: Sendable {
  package struct Step: Sendable {
    package var pre = Count.unknown
    package var post = Count.unknown
    /// The count moves by between `low` and `high`.
    package var low = 0
    package var high = 0
    /// The count becomes this, whatever it was.
    package var reset: Int?
    /// The count becomes 0 or stays what it is.
    package var mayReset = false
    /// Nothing before says anything about what follows: lost events, or an observation that cannot be.
    package var isBreak = false
    /// What a function that nobody watches may have done.
    package var isUnwatched = false
    /// One of several calls whose order is not known: the highest count among them is told of the first of them.
    package var isOverlapped = false
    package var overlapPeak: Count?
    /// Others may have come between what was read before it, what it did, and what was read behind it.
    var isLoose = false
    /// What it stands for, where it is more than one step. Few steps do, so the others carry no room for it.
    var folded: FoldedCounts? {
      get { fold.first }
      set { fold = newValue.map { [$0] } ?? [] }
    }
    private var fold: [FoldedCounts] = []
    /// The place among all steps of the (first) step.
    var serial = 0
    /// What the past allows behind it.
    var reached = Count.unknown

    package init() {}

    fileprivate var end: Int { serial + (folded?.length ?? 1) }
  }

  private var steps: [Step] = []
  /// Steps so far, folded or not.
  package private(set) var count = 0
  /// Steps that are kept one by one, or as one that stands for many.
  package var kept: Int { steps.count }
  /// Steps that there is room for.
  package var room: Int { steps.capacity }
  /// What the past allows now.
  package private(set) var current: Count
  private let start: Count
  private var lastBreak: Int?
  private var lastUnwatched: Int?
  /// Between these steps nothing is known to have happened: to say so again changes nothing.
  private var loose = 0..<0
  /// Steps of calls that can have come in several orders, and the step before the first of them.
  private var spreads: [Int: (spread: Spread, start: Int)] = [:]

  /// By how much other calls may have moved the count within a step.
  private var company: [Int: Company] = [:]

  package init(start: Count) {
    self.start = start
    current = start
  }

  /// Adds a step; false where the past does not allow it: then the history breaks and takes up again at the step.
  @discardableResult
  package mutating func add(_ step: Step) -> Bool {
    var step = step
    let isPossible = step.isBreak || Self.forward(current, step) != nil
    if !isPossible { step.isBreak = true }
    if step.isBreak { lastBreak = count }
    if step.isUnwatched { lastUnwatched = count }
    step.serial = count
    current = Self.forward(step.isBreak ? .unknown : current, step) ?? step.post
    step.reached = current
    steps.append(step)
    count += 1
    return isPossible
  }

  /// Where a step is kept; `nil` where it was folded into another.
  private func place(of serial: Int) -> Int? {
    guard let place = placeAtOrBefore(serial), steps[place].serial == serial, steps[place].folded == nil
    else {
      return nil
    }
    return place
  }

  private func placeAtOrBefore(_ serial: Int) -> Int? {
    guard serial >= 0, serial < count else { return nil }
    var low = 0
    var high = steps.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if steps[middle].serial <= serial { low = middle } else { high = middle }
    }
    return low
  }

  /// Adds what was read right before a step; what contradicts the steps around it is left out. Nothing is learned of a
  /// step that was folded.
  package mutating func observe(_ read: Count, before serial: Int) {
    guard let index = place(of: serial), !steps[index].isBreak,
      let pre = steps[index].pre.intersection(read), before(index).intersection(read) != nil
    else { return }
    steps[index].pre = pre
    reach(from: index)
  }

  /// What was read around these steps is not their own doing.
  mutating func doubt(_ serials: [Int]) {
    let places = serials.compactMap(place)
    for index in places {
      steps[index].pre = .unknown
      steps[index].post = steps[index].low > 0 ? Count(min: steps[index].low, max: nil) : .unknown
    }
    if let first = places.min() { reach(from: first) }
  }

  /// Another call may have taken effect around any of these steps, before or behind it, and moved the count by so much more.
  mutating func widen(_ serials: [Int], low: Int, high: Int) {
    let places = serials.compactMap(place).filter { steps[$0].reset == nil }
    for index in places {
      steps[index].low += low
      steps[index].high += high
      steps[index].post = .unknown
      company[steps[index].serial, default: Company()].join(low: low, high: high)
    }
    if let first = places.min() { reach(from: first) }
  }

  /// The calls that were taken for those of a step may have been others: of what it did nothing is known.
  mutating func forget(_ serial: Int) {
    guard let index = place(of: serial) else { return }
    steps[index].pre = .unknown
    steps[index].post = .unknown
    steps[index].low = min(steps[index].low, 0)
    steps[index].high = max(steps[index].high, 0)
    reach(from: index)
  }

  /// From this step on nothing is known to have happened between the steps.
  package mutating func loosen(from serial: Int) {
    guard let start = placeAtOrBefore(serial) else { return }
    let changed = forgetAgreement(at: start) ?? start
    let isLoose = loose.contains(serial)
    let first = isLoose ? placeAtOrBefore(loose.upperBound) ?? steps.count : start
    for place in first..<steps.count {
      steps[place].isBreak = true
      steps[place].isLoose = true
      steps[place].isOverlapped = false
      steps[place].overlapPeak = nil
      if steps[place].folded != nil { steps[place].forget() }
    }
    let agreed = steps[min(start, changed)].serial
    if !spreads.isEmpty { spreads = spreads.filter { $0.key < agreed } }
    lastBreak = count - 1
    reach(from: min(first, changed))
    loose = (isLoose ? loose.lowerBound : serial)..<count
  }

  /// What all orders of the calls agree on that met this one holds only if no other was there; gives the step that tells it.
  private mutating func forgetAgreement(at place: Int) -> Int? {
    guard steps[place].isOverlapped, let begin = steps[...place].lastIndex(where: { $0.overlapPeak != nil })
    else { return nil }
    steps[begin].pre = .unknown
    steps[begin].overlapPeak = .unknown
    return begin
  }

  /// What takes or gives back turns out to be watched after all: nothing of it ran unseen. Gives the steps that cannot be
  /// then; what was folded stays as wide as it is.
  package mutating func dismissUnwatched(takes: Bool) -> [Int] {
    guard lastUnwatched != nil, let first = steps.firstIndex(where: \.isUnwatched) else { return [] }
    for place in first..<steps.count where steps[place].isUnwatched {
      if takes { steps[place].high = 0 } else { steps[place].low = 0 }
    }
    var impossible: [Int] = []
    for place in first..<steps.count {
      let state = place > 0 ? steps[place - 1].reached : start
      if !steps[place].isBreak, Self.forward(state, steps[place]) == nil {
        steps[place].isBreak = true
        lastBreak = max(lastBreak ?? 0, steps[place].serial)
        impossible.append(steps[place].serial)
      }
      steps[place].reached =
        Self.forward(steps[place].isBreak ? .unknown : state, steps[place]) ?? steps[place].post
    }
    current = steps.last?.reached ?? start
    return impossible
  }

  /// The last step, if it is one that nobody watches, took nothing. Gives how much it may have taken.
  package mutating func dismissLastTakes() -> Int {
    guard let last = steps.indices.last, steps[last].isUnwatched else { return 0 }
    let takes = steps[last].high
    steps[last].high = 0
    reach(from: last)
    return takes
  }

  /// What the past allows before a step.
  private func before(_ place: Int) -> Count {
    let step = steps[place]
    let state = step.isBreak ? .unknown : place > 0 ? steps[place - 1].reached : start
    return state.intersection(step.pre) ?? step.pre
  }

  /// Goes through the steps again from one of them on, as far as anything changes.
  private mutating func reach(from first: Int) {
    for place in first..<steps.count {
      let state = place > 0 ? steps[place - 1].reached : start
      let step = steps[place]
      let reached = Self.forward(step.isBreak ? .unknown : state, step) ?? step.post
      steps[place].reached = reached
    }
    current = steps.last?.reached ?? start
  }

  /// Whether the history breaks at one of these steps; where that was folded away, it is taken to have.
  func hasBreak(in range: ClosedRange<Int>) -> Bool {
    guard let lastBreak, lastBreak >= range.lowerBound, var place = placeAtOrBefore(range.lowerBound) else {
      return false
    }
    if range.contains(lastBreak) { return true }
    while place < steps.count, steps[place].serial <= range.upperBound {
      if steps[place].isBreak || steps[place].folded?.hasBreak == true { return true }
      place += 1
    }
    return false
  }

  /// Whether the count may have moved unseen between a step, or the beginning, and a later one.
  func isInterrupted(after first: Int?, before last: Int) -> Bool {
    let next = (first ?? -1) + 1
    guard max(lastBreak ?? -1, lastUnwatched ?? -1) >= next, let start = placeAtOrBefore(next) else {
      return false
    }
    return steps[start...].prefix { $0.serial <= last }.contains { step in
      if let folded = step.folded { return lastBreak ?? -1 >= next && folded.hasBreak }
      if step.isUnwatched { return step.low < 0 || step.high > 0 }
      // What only takes up a count that is known, behind calls at the same time, hides nothing.
      return step.isBreak && (step.serial == last || step.pre == .unknown)
    }
  }

  /// Whether what nobody watches may have run behind one step and before another.
  func mayHaveMovedUnseen(between first: Int, and last: Int) -> Bool {
    guard let lastUnwatched, lastUnwatched > first else { return false }
    return self[first + 1..<last].contains { $0.isUnwatched && ($0.low < 0 || $0.high > 0) }
  }

  /// Whether nothing but what nobody watches has come behind so many steps.
  func hasMovedUnseenOnly(since serial: Int) -> Bool {
    serial >= count || self[serial..<count].allSatisfy(\.isUnwatched)
  }

  /// What the count was before `last` at most, where it is known behind `first`, by what ran in between and not by what was
  /// read behind anything that nobody watches; rather too high where steps are folded. `nil` where `first` is.
  func most(between first: Int, and last: Int) -> Int? {
    guard let place = place(of: first), var most = steps[place].reached.max else { return nil }
    var mayBeRead = true
    for step in self[first + 1..<last] {
      if step.isUnwatched && step.low < 0 || step.folded != nil { mayBeRead = false }
      if mayBeRead, let read = step.pre.max { most = min(most, read) }
      most = step.reset ?? max(0, Reach.sum(most, step.high))
    }
    return most
  }

  /// The steps of a range of serials, as they are kept.
  private subscript(serials: Range<Int>) -> ArraySlice<Step>.SubSequence {
    guard let start = placeAtOrBefore(serials.lowerBound) else { return [] }
    return steps[start...].prefix { $0.serial < serials.upperBound }
  }

  /// These steps are calls at the same time, with the highest count among them.
  mutating func markOverlap(_ range: ClosedRange<Int>, peak: Count) {
    guard let first = place(of: range.lowerBound) else { return }
    steps[first].overlapPeak = peak
    for place in first..<steps.count where range.contains(steps[place].serial) {
      steps[place].isOverlapped = true
    }
  }

  /// The last step is a call that can have come in several orders; `start` is the step before the first of those calls.
  mutating func spread(_ spread: Spread?, from start: Int) {
    if let spread { spreads[count - 1] = (spread, start) }
  }

  // MARK: - Folding

  /// Folds the steps of a range of serials, but for those in `keeping`, which are in order.
  package mutating func fold(_ range: Range<Int>, keeping: [Int] = []) {
    guard let first = steps.firstIndex(where: { $0.serial >= range.lowerBound }) else { return }
    var folded: [Step] = []
    var pinned = keeping[...]
    var open = 0
    var last = first
    while last < steps.count, steps[last].end <= range.upperBound {
      let step = steps[last]
      while let next = pinned.first, next < step.serial { pinned.removeFirst() }
      // What nobody watches may turn out to be watched, and then it never ran.
      let isOpen =
        step.folded == nil && (step.mayReset || step.isUnwatched && (step.low < 0 || step.high > 0))
      if isOpen { open += 1 }
      let isPinned = pinned.first == step.serial || isOpen && open <= Self.mostOpen
      if !isPinned, let former = folded.last, former.folded != nil {
        folded[folded.count - 1] = Step(folding: former, step)
      } else {
        folded.append(isPinned ? step : Step(folding: step))
      }
      last += 1
    }
    steps.replaceSubrange(first..<last, with: folded)
    steps.giveBackRoom()
    loose = 0..<0
    if !spreads.isEmpty { spreads = spreads.filter { place(of: $0.key) != nil } }
    if !company.isEmpty { company = company.filter { place(of: $0.key) != nil } }
  }

  /// Releases of a group that may have been owned are not folded, as long as they are few: the count behind one is 0 or
  /// what it was, and an interval cannot say that.
  private static let mostOpen = 64

  // MARK: - Both directions

  /// Before and after of every step with all that is known, and where the count began.
  package func narrowed() -> NarrowedCounts {
    var result = steps.indices.map { (before: before($0), after: steps[$0].reached) }
    var initial = start
    for index in steps.indices.reversed() {
      if index + 1 < steps.count, !steps[index + 1].isBreak,
        let narrower = result[index].after.intersection(result[index + 1].before)
      {
        result[index].after = narrower
      }
      // A count of 0 behind one of several calls says nothing of what was there before it where another order is possible.
      let mayBeElsewhere =
        !spreads.isEmpty && result[index].after.min == 0 && spreads[steps[index].serial] != nil
      if let before = Self.backward(
        result[index].before, steps[index], after: result[index].after, isFloorSure: !mayBeElsewhere)
      {
        result[index].before = before
      }
    }
    if let first = steps.first, !first.isBreak, let narrower = start.intersection(result[0].before) {
      initial = narrower
    }
    // What the future taught about the past may teach something about the future again.
    var state = initial
    for index in steps.indices {
      if steps[index].isBreak { state = .unknown }
      if let before = result[index].before.intersection(state) { result[index].before = before }
      if let after = Self.forward(result[index].before, steps[index])?.intersection(result[index].after) {
        result[index].after = after
      }
      state = result[index].after
    }
    return NarrowedCounts(initial: initial, kept: steps, counts: result, spreads: spreads, company: company)
  }

  static func forward(_ count: Count, _ step: Step) -> Count? {
    guard let before = count.intersection(step.pre) else { return nil }
    if step.folded?.isCut == true { return step.post }
    if let reset = step.reset { return Count(exactly: reset).intersection(step.post) }
    if step.mayReset { return Count(min: 0, max: before.max).intersection(step.post) }
    let after = Count(min: max(0, before.min + step.low), max: before.max.map { max(0, $0 + step.high) })
    return after.intersection(step.post)
  }

  /// `isFloorSure`: what the step takes was there before it.
  static func backward(_ before: Count, _ step: Step, after: Count, isFloorSure: Bool = true) -> Count? {
    if step.folded?.isCut == true { return before }
    if step.reset != nil || step.mayReset && after.min == 0 { return before }
    let low = isFloorSure ? max(0, after.min - step.high) : 0
    // A step that may bring any count down says nothing about how high it was.
    let high = step.low <= -Reach.far ? nil : after.max.map { max(0, $0 - step.low) }
    return before.intersection(Count(min: low, max: high))
  }
}

/// Before and after of the steps of a history, as far as everything together tells.
package struct NarrowedCounts: Sendable {
  package let initial: Count
  private let kept: [CountHistory.Step]
  private let counts: [(before: Count, after: Count)]
  private let spreads: [Int: (spread: CountHistory.Spread, start: Int)]
  private let company: [Int: CountHistory.Company]

  fileprivate init(
    initial: Count, kept: [CountHistory.Step], counts: [(before: Count, after: Count)],
    spreads: [Int: (spread: CountHistory.Spread, start: Int)], company: [Int: CountHistory.Company]
  ) {
    self.spreads = spreads
    self.company = company
    self.initial = initial
    self.kept = kept
    self.counts = counts
  }

  /// Those of the steps that are kept, in their order.
  package var steps: [(before: Count, after: Count)] { counts }

  /// The count behind the last step.
  package var final: Count { counts.last?.after ?? initial }

  /// Before and after of one step, in any order that it can have among those beside it; unknown where it was folded.
  package func counts(at serial: Int) -> (before: Count, after: Count) {
    let together = countsTogether(at: serial)
    guard let company = company[serial] else { return together }
    return (company.before(together.before), company.after(together.after))
  }

  /// The same of a step and of what may have come with it.
  private func countsTogether(at serial: Int) -> (before: Count, after: Count) {
    if let (spread, start) = spreads[serial] { return spread.counts(from: counts(at: start).after) }
    var low = 0
    var high = kept.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if kept[middle].serial <= serial { low = middle } else { high = middle }
    }
    guard low < kept.count, kept[low].serial == serial, kept[low].folded == nil else {
      return (.unknown, .unknown)
    }
    return counts[low]
  }

  /// The highest count that there was.
  package var peak: Count {
    var peak = initial
    func raise(_ count: Count) {
      peak.min = max(peak.min, count.min)
      peak.max = Count.greater(peak.max, count.max)
    }
    for (step, count) in zip(kept, counts) {
      if let folded = step.folded {
        raise(folded.peak(before: count.before, after: count.after))
      } else if let peak = step.overlapPeak {
        raise(peak)
      } else if step.isLoose {
        raise(Count(min: max(step.pre.min, step.post.min), max: count.after.max))
      } else if !step.isOverlapped {
        raise(count.after)
      }
      if let company = company[step.serial] {
        peak.max = Count.greater(peak.max, company.before(count.before).max)
      }
    }
    return peak
  }

  /// The lowest of the upper bounds: whoever was there all along was in every count.
  package var lowest: Int? {
    var lowest = initial.max
    func lower(_ bound: Int?) {
      lowest = Count.lesser(lowest, bound)
    }
    for (step, count) in zip(kept, counts) {
      lower(count.before.max)
      lower(count.after.max)
      if let folded = step.folded { lower(folded.lowest(before: count.before, after: count.after)) }
    }
    return lowest
  }
}
