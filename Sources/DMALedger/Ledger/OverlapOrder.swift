/// The orders in which calls that were at a group at the same time can have had its lock.
///
/// A call that was over before another began came first; beyond that only the return codes tell, by the rules of
/// kernel-model 1.3. Few calls ever meet, so all orders are tried with all counts that are possible.
struct OverlapOrder: Sendable {
  struct Call: Sendable {
    var call: OwnershipCall
    var closed: Moment
    /// Nobody saw it, and it may never have been.
    private(set) var isHidden = false

    init(_ call: OwnershipCall, closed: Moment) {
      self.call = call
      self.closed = closed
    }

    /// Its return, or where nobody saw that its entry.
    var moment: LineReference { (call.exit ?? call.entry).at }
    var entered: Moment { call.entryMoment }

    /// An unuse that nobody saw, at any time.
    static var hiddenUnuse: Call {
      let never = LineReference(source: .max, line: .max)
      var call = OwnershipCall(kind: .unuse, entry: Witness(at: never, time: nil, text: .none))
      call.isEntryUnseen = true
      var hidden = Call(call, closed: Moment(at: never, tie: 0, cpu: -1, pid: -1))
      hidden.isHidden = true
      return hidden
    }
  }

  /// The calls in one of the possible orders, the one that is closest to that of their returns.
  private(set) var places: [Int]
  /// Whether any order is possible at all.
  private(set) var isPossible = false
  /// The count before the first and behind the last, over all possible orders.
  private(set) var before = Count.unknown
  private(set) var after = Count.unknown
  /// The highest count in between.
  private(set) var peak = Count.unknown
  /// The count that each call found, where all possible orders agree.
  private(set) var found: [Int?]
  /// What each call found and left, where the orders do not agree on that.
  private(set) var spreads: [CountHistory.Spread?]
  /// The owner behind the last.
  private(set) var owner = Ownership.unknown

  /// Calls whose orders are tried.
  private static let mostTried = 7
  /// Counts tried above the least; more stand for any number.
  private static let reach = 12

  private struct State {
    var count: Int
    var isOwned: Bool
  }

  /// The calls, in the order of their returns, and what is known of their group before the first of them.
  struct Calls: Sendable {
    var calls: [Call]
    /// What they all found: what the first to arrive read, where it is known who that was.
    var known: Count
    var owner: Ownership
    /// A driver may have taken the owner's reference.
    var mayBeRobbed: Bool
    /// What the last of them left, where it was read.
    var left: Int?

    init(_ calls: [Call], count: Count, owner: Ownership, mayBeRobbed: Bool, serial: Int) {
      self.calls = calls
      self.owner = owner
      self.mayBeRobbed = mayBeRobbed
      let first = calls.first { $0.call.arrivedAlone && $0.call.arrivalSerial == serial }
      let read = calls.contains { $0.call.isEntryUnseen } ? nil : first?.call.countBefore
      known = read.map { Count(exactly: $0) } ?? count
      left = OverlapOrder.lastRead(calls)
    }
  }

  static func find(_ overlapping: Calls) -> OverlapOrder {
    let calls = overlapping.calls
    // Calls that nobody saw return are taken to have been as quick as any.
    var order = OverlapOrder(
      places: calls.indices.sorted { (calls[$0].moment, $0) < (calls[$1].moment, $1) },
      found: calls.map { _ in nil }, spreads: calls.map { _ in nil })
    var founds = calls.map { _ in Set<Int>() }
    if calls.count > mostTried { return order }
    let known = overlapping.known
    var ends: [(before: Int, after: Int, peak: Int, isOwned: Bool)] = []
    tryAll(overlapping) { places, path in
      guard let start = path.first?.count, let end = path.last else { return true }
      if ends.isEmpty
        || places.lexicographicallyPrecedes(order.places, by: { calls[$0].moment < calls[$1].moment })
      {
        order.places = places
      }
      for (index, place) in places.enumerated() {
        founds[place].insert(path[index].count)
        let spread = CountHistory.Spread(
          start: start, found: path[index].count, left: path[index + 1].count)
        order.spreads[place] = order.spreads[place]?.joined(with: spread) ?? spread
      }
      ends.append((start, end.count, path.map(\.count).max() ?? start, end.isOwned))
      return true
    }
    guard let first = ends.first else { return order }
    order.isPossible = true
    order.found = founds.map { $0.count == 1 ? $0.first : nil }
    let isOpen = known.max == nil && ends.contains { $0.before == known.min + reach }
    // The steps of one order tell it where all agree.
    let isOne = order.spreads.allSatisfy { $0?.isOne == true }
    order.spreads = order.spreads.map { isOne ? nil : $0?.opened(isOpen) }
    order.before = Count(
      min: ends.map(\.before).min() ?? 0, max: isOpen ? nil : ends.map(\.before).max())
    order.after = Count(
      min: ends.map(\.after).min() ?? 0,
      max: isOpen && overlapping.left == nil ? nil : ends.map(\.after).max())
    order.peak = Count(
      min: ends.map(\.peak).min() ?? 0, max: isOpen ? nil : ends.map(\.peak).max())
    order.owner =
      ends.allSatisfy { $0.isOwned == first.isOwned } ? (first.isOwned ? .user : .none) : .unknown
    return order
  }

  /// Whether up to so many unuses that nobody watches may have run among the calls: whether what these read leaves room for
  /// at least one of them.
  static func allows(_ unuses: Int, beside overlapping: Calls) -> Bool {
    guard overlapping.calls.count + unuses < mostTried else { return true }
    return (1...max(1, unuses)).contains { number in
      var all = overlapping
      // The last call stays the last, and what it read.
      all.calls.insert(contentsOf: (0..<number).map { _ in Call.hiddenUnuse }, at: 0)
      var isPossible = false
      tryAll(all) { _, _ in
        isPossible = true
        return false
      }
      return isPossible
    }
  }

  /// Tries all orders with all counts that are possible, until `body` has enough of them. It is given the places of the
  /// calls in their order, and the states before, between and behind them.
  private static func tryAll(_ overlapping: Calls, _ body: ([Int], [State]) -> Bool) {
    let (calls, known, owner) = (overlapping.calls, overlapping.known, overlapping.owner)
    // An owner without a count has lost it to a driver, and from then on nothing is as it should be.
    let isIllegal = owner == .user && known.exact == 0
    var isFound = false
    for mayWarn in isIllegal ? [true] : [false, true] where !isFound || overlapping.mayBeRobbed {
      for start in known.min...min(known.max ?? .max, known.min + reach) {
        for isOwned in [false, true] where owner == .unknown || isOwned == (owner == .user) {
          if isOwned, start == 0, !mayWarn { continue }
          let goesOn = search(calls, mayWarn, [], [State(count: start, isOwned: isOwned)]) { places, path in
            guard let end = path.last, overlapping.left.map({ $0 == end.count }) ?? true,
              fits(calls, places, path)
            else { return true }
            isFound = true
            return body(places, path)
          }
          if !goesOn { return }
        }
      }
    }
  }

  /// So many that nobody watches may have given back in between.
  mutating func lowerPeak(by unuses: Int) { peak.min = max(0, peak.min - unuses) }

  /// What the last of them read behind itself; nothing where lines and times do not agree that it was the last.
  private static func lastRead(_ calls: [Call]) -> Int? {
    guard let last = calls.last?.call, let read = last.countAfter else { return nil }
    let isLast = calls.allSatisfy { other in
      guard let time = other.call.exit?.time, let end = last.exit?.time else { return true }
      return time.value <= end.value
    }
    return isLast ? read : nil
  }

  /// False where `found` has enough.
  private static func search(
    _ calls: [Call], _ mayWarn: Bool, _ done: [Int], _ path: [State], _ found: ([Int], [State]) -> Bool
  ) -> Bool {
    guard done.count < calls.count, let state = path.last else { return found(done, path) }
    for place in calls.indices where !done.contains(place) {
      let call = calls[place].call
      // Those that nobody saw are all alike.
      if calls[place].isHidden, place > 0, calls[place - 1].isHidden, !done.contains(place - 1) { continue }
      // Where the entry itself is the line that shows the other one to be over, that was over before.
      let hasEarlier = calls.indices.contains {
        !done.contains($0) && $0 != place && !call.isEntryUnseen
          && calls[$0].closed.isOver(by: calls[place].entered)
      }
      if hasEarlier { continue }
      // An unuse that seems to come late may have come in time and been refused, which the kernel does in silence.
      // Nor does one that gives back what is not there change anything; it may also take what is another's.
      let isLate =
        call.kind == .unuse && call.exit == nil && state.count > 0
        && done.contains { !calls[$0].entered.isBefore(calls[place].entered) }
      var next = states(after: call, state)
      // Whoever read that nothing is left may have found just that.
      let mayFindNone =
        call.kind == .unuse && call.exit == nil && call.countBefore == 0 && state.count == 0
      let isRefused = isLate || mayFindNone || next.isEmpty && mayWarn && call.kind.hasResult == false
      if isRefused, !calls[place].isHidden { next.append(state) }
      if mayWarn, call.kind == .unuse, state.isOwned, state.count > 0 {
        next.append(State(count: state.count - 1, isOwned: true))
      }
      for next in next where !search(calls, mayWarn, done + [place], path + [next], found) { return false }
    }
    return true
  }

  /// Whether everything that was read at an entry was there at that moment: after calls that had begun, and before
  /// those that had not.
  private static func fits(_ calls: [Call], _ places: [Int], _ path: [State]) -> Bool {
    places.indices.allSatisfy { index in
      let call = calls[places[index]].call
      let entered = calls[places[index]].entered
      if call.countBefore == nil, call.ownerBefore == nil { return true }
      return (0...index).contains { length in
        call.countBefore ?? path[length].count == path[length].count
          && call.ownerBefore.map { ($0 != 0) == path[length].isOwned } ?? true
          && places.prefix(length).allSatisfy {
            calls[$0].call.isEntryUnseen || !entered.isBefore(calls[$0].entered)
          }
          && places.dropFirst(length).allSatisfy {
            $0 == places[index] || !calls[$0].closed.isOver(by: entered)
          }
      }
    }
  }

  /// What a call makes of a state: nothing where it cannot have found it, two where its code is not known.
  private static func states(after call: OwnershipCall, _ state: State) -> [State] {
    let more = State(count: state.count + 1, isOwned: state.isOwned)
    switch call.kind {
    case .use:
      // Where the owner's reference was taken from it, nothing keeps drivers out.
      let success = state.isOwned && state.count > 0 ? [] : [more]
      switch call.result {
      case 0: return success
      case -16: return state.count > 0 ? [state] : []
      case nil: return success + [state]
      default: return [state]
      }
    case .unuse:
      // Of an owner's references none is a driver's.
      return state.count > 0 && !state.isOwned ? [State(count: state.count - 1, isOwned: false)] : []
    case .claim, .deviceClaim:
      let mayJoin = call.kind == .deviceClaim && state.isOwned
      let success = state.count == 0 ? [State(count: 1, isOwned: true)] : mayJoin ? [more] : []
      switch call.result {
      case 0: return success
      case -1: return state.count > 0 ? [state] : []
      case -16: return state.count == 0 ? [state] : []
      case nil: return success + [state]
      default: return [state]
      }
    case .release: return state.isOwned && state.count > 0 ? [State(count: 0, isOwned: false)] : []
    case .deviceRelease:
      guard state.isOwned, state.count > 0 else { return [] }
      return [State(count: state.count - 1, isOwned: state.count > 1)]
    case .query:
      switch call.result {
      case 0: return state.count == 0 ? [state] : []
      case nil: return [state]
      default: return state.count > 0 ? [state] : []
      }
    }
  }
}
