/// The counts that a group can have had, from everything that was seen of it, in both directions of time.
///
/// Every step says what it allows before (`pre`), what it does, and what it allows after (`post`). A forward pass
/// narrows with the past, a backward pass with the future:
///
///     step            forward      backward
///     start           [0, ∞)       [1, 1]     the unuse must have brought it to 0
///     unuse   −1      [0, ∞)       [0, 0]     because the query said 0
///     query = 0       [0, 0]       [0, 0]
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

    package init() {}
  }

  private(set) var steps: [Step] = []
  /// What the past allows now.
  package private(set) var current: Count
  private let start: Count

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
    steps.append(step)
    current = Self.forward(step.isBreak ? .unknown : current, step) ?? step.post
    return isPossible
  }

  /// Adds what was read right before the step at `index`; what contradicts the steps around it is left out.
  package mutating func observe(_ count: Count, before index: Int) {
    guard index < steps.count, !steps[index].isBreak, let pre = steps[index].pre.intersection(count),
      replay()[index].before.intersection(count) != nil
    else { return }
    steps[index].pre = pre
    current = replay().last?.after ?? start
  }

  /// From this step on nothing is known to have happened between the steps.
  mutating func loosen(from index: Int) {
    guard index < steps.count else { return }
    for place in index..<steps.count { steps[place].isBreak = true }
    current = replay().last?.after ?? start
  }

  /// Whether the history breaks at one of these steps.
  func hasBreak(in range: ClosedRange<Int>) -> Bool {
    range.contains { steps.indices.contains($0) && steps[$0].isBreak }
  }

  /// Before and after of every step with all that is known, and where the count began.
  package func narrowed() -> (initial: Count, steps: [(before: Count, after: Count)]) {
    var result = replay()
    var initial = start
    for index in steps.indices.reversed() {
      if index + 1 < steps.count, !steps[index + 1].isBreak,
        let narrower = result[index].after.intersection(result[index + 1].before)
      {
        result[index].after = narrower
      }
      if let before = Self.backward(result[index].before, steps[index], after: result[index].after) {
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
    return (initial, result)
  }

  private func replay() -> [(before: Count, after: Count)] {
    var state = start
    return steps.map { step in
      if step.isBreak { state = .unknown }
      let before = state.intersection(step.pre) ?? step.pre
      state = Self.forward(state, step) ?? step.post
      return (before, state)
    }
  }

  private static func forward(_ count: Count, _ step: Step) -> Count? {
    guard let before = count.intersection(step.pre) else { return nil }
    if let reset = step.reset { return Count(exactly: reset).intersection(step.post) }
    if step.mayReset { return Count(min: 0, max: before.max).intersection(step.post) }
    let after = Count(min: max(0, before.min + step.low), max: before.max.map { max(0, $0 + step.high) })
    return after.intersection(step.post)
  }

  private static func backward(_ before: Count, _ step: Step, after: Count) -> Count? {
    if step.reset != nil || step.mayReset && after.min == 0 { return before }
    let low = max(0, after.min - step.high)
    let possible = Count(min: low, max: after.max.map { max(0, $0 - step.low) })
    return before.intersection(possible)
  }
}
