/// Events of several CPUs that carry the same time. `trace` has them in their order; files of one CPU each do not tell it.
///
/// Each CPU's own events are in order, and so are those of a task, whatever CPU it is on. Calls at one group whose order
/// is left open wait for each other until the tie is over, like calls that ran into each other.
struct Tie {
  /// From 1; lines of one number and of different CPUs have no order.
  var number: Int32
  /// Groups that tasks on different CPUs are at.
  var contested: Set<GroupMark>

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
    let sides = Dictionary(grouping: bearing) { lanes.key(of: events[$0]) }
      .sorted { $0.key < $1.key }.map { key, places in side(of: key, places.map { events[$0] }) }
    let isAnonymous = sides.contains { TaskLanes.isAnonymous($0.key) }
    if isAnonymous, Set(bearing.map { events[$0].cpu }).count > 1 { return nil }
    var contested: Set<Tie.GroupMark> = []
    for (place, one) in sides.enumerated() {
      for other in sides[(place + 1)...] where one.cpus.union(other.cpus).count > 1 {
        if one.isConfused(with: other) { return nil }
        contested.formUnion(one.calls.intersection(other.calls))
      }
    }
    guard let order = TieOrder.find(events, lanes: lanes, returning: returning) else { return nil }
    lastTie += 1
    tie = Tie(number: lastTie, contested: contested)
    return order
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
    !tie.contested.isEmpty && !tie.contested.isDisjoint(with: marks(of: group))
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
