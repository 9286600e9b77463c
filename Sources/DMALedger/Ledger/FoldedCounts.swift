/// How far the counts of a run of steps can be from the count at its beginning and from the one at its end.
///
///     −1  +1  +1  −1      from the beginning: at least −1, at most +1; from the end, 0 further on, the same
struct Reach: Sendable {
  /// Stands for any distance.
  static let far = 1 << 40

  /// Over all counts of the run: the greatest of the least that each can be, the greatest of the greatest, and the least
  /// of the greatest.
  struct Bounds: Sendable {
    var floor: Int
    var top: Int
    var lowestTop: Int

    func moved(floor more: Int, top most: Int) -> Bounds {
      Bounds(
        floor: Reach.sum(floor, more), top: Reach.sum(top, most), lowestTop: Reach.sum(lowestTop, most))
    }

    func joined(_ other: Bounds) -> Bounds {
      Bounds(
        floor: max(floor, other.floor), top: max(top, other.top), lowestTop: min(lowestTop, other.lowestTop))
    }
  }

  /// The end lies between these from the beginning.
  var low: Int
  var high: Int
  var fromStart: Bounds
  var fromEnd: Bounds
  /// The greatest of what the steps themselves say is the least and the greatest.
  var seenFloor: Int
  var seenTop: Int?
  /// Whether any of the counts bears on the peak: those of calls at the same time are told of all of them together.
  var bears: Bool

  init(_ step: CountHistory.Step) {
    bears = step.overlapPeak == nil && !step.isOverlapped
    // Behind a break or a reset the beginning says nothing.
    let isCut = step.isBreak || step.reset != nil
    low = isCut || step.mayReset ? -Self.far : step.low
    high = isCut ? Self.far : step.mayReset ? 0 : step.high
    let own = Bounds(floor: bears ? 0 : -Self.far, top: bears ? 0 : -Self.far, lowestTop: 0)
    fromStart = own.moved(floor: low, top: high)
    fromEnd = own
    seenFloor = bears ? step.post.min : 0
    seenTop = bears ? step.post.max : 0
  }

  /// The run with another one behind it.
  func followed(by next: Reach) -> Reach {
    var whole = self
    whole.low = Self.sum(low, next.low)
    whole.high = Self.sum(high, next.high)
    whole.fromStart = fromStart.joined(next.fromStart.moved(floor: low, top: high))
    whole.fromEnd = next.fromEnd.joined(fromEnd.moved(floor: -next.high, top: -next.low))
    whole.seenFloor = max(seenFloor, next.seenFloor)
    whole.seenTop = Count.greater(seenTop, next.seenTop)
    whole.bears = bears || next.bears
    return whole
  }

  /// A sum that stays on the side of what stands for any distance.
  static func sum(_ a: Int, _ b: Int) -> Int {
    if a >= far || b >= far { return far }
    if a <= -far || b <= -far { return -far }
    return max(-far, min(far, a + b))
  }
}

/// Many steps of a ``CountHistory`` as one: what it lets pass of a count in either direction is what they would have let
/// pass, and of the counts in between it keeps the peak.
///
/// Between two counts a run of steps says: the first lies in one interval, the second in another, and their difference in
/// a third. Two such runs behind each other are one again, exactly. A count that is known, a reset or a break cuts the run:
/// whatever lies before it is final, because nothing that is learned later passes through.
struct FoldedCounts: Sendable {
  /// Steps that were folded.
  var length = 1
  /// Nothing that is learned of one end says anything about the other.
  private(set) var isCut: Bool
  private(set) var hasBreak: Bool
  /// What is final of the counts: the greatest lower and upper bound, and the least upper one.
  private var floor = 0
  private var top: Int? = 0
  private var lowestTop: Int?
  /// The counts since the last cut, and the count there.
  private var open: Reach
  private var openStart = Count.unknown

  init(_ step: CountHistory.Step) {
    open = Reach(step)
    isCut = step.isBreak || step.reset != nil
    hasBreak = step.isBreak
    lowestTop = Count.lesser(step.pre.max, step.post.max)
    if let peak = step.overlapPeak {
      floor = peak.min
      top = peak.max
    }
  }

  /// Takes the steps behind these, with the counts `before` these and between both; `isKnown`: a cut lies there.
  mutating func add(_ next: FoldedCounts, before: Count, between: Count, isKnown: Bool) {
    length += next.length
    hasBreak = hasBreak || next.hasBreak
    floor = max(floor, next.floor)
    top = Count.greater(top, next.top)
    lowestTop = Count.lesser(lowestTop, next.lowestTop)
    if isKnown || next.isCut {
      let peak = peak(before: before, after: between)
      lowestTop = lowest(before: before, after: between)
      floor = peak.min
      top = peak.max
      open = next.open
      openStart = next.isCut ? next.openStart : between
      isCut = true
    } else {
      open = open.followed(by: next.open)
    }
  }

  /// The highest of the counts, where those at both ends are known to be these.
  func peak(before: Count, after: Count) -> Count {
    guard open.bears else { return Count(min: floor, max: top) }
    let start = isCut ? openStart : before
    let low = max(
      floor, open.seenFloor, Reach.sum(start.min, open.fromStart.floor),
      Reach.sum(after.min, open.fromEnd.floor))
    let high = [
      Self.bound(start.max, open.fromStart.top), Self.bound(after.max, open.fromEnd.top), open.seenTop,
    ].compactMap(\.self).min()
    return Count(min: low, max: Count.greater(top, high).map { max($0, low) })
  }

  /// The least upper bound of the counts.
  func lowest(before: Count, after: Count) -> Int? {
    let start = isCut ? openStart : before
    return [
      lowestTop, Self.bound(start.max, open.fromStart.lowestTop),
      Self.bound(after.max, open.fromEnd.lowestTop),
    ].compactMap(\.self).min().map { max(0, $0) }
  }

  private static func bound(_ count: Int?, _ distance: Int) -> Int? {
    guard let count, distance < Reach.far else { return nil }
    return Reach.sum(count, distance)
  }
}

extension CountHistory.Step {
  /// A step as the beginning of a fold.
  init(folding step: CountHistory.Step) {
    self = step
    if folded != nil { return }
    folded = FoldedCounts(step)
    if step.isBreak || step.reset != nil { post = CountHistory.forward(step.pre, step) ?? step.post }
    if step.mayReset {
      low = -Reach.far
      high = 0
    }
    reset = nil
    mayReset = false
    isUnwatched = false
    overlapPeak = nil
    isOverlapped = false
  }

  /// Two steps behind each other as one.
  init(folding first: CountHistory.Step, _ next: CountHistory.Step) {
    let second = CountHistory.Step(folding: next)
    self = first
    guard let one = first.folded, let other = second.folded else { return }
    let agreed = second.isBreak ? first.reached : first.reached.intersection(second.pre)
    let between = agreed ?? second.pre
    if let begin = CountHistory.backward(first.pre, first, after: agreed ?? first.reached) { pre = begin }
    post = CountHistory.forward(second.isBreak ? .unknown : between, second) ?? second.post
    reached = next.reached
    low = Reach.sum(first.low, second.low)
    high = Reach.sum(first.high, second.high)
    var whole = one
    whole.add(
      other, before: pre, between: between,
      isKnown: second.isBreak || between.exact != nil || agreed == nil)
    folded = whole
  }

  /// Nothing is known any more of what it stands for.
  mutating func forget() {
    let length = folded?.length ?? 1
    let serial = serial
    self = CountHistory.Step()
    isBreak = true
    var unknown = FoldedCounts(self)
    unknown.length = length
    folded = unknown
    self.serial = serial
  }
}
