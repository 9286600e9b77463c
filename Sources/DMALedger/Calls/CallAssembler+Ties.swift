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
    Moment(at: now, tie: tie?.number ?? 0, cpu: cpuAtHand, pid: call.pid)
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

  /// What a task is about in a tie.
  private struct Side {
    var key: Int
    var cpus: Set<Int32>
    var devices: Set<NameID> = []
    /// Groups of its ownership calls.
    var calls: Set<Tie.GroupMark> = []
    var hasUnplacedCall = false
    /// Groups whose counts its other functions may be a sign of, where uses or unuses are not watched; and whether they
    /// may be one of any group.
    var signs: Set<Tie.GroupMark> = []
    var hasSignOfAny = false
    /// Groups whose members it changes.
    var memberships: Set<Tie.GroupMark> = []

    private var pointers: Set<Tie.GroupMark> {
      calls.filter { if case .pointer = $0 { true } else { false } }
    }

    /// Whether more than the order of calls at a group depends on which of two came first.
    func isConfused(with other: Side) -> Bool {
      !devices.isDisjoint(with: other.devices) || isConfusedOneWay(with: other)
        || other.isConfusedOneWay(with: self)
    }

    private func isConfusedOneWay(with other: Side) -> Bool {
      if hasUnplacedCall, !other.calls.isEmpty { return true }
      if hasSignOfAny, !other.calls.isEmpty { return true }
      if !signs.isDisjoint(with: other.calls) { return true }
      if !memberships.isEmpty, other.hasUnplacedCall { return true }
      // Two groups that had one number, one after the other.
      if calls.contains(where: { $0.isID && other.calls.contains($0) }), !pointers.isEmpty,
        !other.pointers.isEmpty,
        pointers.isDisjoint(with: other.pointers)
      {
        return true
      }
      return !memberships.isDisjoint(with: other.calls.union(other.memberships).union(other.signs))
    }
  }

  private func side(of key: Int, _ events: [TraceEvent]) -> Side {
    var side = Side(key: key, cpus: Set(events.map(\.cpu)))
    for frame in lanes[key] {
      if let device = frame.window.flatMap({ windows[$0]?.device }) ?? frame.call?.device {
        side.devices.insert(device)
      }
    }
    for event in events {
      if let device = event.fields.device { side.devices.insert(aliases.name(of: device)) }
      if let device = Self.device(of: event.message) { side.devices.insert(device) }
    }
    // Whether the call that is open, if one is, has a group that nothing has named.
    var isUnplaced = false
    if let call = lanes[key].last?.call, !call.isGroupless {
      if let place = call.place { side.calls.formUnion(marks(of: place)) } else { isUnplaced = true }
    }
    var isOpen = lanes[key].last?.call != nil
    for event in events where !event.function.isOwnershipCall || !Self.isOfFunction(event) {
      add(event, to: &side)
    }
    for event in events where event.function.isOwnershipCall && Self.isOfFunction(event) {
      let found = marks(
        pointer: event.fields.groupPointer, id: event.fields.groupID,
        device: event.fields.device.map(aliases.name))
      // Without a pointer behind it there is no group.
      let isGroupless = event.fields.groupPointer == 0
      if !isGroupless { side.calls.formUnion(found) }
      if event.kind == .exit {
        if found.isEmpty, !isGroupless, isUnplaced || !isOpen { side.hasUnplacedCall = true }
        isUnplaced = false
        isOpen = false
      } else {
        if isUnplaced { side.hasUnplacedCall = true }
        isUnplaced = found.isEmpty && !isGroupless
        isOpen = true
      }
    }
    if isUnplaced { side.hasUnplacedCall = true }
    return side
  }

  /// Whether an event is of a function at all.
  private static func isOfFunction(_ event: TraceEvent) -> Bool {
    switch event.kind {
    case .entry, .exit, .leaf: true
    default: false
    }
  }

  private static func device(of message: KernelMessage?) -> NameID? {
    switch message {
    case .added(let device, _), .removed(let device, _), .probing(let device, _), .bound(let device, _):
      device
    default: nil
    }
  }

  private func add(_ event: TraceEvent, to side: inout Side) {
    let id: Int? =
      switch (event.kind, event.message) {
      case (.joined, _), (.left, _): event.fields.groupID
      case (.message, .added(_, let id)), (.message, .removed(_, let id)): id
      default: nil
      }
    if let id {
      side.memberships.formUnion(marks(pointer: nil, id: id, device: nil))
    } else {
      addSigns(to: &side)
    }
  }

  /// A function that is none of a group's own may be a sign of calls that nobody watches.
  private func addSigns(to side: inout Side) {
    if evidence.sawUse, evidence.sawUnuse { return }
    if side.devices.isEmpty { side.hasSignOfAny = true }
    for device in side.devices {
      let found = marks(pointer: nil, id: nil, device: device)
      if found.isEmpty { side.hasSignOfAny = true }
      side.signs.formUnion(found)
    }
  }

  private func marks(of group: Int) -> Set<Tie.GroupMark> {
    let key = ledger.key(of: group)
    var marks: Set<Tie.GroupMark> = [.place(group)]
    if let pointer = key.pointer { marks.insert(.pointer(pointer)) }
    if let id = key.id { marks.insert(.id(id)) }
    return marks
  }

  private func marks(pointer: UInt64?, id: Int?, device: NameID?) -> Set<Tie.GroupMark> {
    var marks: Set<Tie.GroupMark> = []
    if let pointer, pointer != 0 { marks.insert(.pointer(pointer)) }
    if let id { marks.insert(.id(id)) }
    for group in ledger.groups(pointer: pointer, id: id, device: device) {
      marks.formUnion(self.marks(of: group))
    }
    return marks
  }
}
