import DMALedger

/// What an event or a holding is called in viewers that show one line of it.
enum EventWords {
  /// `use by e1000e for 0000:00:03.0`, `claim refused (-1)`, `really_probe() begins`.
  static func name(_ event: GroupTimeline.Event, in life: GroupTimeline) -> String {
    guard let index = event.change else {
      return Printable.text(event.notes.first ?? (event.mark == .loss ? "evidence lost" : "line"))
    }
    let change = life.group.changes[index]
    var name = TextChanges.name(change)
    if let driver = change.driver { name += " by " + driver }
    if let device = change.device { name += " for " + device }
    if event.mark == .refusal { name += ": refused" }
    if event.mark == .leak { name += ": leaks the reference before it" }
    return Printable.text(name)
  }

  /// `leaked: e1000e`, `e1000e`, `owner`.
  static func name(_ holding: GroupTimeline.Holding) -> String {
    let who = holding.driver.map(Printable.text) ?? ""
    let count = holding.count.map { $0 == 1 ? "" : "\($0) × " } ?? "some × "
    switch holding.kind {
    case .returned: return count + (who.isEmpty ? "held" : who)
    case .bound: return count + (who.isEmpty ? "bound" : who + " (bound)")
    case .leaked: return count + (who.isEmpty ? "leaked" : "leaked: " + who)
    case .suspected: return count + (who.isEmpty ? "perhaps leaked" : "perhaps leaked: " + who)
    case .owner: return count + "owner"
    case .unknown: return count + (who.isEmpty ? "unknown" : who + " (lost sight of)")
    }
  }

  /// Why the count is not known in a gap.
  static func name(ofGap gap: Range<Int>, in life: GroupTimeline) -> String {
    life.isFold(gap) ? "calls that are only counted" : "evidence is missing"
  }

  /// The refusal that a leak ends in: the first one after the reference was taken.
  static func refusal(after holding: GroupTimeline.Holding, in life: GroupTimeline) -> Int? {
    guard holding.kind == .leaked else { return nil }
    return life.events.indices.first { index in
      guard index > holding.first ?? -1, life.events[index].mark == .refusal,
        let change = life.events[index].change
      else { return false }
      // A driver that is refused is refused by an owner, not by a leak.
      return life.group.changes[change].call != .use
    }
  }
}
