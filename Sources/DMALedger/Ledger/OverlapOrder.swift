/// The orders in which calls that were at a group at the same time can have had its lock.
///
/// A call that was over before another began came first; beyond that only the return codes tell, by the rules of
/// kernel-model 1.3. Few calls ever meet, so all orders are tried with all counts that are possible.
struct OverlapOrder: Sendable {
  struct Call: Sendable {
    var call: OwnershipCall
    var closed: Moment

    init(_ call: OwnershipCall, closed: Moment) {
      self.call = call
      self.closed = closed
    }

    /// Its return, or where nobody saw that its entry.
    var moment: LineReference { (call.exit ?? call.entry).at }
    var entered: Moment { call.entryMoment }
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

  static func find(_ calls: [Call], count: Count, owner: Ownership, serial: Int) -> OverlapOrder {
    // Calls that nobody saw return are taken to have been as quick as any.
    var order = OverlapOrder(
      places: calls.indices.sorted { (calls[$0].moment, $0) < (calls[$1].moment, $1) },
      found: calls.map { _ in nil }, spreads: calls.map { _ in nil })
    var founds = calls.map { _ in Set<Int>() }
    if calls.count > mostTried { return order }
    // What the first to arrive read is what they all found, where it is known who that was.
    let first = calls.first { $0.call.arrivedAlone && $0.call.arrivalSerial == serial }
    let read = calls.contains { $0.call.isEntryUnseen } ? nil : first?.call.countBefore
    let known = read.map { Count(exactly: $0) } ?? count
    let last = lastRead(calls)
    var ends: [(before: Int, after: Int, peak: Int, isOwned: Bool)] = []
    // An owner without a count has lost it to a driver, and from then on nothing is as it should be.
    let isIllegal = owner == .user && known.exact == 0
    for mayWarn in isIllegal ? [true] : [false, true] where ends.isEmpty {
      for start in known.min...min(known.max ?? .max, known.min + reach) {
        for isOwned in [false, true] where owner == .unknown || isOwned == (owner == .user) {
          if isOwned, start == 0, !mayWarn { continue }
          search(calls, mayWarn, [], [State(count: start, isOwned: isOwned)]) { places, path in
            guard let end = path.last, last.map({ $0 == end.count }) ?? true, fits(calls, places, path) else {
              return
            }
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
          }
        }
      }
    }
    guard let first = ends.first else { return order }
    order.isPossible = true
    order.found = founds.map { $0.count == 1 ? $0.first : nil }
    let isOpen = known.max == nil && ends.contains { $0.before == known.min + reach }
    order.spreads = order.spreads.map { $0?.isOne == false ? $0?.opened(isOpen) : nil }
    order.before = Count(
      min: ends.map(\.before).min() ?? 0, max: isOpen ? nil : ends.map(\.before).max())
    order.after = Count(
      min: ends.map(\.after).min() ?? 0, max: isOpen && last == nil ? nil : ends.map(\.after).max())
    order.peak = Count(
      min: ends.map(\.peak).min() ?? 0, max: isOpen ? nil : ends.map(\.peak).max())
    order.owner =
      ends.allSatisfy { $0.isOwned == first.isOwned } ? (first.isOwned ? .user : .none) : .unknown
    return order
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

  private static func search(
    _ calls: [Call], _ mayWarn: Bool, _ done: [Int], _ path: [State], _ found: ([Int], [State]) -> Void
  ) {
    guard done.count < calls.count, let state = path.last else { return found(done, path) }
    for place in calls.indices where !done.contains(place) {
      let call = calls[place].call
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
      if isRefused { next.append(state) }
      if mayWarn, call.kind == .unuse, state.isOwned, state.count > 0 {
        next.append(State(count: state.count - 1, isOwned: true))
      }
      for next in next {
        search(calls, mayWarn, done + [place], path + [next], found)
      }
    }
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
