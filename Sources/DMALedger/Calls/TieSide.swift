/// What a task is about in a tie.
struct TieSide {
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
  func isConfused(with other: TieSide) -> Bool {
    !devices.isDisjoint(with: other.devices) || isConfusedOneWay(with: other)
      || other.isConfusedOneWay(with: self)
  }

  /// All pairs that may be on different CPUs.
  static func pairs(of sides: [TieSide]) -> [(TieSide, TieSide)] {
    sides.enumerated().flatMap { place, one in
      sides[(place + 1)...].filter { one.cpus.union($0.cpus).count > 1 }.map { (one, $0) }
    }
  }

  /// Groups that several of them are at.
  static func contested(by sides: [TieSide]) -> Set<Tie.GroupMark> {
    pairs(of: sides).reduce(into: []) { $0.formUnion($1.0.calls.intersection($1.1.calls)) }
  }

  private func isConfusedOneWay(with other: TieSide) -> Bool {
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

extension CallAssembler {
  /// What each task is about in the events of a tie.
  func sides(of events: [TraceEvent]) -> [TieSide] {
    Dictionary(grouping: events, by: lanes.key).sorted { $0.key < $1.key }.map { side(of: $0, $1) }
  }

  private func side(of key: Int, _ events: [TraceEvent]) -> TieSide {
    var side = TieSide(key: key, cpus: Set(events.map(\.cpu)))
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

  private func add(_ event: TraceEvent, to side: inout TieSide) {
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
  private func addSigns(to side: inout TieSide) {
    if evidence.sawUse, evidence.sawUnuse { return }
    if side.devices.isEmpty { side.hasSignOfAny = true }
    for device in side.devices {
      let found = marks(pointer: nil, id: nil, device: device)
      if found.isEmpty { side.hasSignOfAny = true }
      side.signs.formUnion(found)
    }
  }

  /// All that a group is known by.
  func marks(of group: Int) -> Set<Tie.GroupMark> {
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
