/// Events of several CPUs that carry the same time. `trace` has them in their order; files of one CPU each do not tell it.
///
/// Each CPU's own events are in order, and so are those of a task, whatever CPU it is on. Calls at one group whose order
/// is left open wait for each other until the tie is over, like calls that ran into each other.
struct Tie {
  /// From 1; lines of one number and of different CPUs have no order.
  var number: Int32
  /// Groups that tasks on different CPUs are at; `nil`: maybe any group.
  var contested: Set<GroupMark>?
  /// More than the orders of calls depends on which came first: the events are taken in some order, with nothing known
  /// between them.
  var isDisordered = false
  /// Lanes of tasks whose calls on several CPUs have no order either: what is open in them nobody knows. `nil`: maybe any
  /// lane.
  var confused: Set<Int>? = []

  /// One of the things that a group can be known by.
  enum GroupMark: Hashable {
    case pointer(UInt64)
    case id(Int)
    case place(Int)

    var isID: Bool { if case .id = self { true } else { false } }
  }
}

extension CallAssembler {
  /// Begins a tie: gives an order in which its events may be taken, until ``endTie()``. `nil` where more than the orders of
  /// calls depends on which came first; then nothing has begun.
  mutating func beginTie(_ events: [TraceEvent]) -> [Int]? {
    let bearing = events.indices.filter { bearsOnOthers(events[$0], among: events) }
    if bearing.contains(where: { Self.spoilsOrder(events[$0]) }) { return nil }
    let sides = sides(of: bearing.map { events[$0] })
    if sides.contains(where: { TaskLanes.isAnonymous($0.key) }), Set(bearing.map { events[$0].cpu }).count > 1
    {
      return nil
    }
    if TieSide.pairs(of: sides).contains(where: { $0.isConfused(with: $1) }) { return nil }
    let order = order(of: events)
    guard order.isSole else { return nil }
    lastTie += 1
    tie = Tie(number: lastTie, contested: TieSide.contested(by: sides))
    return order.places
  }

  /// Begins a tie in which more than the orders of calls depends on which event came first, until ``endTie()``: gives an
  /// order to take them in, with order lost around each. `isWhole`: these are all events of that time.
  mutating func beginDisorder(_ events: [TraceEvent], isWhole: Bool) -> [Int] {
    lastTie += 1
    guard isWhole else {
      tie = Tie(number: lastTie, contested: nil, isDisordered: true, confused: nil)
      return Array(events.indices)
    }
    let order = order(of: events)
    // Where a CPU stands for its task, that may be on another one by now.
    let nobodys = events.map(lanes.key).filter(TaskLanes.isAnonymous)
    tie = Tie(
      number: lastTie, contested: TieSide.contested(by: sides(of: events)), isDisordered: true,
      confused: order.confused.union(nobodys))
    return order.places
  }

  private func order(of events: [TraceEvent]) -> TieOrder {
    TieOrder(events, lanes: lanes, returning: returning, isKnown: isKnown)
  }

  /// No line is missing, so calls that are open will be seen to return; but for those of tasks that are here and there.
  mutating func loseOrder() {
    cutOff(openCalls.filter { tie?.confused?.contains($0.key) ?? true })
    for (key, index) in lanes.openOwnershipCalls {
      guard let place = lanes[key][index].call?.place, isContested(place) else { continue }
      lanes[key][index].call?.meetsUnfinished = true
    }
    if let confused = tie?.confused {
      for key in confused { forgetLane(key) }
    } else {
      lastReturned.removeAll(keepingCapacity: true)
      forgetLanes()
    }
    for group in overlaps.keys.sorted() where lanes.keysOfCalls(at: group).isEmpty { resolve(group) }
  }

  /// What a lane did last is not known.
  private mutating func forgetLane(_ key: Int) {
    lastReturned[key] = nil
    lastLineOfLane?[key] = nil
  }

  /// Whether what is open in a lane is all that can be: its task was heard of since lines were lost.
  private func isKnown(_ key: Int) -> Bool {
    guard let last = lastLineOfLane?[key] else { return false }
    return lastLoss.map { last >= $0 } ?? true
  }

  /// Those that waited for each other have all come.
  mutating func endTie() {
    guard let ended = tie else { return }
    tie = nil
    for group in overlaps.keys.sorted() where isContested(group, in: ended) { resolveWhenOver(group) }
  }

  /// Whether tasks on other CPUs are at a group at the time of the line at hand, before or after it.
  func isContested(_ group: Int) -> Bool { tie.map { isContested(group, in: $0) } ?? false }

  private func isContested(_ group: Int, in tie: Tie) -> Bool {
    guard let contested = tie.contested else { return true }
    return !contested.isEmpty && !contested.isDisjoint(with: marks(of: group))
  }

  /// The moment of the line at hand, as that of a lane.
  func moment(of call: OwnershipCall) -> Moment {
    // That a call is over which was cut off no line shows.
    let at = isCuttingOff ? LineReference(source: .max, line: .max) : now
    return Moment(at: at, tie: tie?.number ?? 0, cpu: cpuAtHand, pid: call.pid)
  }

  // MARK: - What a tie bears on

  /// Whether it matters to others when an event comes.
  private func bearsOnOthers(_ event: TraceEvent, among events: [TraceEvent]) -> Bool {
    switch event.kind {
    case .logged, .told, .attached, .entryAtAddress, .exitAtAddress: return false
    case .message:
      switch event.message {
      case .added, .removed, .probing, .bound, .boot: return true
      default: return false
      }
    case .closed:
      // Most braces close nothing that is followed.
      let key = lanes.key(of: event)
      return !lanes[key].isEmpty || events.contains { $0.kind != .closed && lanes.key(of: $0) == key }
    default: return true
    }
  }

  /// Whether nothing can be said beside an event that may come before or behind it.
  private static func spoilsOrder(_ event: TraceEvent) -> Bool {
    switch event.kind {
    case .lost, .bufferStarted, .restarted, .switched: true
    case .message: if case .boot? = event.message { true } else { false }
    default: false
    }
  }
}
