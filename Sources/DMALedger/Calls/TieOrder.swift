/// An order of events of the same time in which each CPU's and each task's are in order.
struct TieOrder {
  private let events: [TraceEvent]
  /// For each event the one of its task before it, where its CPU does not tell.
  private var before: [Int?]

  /// Interleavings that are looked at.
  private static let mostTried = 4096

  /// `nil` where a task was on several CPUs and its functions do not tell when.
  static func find(_ events: [TraceEvent], lanes: TaskLanes, returning: Set<KernelFunction>) -> [Int]? {
    var order = TieOrder(events: events)
    for (key, places) in Dictionary(grouping: events.indices, by: { lanes.key(of: events[$0]) })
    where Set(places.map { events[$0].cpu }).count > 1 {
      guard let own = order.orderOfTask(places, stack: lanes[key].map(\.function), returning) else {
        return nil
      }
      for (earlier, later) in zip(own, own.dropFirst()) { order.before[later] = earlier }
    }
    return order.merged()
  }

  private init(events: [TraceEvent]) {
    self.events = events
    before = events.map { _ in nil }
  }

  /// The one order of a task's events in which calls nest; `nil` where there is none, or another one.
  private func orderOfTask(_ places: [Int], stack: [KernelFunction], _ returning: Set<KernelFunction>)
    -> [Int]?
  {
    let queues = Dictionary(grouping: places) { events[$0].cpu }.sorted { $0.key < $1.key }.map(\.value)
    let returning = returning.union(
      places.lazy.filter { events[$0].kind == .exit }.map { events[$0].function })
    var found: [[Int]] = []
    var tried = 0
    func search(_ heads: [Int], _ stack: [KernelFunction], _ done: [Int]) {
      tried += 1
      if found.count > 1 || tried > Self.mostTried { return }
      if done.count == places.count { return found.append(done) }
      for (queue, head) in heads.enumerated() where head < queues[queue].count {
        let place = queues[queue][head]
        guard let next = Self.stack(after: events[place], stack, returning) else { continue }
        var heads = heads
        heads[queue] += 1
        search(heads, next, done + [place])
      }
    }
    search(queues.map { _ in 0 }, stack, [])
    return found.count == 1 && tried <= Self.mostTried ? found[0] : nil
  }

  /// What is open in a task behind an event; `nil` where the event cannot come then.
  private static func stack(
    after event: TraceEvent, _ stack: [KernelFunction], _ returning: Set<KernelFunction>
  ) -> [KernelFunction]? {
    let isFollowed = event.function.isOwnershipCall || event.function == .reallyProbe
    switch event.kind {
    case .entry, .leaf:
      // A call of these calls nothing of ours, and is seen to return.
      if let top = stack.last, top.isOwnershipCall, returning.contains(top) { return nil }
      let isOpen = event.kind == .entry && isFollowed && returning.contains(event.function)
      return isOpen ? stack + [event.function] : stack
    case .exit where isFollowed:
      guard let place = stack.lastIndex(of: event.function) else { return nil }
      if event.function.isOwnershipCall, place != stack.count - 1 { return nil }
      return Array(stack[..<place])
    default: return stack
    }
  }

  /// All events: as long as it can be one CPU's, then the next one's.
  private func merged() -> [Int]? {
    let queues = Dictionary(grouping: events.indices) { events[$0].cpu }.sorted { $0.key < $1.key }.map(
      \.value)
    var heads = queues.map { _ in 0 }
    var taken = events.map { _ in false }
    var order: [Int] = []
    while order.count < events.count {
      let next = queues.indices.first { queue in
        heads[queue] < queues[queue].count && (before[queues[queue][heads[queue]]].map { taken[$0] } ?? true)
      }
      guard let next else { return nil }
      let place = queues[next][heads[next]]
      heads[next] += 1
      taken[place] = true
      order.append(place)
    }
    return order
  }
}
