/// Calls that take effect, and how many of them, and of their devices, are kept.
extension Ledger {
  mutating func apply(_ call: OwnershipCall, to index: Int, isAlone: Bool, context: CallContext) {
    let call = admitted(call, to: index)
    lastHappened = max(lastHappened, (call.exit ?? call.entry).at)
    groups[index].apply(call, isAlone: isAlone, context: context)
    if call.isUnnamed { groups[index].admitStranger() }
    noteChanges(1)
  }

  func isOvertaken(_ call: OwnershipCall, at index: Int) -> Bool {
    guard let last = groups[index].changes.last?.call, last.pid != call.pid || call.pid < 0,
      let then = last.exit?.time, let now = call.entry.time
    else { return false }
    return now.value < then.value
  }

  mutating func doubtLastReading(at index: Int) {
    if let last = groups[index].changes.last { groups[index].history.doubt([last.step]) }
  }

  mutating func noteArrival(at index: Int) { groups[index].lastArrival = groups[index].serial }

  /// A call that nothing names took effect behind a line: whatever took effect since then may have met it.
  mutating func meetUnplaced(_ call: OwnershipCall, since: LineReference?) {
    guard since.map({ lastHappened > $0 }) ?? true else { return }
    for index in groups.indices where groups[index].boot == boot {
      groups[index].meetUnplaced(call, since: since)
      // It may have been the last that happened to a group that has died meanwhile.
      guard groups[index].hasEnded, let end = lastLeft[index], since.map({ end > $0 }) ?? true else {
        continue
      }
      var calls = CallTally()
      calls[call.kind] = 1
      groups[index].allow(calls, since: CallTally())
    }
  }

  /// The call, without its device where there are too many devices already to keep an account of another one.
  private mutating func admitted(_ call: OwnershipCall, to index: Int) -> OwnershipCall {
    guard let device = call.device, groups[index].deviceIndex[device] == nil else { return call }
    if accounts < limits.devices {
      accounts += 1
      return call
    }
    forgotten.note(.devices, call.entry.at)
    var call = call
    call.device = nil
    call.isUnnamed = true
    return call
  }

  /// More changes are kept; where there are too many, those of the groups that have most are told as totals.
  private mutating func noteChanges(_ count: Int) {
    keptChanges += count
    guard keptChanges > limits.changes else { return }
    let kept = groups.map(\.changes.kept.count).sorted(by: >)
    // The greatest share with which all of them come to three quarters of the limit.
    var rest = kept.reduce(0, +) - limits.changes * 3 / 4
    var share = kept.first ?? 0
    for (index, count) in kept.enumerated() where rest > 0 {
      let next = index + 1 < kept.count ? kept[index + 1] : 0
      let step = min(count - next, (rest + index) / (index + 1))
      share = count - step
      rest -= step * (index + 1)
    }
    for index in groups.indices where groups[index].changes.kept.count > share {
      groups[index].keepChanges(max(2, share))
    }
    keptChanges = groups.reduce(0) { $0 + $1.changes.kept.count }
  }

  func allows(_ unuses: Int, beside calls: [OverlappingCall<Ledger>], at index: Int) -> Bool {
    OverlapOrder.allows(unuses, beside: overlapping(calls, at: index))
  }

  private func overlapping(_ calls: [OverlappingCall<Ledger>], at index: Int) -> OverlapOrder.Calls {
    OverlapOrder.Calls(
      calls.map { OverlapOrder.Call($0.call, closed: $0.closed) }, count: groups[index].count,
      owner: groups[index].owner, mayBeRobbed: groups[index].mayBeRobbed, serial: groups[index].serial)
  }

  mutating func apply(_ calls: [OverlappingCall<Ledger>], unuses: Int, to index: Int) {
    if unuses > 0 { groups[index].allowUnwatched(uses: 0, unuses: unuses) }
    var order = OverlapOrder.find(overlapping(calls, at: index))
    order.lowerPeak(by: unuses)
    groups[index].begin(order)
    var isUnnamed = false
    // What one read at its entry it found there behind whoever may have been over by then.
    let mayBeRead = !calls.contains(where: \.call.isEntryUnseen)
    // What came behind a call may have come behind others as well: a holder that was removed later was one before.
    var waiting: [(at: LineReference, tell: (inout Ledger) -> Void)] = []
    for place in order.places {
      var call = admitted(calls[place].call, to: index)
      if !mayBeRead { call.arrivalSerial = nil }
      lastHappened = max(lastHappened, (call.exit ?? call.entry).at)
      isUnnamed = isUnnamed || call.isUnnamed
      while let next = waiting.first, next.at < (call.exit ?? call.entry).at {
        next.tell(&self)
        waiting.removeFirst()
      }
      // What they read contradicts every order: something between them was not seen.
      if !order.isPossible { groups[index].doubtEnd() }
      groups[index].found = order.found[place]
      groups[index].spread = order.spreads[place]
      groups[index].apply(call, isAlone: false, context: calls[place].context)
      waiting += calls[place].followers.map { ($0.at, $0.tell) }
      waiting = waiting.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
        .map(\.element)
    }
    // Another one of them may have been the last.
    if !order.isPossible { groups[index].doubtEnd() }
    groups[index].end(order)
    for next in waiting { next.tell(&self) }
    if unuses > 0 { groups[index].allowUnwatched(uses: 0, unuses: unuses) }
    // Where tasks are known, so many calls hardly meet. Where they are not, most of them only may have.
    if !order.isPossible, calls.contains(where: { $0.call.pid < 0 && $0.call.cpu < 0 }),
      let first = calls.map(\.call.entry.at).min()
    {
      groups[index].lose(since: LineReference(source: first.source, line: first.line - 1))
    }
    if isUnnamed { groups[index].admitStranger() }
    noteChanges(calls.count)
  }
}
