/// The calls on a group: the first and the last of them one by one, those in between as totals where there are too many.
struct ChangeList: Sendable {
  /// A change as the report will show it; counts come from the history.
  struct Entry: Sendable {
    var call: OwnershipCall
    var step: Int
    var certainty: Certainty
  }

  /// The changes that are told as totals.
  struct Fold: Sendable {
    /// They come before this one of those that are kept.
    var place: Int
    var count = 0
    /// How many of each kind, and how many of these took effect or may have.
    var calls = CallTally()
    var effective = CallTally()
    /// The first and the last of them.
    var first: OwnershipCall
    var last: OwnershipCall
    /// The step of the first of them, and the furthest of their lines.
    var step: Int
    var furthest: LineReference

    fileprivate init(place: Int, _ first: Entry) {
      self.place = place
      self.first = first.call
      last = first.call
      step = first.step
      furthest = first.call.entry.at
    }

    fileprivate mutating func add(_ entry: Entry) {
      count += 1
      calls[entry.call.kind] += 1
      if entry.call.result ?? 0 == 0 { effective[entry.call.kind] += 1 }
      furthest = max(furthest, entry.call.entry.at)
    }
  }

  /// Those that are kept, in the order of their effect.
  private(set) var kept: [Entry] = []
  /// What few groups have, apart: a group is small without it.
  private struct Rare: Sendable {
    var fold: Fold?
    var theft: OwnershipCall?
    var lastRequest: OwnershipCall?
    var grant: OwnershipCall?
  }

  private var rare: [Rare] = []

  private func rarely<Value>(_ path: KeyPath<Rare, Value?>) -> Value? {
    rare.first.flatMap { $0[keyPath: path] }
  }

  private mutating func setRare<Value>(_ path: WritableKeyPath<Rare, Value?>, _ value: Value?) {
    if rare.isEmpty {
      if value == nil { return }
      rare = [Rare()]
    }
    rare[0][keyPath: path] = value
  }

  private(set) var fold: Fold? {
    get { rarely(\.fold) }
    set { setRare(\.fold, newValue) }
  }

  // What all of them show, kept or not.

  private(set) var sawUse = false
  /// Any of them read a count.
  private(set) var readsCounts = false
  private(set) var sawResult = false
  /// Calls whose code is missing while nothing else tells what they did.
  private(set) var lacksReturn = CallTally()
  /// The first unuse that found the group owned.
  private(set) var theft: OwnershipCall? {
    get { rarely(\.theft) }
    set { setRare(\.theft, newValue) }
  }
  /// The last time somebody asked for the group, whatever came of it.
  private(set) var lastRequest: OwnershipCall? {
    get { rarely(\.lastRequest) }
    set { setRare(\.lastRequest, newValue) }
  }
  /// The first call behind the last refusal that got the group, or was told that it could.
  private(set) var grant: OwnershipCall? {
    get { rarely(\.grant) }
    set { setRare(\.grant, newValue) }
  }

  var isEmpty: Bool { kept.isEmpty }
  var first: Entry? { kept.first }
  var last: Entry? { kept.last }

  mutating func append(_ entry: Entry) {
    let call = entry.call
    if let former = kept.indices.last, !kept[former].call.mayBeWarnedOf {
      // The line of any but the last is quoted only where a finding is about it, and that keeps the call itself.
      kept[former].call.entry.text = .none
      kept[former].call.exit?.text = .none
    }
    kept.append(entry)
    if call.kind == .use { sawUse = true }
    if call.countBefore != nil || call.countAfter != nil { readsCounts = true }
    if call.result != nil { sawResult = true }
    if call.lacksReturn { lacksReturn[call.kind] += 1 }
    if call.kind == .unuse, call.ownerBefore ?? 0 != 0, theft == nil { theft = call }
    switch call.kind {
    case .claim, .deviceClaim, .query:
      lastRequest = call
      if grant == nil, call.result == 0 { grant = call }
    case .use, .unuse, .release, .deviceRelease: break
    }
  }

  /// The codes of calls of a kind, whose lines name no task, are not theirs after all; gives their steps.
  mutating func forgetResults(of kind: OwnershipCallKind, since line: LineReference) -> [Int] {
    var steps: [Int] = []
    for place in kept.indices {
      let call = kept[place].call
      guard call.kind == kind, call.pid < 0, call.cpu < 0, call.result != nil, call.entry.at >= line else {
        continue
      }
      kept[place].call.result = nil
      kept[place].certainty = .suspected
      steps.append(kept[place].step)
    }
    return steps
  }

  /// The call taken last was refused.
  mutating func noteRefusal() { grant = nil }

  /// The step of the first call behind a line, or of one before it where that is not known any more.
  func firstStep(behind line: LineReference?) -> Int? {
    func isBehind(_ at: LineReference) -> Bool { line.map { at > $0 } ?? true }
    let head = fold?.place ?? kept.count
    if let entry = kept[..<head].first(where: { isBehind($0.call.entry.at) }) { return entry.step }
    guard let fold else { return nil }
    if isBehind(fold.furthest) { return fold.step }
    return kept[head...].first { isBehind($0.call.entry.at) }?.step
  }

  /// Keeps `most` of the changes, the first and the last of them; gives the steps between those that are kept.
  mutating func keep(_ most: Int) -> Range<Int>? {
    guard kept.count > most, most >= 2 else { return nil }
    let former = fold?.place ?? kept.count
    let head = min(most / 2, former)
    let tail = kept.count - (most - head)
    guard head < tail else { return nil }
    var whole = Fold(place: head, kept[head])
    for place in head..<tail {
      if place == former, let fold { whole.join(fold) }
      whole.add(kept[place])
    }
    if former >= tail, let fold { whole.join(fold) }
    whole.last = former >= tail ? fold?.last ?? kept[tail - 1].call : kept[tail - 1].call
    fold = whole
    let steps = kept[head - 1].step + 1..<kept[tail].step
    kept.removeSubrange(head..<tail)
    kept.giveBackRoom()
    return steps
  }
}

extension ChangeList.Fold {
  fileprivate mutating func join(_ other: Self) {
    if count == 0 {
      first = other.first
      step = other.step
    }
    count += other.count
    calls.add(other.calls)
    effective.add(other.effective)
    furthest = max(furthest, other.furthest)
  }
}

extension OwnershipCall {
  /// Whether the kernel may warn of it: then a log may quote its line.
  fileprivate var mayBeWarnedOf: Bool {
    switch kind {
    case .unuse, .release, .deviceRelease: true
    case .use, .claim, .deviceClaim, .query: false
    }
  }

  /// Whether its return code is missing and nothing else tells what it did: a count read behind it, or by a query.
  fileprivate var lacksReturn: Bool {
    kind.hasResult && result == nil && countAfter == nil && !(kind == .query && countBefore != nil)
  }
}
