/// Something about lanes at groups, found by either: hardly any line is of a lane that has it.
struct LanesAtGroups<Value: Sendable>: Sendable {
  private var lanes: [Int: [Int: Value]] = [:]
  private var groups: [Int: Set<Int>] = [:]
  /// Lanes at groups.
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  /// The lanes at a group; `nil` where there is none.
  subscript(group: Int) -> [Int: Value]? { lanes[group] }

  mutating func insert(_ lane: Int, at group: Int, _ value: Value) {
    if lanes[group, default: [:]].updateValue(value, forKey: lane) == nil { count += 1 }
    groups[lane, default: []].insert(group)
  }

  mutating func remove(_ lane: Int, at group: Int) {
    if lanes[group]?.removeValue(forKey: lane) != nil { count -= 1 }
    if lanes[group]?.isEmpty == true { lanes[group] = nil }
    groups[lane]?.remove(group)
    if groups[lane]?.isEmpty == true { groups[lane] = nil }
  }

  /// Forgets a lane at all groups.
  mutating func remove(lane: Int) {
    for group in groups[lane] ?? [] { remove(lane, at: group) }
  }

  /// Forgets all lanes at a group.
  mutating func remove(group: Int) {
    for lane in (lanes[group] ?? [:]).keys { remove(lane, at: group) }
  }

  mutating func removeAll() { self = LanesAtGroups() }
}
