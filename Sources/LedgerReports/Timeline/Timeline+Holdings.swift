import DMALedger

extension GroupTimeline {
  /// Follows every reference from the call that takes it to the call that gives it back, and notes at each event how
  /// many are held by right.
  static func lanes(of group: GroupReport, _ report: Report, _ events: inout [Event]) -> [Lane] {
    var tracer = HoldingTracer(group, report)
    for (index, event) in events.enumerated() {
      if let change = event.change { tracer.follow(group.changes[change], at: index) }
      if case .folded = event.kind { tracer.pass(at: index) }
    }
    let lanes = tracer.finish(eventCount: events.count)
    countRightful(lanes, &events)
    return lanes
  }

  private static func countRightful(_ lanes: [Lane], _ events: inout [Event]) {
    var difference = [Int](repeating: 0, count: events.count + 1)
    for holding in lanes.flatMap(\.holdings) where holding.isRightful {
      difference[holding.first ?? 0] += holding.count ?? 0
      if let last = holding.last { difference[last] -= holding.count ?? 0 }
    }
    var held = 0
    for index in events.indices {
      held += difference[index]
      events[index].held = held
    }
  }
}

/// Pairs the calls of a group that take a reference with those that give it back.
private struct HoldingTracer {
  private struct Open {
    var first: Int
    var at: LineReference
    var driver: String?
    var isOwner: Bool
  }

  private let group: GroupReport
  private let leaked: Set<LineReference>
  private let suspected: Set<LineReference>
  private var names: [String]
  /// By lane: devices by name, then owners of the whole group.
  private var open: [[Open]]
  private var closed: [[GroupTimeline.Holding]]
  private var laneOf: [String: Int] = [:]
  /// The event that stands for calls told as totals, once it has passed.
  private var fold: Int?

  init(_ group: GroupReport, _ report: Report) {
    self.group = group
    names = group.devices.map(\.name)
    for name in group.changes.compactMap(\.device) + group.holders.compactMap(\.device)
    where !names.contains(name) { names.append(name) }
    for (index, name) in names.enumerated() { laneOf[name] = index }
    open = Array(repeating: [], count: names.count + 1)
    closed = Array(repeating: [], count: names.count + 1)
    var leaked = Set(group.holders.filter { $0.kind == .leaked }.compactMap(\.at))
    var suspected: Set<LineReference> = []
    let uses = GroupTimeline.uses(of: group)
    for finding in report.findings where finding.tellsOfLeak && finding.isAbout(group) {
      guard let use = finding.evidence.compactMap({ uses[$0.at] }).min() else { continue }
      let at = group.changes[use].at
      if finding.certainty > .suspected { leaked.insert(at) } else { suspected.insert(at) }
    }
    self.leaked = leaked
    self.suspected = suspected
  }

  private var ownerLane: Int { names.count }

  private func lane(_ change: Change) -> Int { change.device.flatMap { laneOf[$0] } ?? ownerLane }

  mutating func follow(_ change: Change, at index: Int) {
    let isRefused = change.result ?? 0 < 0
    let isWithoutEffect = change.before == change.after && change.before.exact != nil
    if isRefused || isWithoutEffect || change.call == .query { return }
    switch change.call {
    case .use: take(change, index, isOwner: false)
    case .claim, .deviceClaim: take(change, index, isOwner: true)
    case .unuse: giveBack(change, index)
    case .deviceRelease:
      let lane = lane(change)
      if let last = open[lane].lastIndex(where: \.isOwner) { close(lane, last, index) }
      if change.after.exact == 0 { closeOwners(index) }
    case .release: closeOwners(index)
    case .query: break
    }
  }

  /// Calls that are not told one by one: what is not out at the end, or for good, was given back in them.
  mutating func pass(at index: Int) {
    fold = index
    let held = Set(group.holders.compactMap(\.at))
    for lane in open.indices {
      while let gone = open[lane].lastIndex(where: {
        !held.contains($0.at) && !leaked.contains($0.at) && !suspected.contains($0.at)
      }) { close(lane, gone, index) }
    }
  }

  private mutating func take(_ change: Change, _ index: Int, isOwner: Bool) {
    open[lane(change)].append(Open(first: index, at: change.at, driver: change.driver, isOwner: isOwner))
  }

  private mutating func giveBack(_ change: Change, _ index: Int) {
    let lane = lane(change)
    let theirs = open[lane].indices.filter {
      !open[lane][$0].isOwner && !leaked.contains(open[lane][$0].at)
    }
    if let last = theirs.last(where: { !suspected.contains(open[lane][$0].at) }) ?? theirs.last {
      close(lane, last, index)
    } else if !open[lane].contains(where: { leaked.contains($0.at) }) || change.before.exact != nil {
      // Nobody was seen taking it: it was out before the capture began, or taken where calls are not told one by one.
      closed[lane].append(
        GroupTimeline.Holding(kind: .returned, driver: change.driver, first: fold, last: index))
    }
  }

  private mutating func close(_ lane: Int, _ position: Int, _ index: Int) {
    let holding = open[lane].remove(at: position)
    closed[lane].append(
      GroupTimeline.Holding(
        kind: holding.isOwner ? .owner : .returned, driver: holding.driver, first: holding.first, last: index)
    )
  }

  private mutating func closeOwners(_ index: Int) {
    for lane in open.indices {
      while let last = open[lane].lastIndex(where: \.isOwner) { close(lane, last, index) }
    }
  }

  /// What is still out at the end is what the report says it is.
  mutating func finish(eventCount: Int) -> [GroupTimeline.Lane] {
    var unmatched = group.holders
    for lane in open.indices {
      for holding in open[lane] {
        let place = unmatched.firstIndex { $0.at == holding.at }
        let told = place.map { unmatched.remove(at: $0).kind }
        closed[lane].append(
          GroupTimeline.Holding(
            kind: kind(of: holding, told), driver: holding.driver, first: holding.first))
      }
    }
    var strangers: [GroupTimeline.Holding] = []
    for holder in unmatched {
      let kind: GroupTimeline.Holding.Kind =
        switch holder.kind {
        case .bound: .bound
        case .leaked: .leaked
        case .owner: .owner
        case .unknown: .unknown
        }
      var holding = GroupTimeline.Holding(kind: kind, count: holder.count, driver: holder.driver)
      if let at = holder.at, let folded = group.foldedChanges, at >= folded.firstAt { holding.first = fold }
      if let device = holder.device, let lane = laneOf[device] {
        closed[lane].append(holding)
      } else if kind == .owner {
        closed[ownerLane].append(holding)
      } else {
        strangers.append(holding)
      }
    }
    var lanes: [GroupTimeline.Lane] = []
    for lane in closed.indices where !closed[lane].isEmpty || lane < names.count {
      let sorted = closed[lane].enumerated().sorted {
        ($0.element.first ?? -1, $0.offset) < ($1.element.first ?? -1, $1.offset)
      }.map(\.element)
      if lane == ownerLane && sorted.isEmpty { continue }
      lanes.append(GroupTimeline.Lane(device: lane < names.count ? names[lane] : nil, holdings: sorted))
    }
    if !strangers.isEmpty { lanes.append(GroupTimeline.Lane(device: nil, holdings: strangers)) }
    return lanes
  }

  private func kind(of holding: Open, _ told: Holder.Kind?) -> GroupTimeline.Holding.Kind {
    if leaked.contains(holding.at) { return .leaked }
    if suspected.contains(holding.at) { return .suspected }
    return switch told {
    case .bound: .bound
    case .leaked: .leaked
    case .owner: .owner
    case .unknown, nil: holding.isOwner && group.owner == .user ? .owner : .unknown
    }
  }
}
