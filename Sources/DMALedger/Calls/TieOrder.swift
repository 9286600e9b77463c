/// An order of events of the same time in which each CPU's and each task's are in order.
struct TieOrder {
  /// Places of the events, in an order that they can have.
  private(set) var places: [Int] = []
  /// Every task's events have that order and no other.
  private(set) var isSole = true
  /// Lanes of tasks that were on several CPUs and whose calls have no order, whatever else they did in between.
  private(set) var confused: Set<Int> = []
  private let events: [TraceEvent]
  /// For each event the one of its task before it, where its CPU does not tell.
  private var before: [Int?]

  private static let calls = Set(KernelFunction.allCases.filter(\.isOwnershipCall))
  /// Interleavings that are looked at.
  private static let mostTried = 4096

  /// `isKnown`: all that is open in a lane is in `lanes`.
  init(
    _ events: [TraceEvent], lanes: TaskLanes, returning: Set<KernelFunction>, isKnown: (Int) -> Bool
  ) {
    self.events = events
    before = events.map { _ in nil }
    let moving = Dictionary(grouping: events.indices) { lanes.key(of: events[$0]) }
      .filter { Set($0.value.map { events[$0].cpu }).count > 1 }
    for (key, own) in moving {
      let stack = Stack(functions: lanes[key].map(\.function), isWhole: isKnown(key))
      let found = orders(of: own, stack, returning, most: 2)
      // Whether the others are seen to return may not be known yet: if they are, what is entered last is open.
      if let order = orders(of: own, stack, Self.calls, most: 1).first ?? found.first {
        for (earlier, later) in zip(order, order.dropFirst()) { before[later] = earlier }
      }
      if found.count == 1 { continue }
      isSole = false
      if found.isEmpty || !areCallsClear(own, stack, returning) {
        confused.insert(key)
      }
    }
    if let merged = merged() {
      places = merged
    } else {
      isSole = false
      confused = Set(moving.keys)
      places = Array(events.indices)
    }
  }

  /// Orders of a task's events in which calls nest, up to so many.
  private func orders(
    of places: [Int], _ stack: Stack, _ returning: Set<KernelFunction>, most: Int
  ) -> [[Int]] {
    let queues = Dictionary(grouping: places) { events[$0].cpu }.sorted { $0.key < $1.key }.map(\.value)
    let returning = returning.union(
      places.lazy.filter { events[$0].kind == .exit }.map { events[$0].function })
    var found: [[Int]] = []
    var tried = 0
    func search(_ heads: [Int], _ stack: Stack, _ done: [Int]) {
      tried += 1
      if found.count >= most || tried > Self.mostTried { return }
      if done.count == places.count { return found.append(done) }
      for (queue, head) in heads.enumerated() where head < queues[queue].count {
        let place = queues[queue][head]
        guard let next = stack.after(events[place], returning) else { continue }
        var heads = heads
        heads[queue] += 1
        search(heads, next, done + [place])
      }
    }
    search(queues.map { _ in 0 }, stack, [])
    // Of those that were not looked at nothing is known.
    return tried > Self.mostTried && found.count < most ? [] : found
  }

  /// Whether a task's calls have one order, whatever else it did in between.
  private func areCallsClear(_ places: [Int], _ stack: Stack, _ returning: Set<KernelFunction>) -> Bool {
    let calls = places.filter { events[$0].function.isOwnershipCall }
    return orders(of: calls, stack, returning, most: 2).count == 1
  }

  /// What is open in a task.
  private struct Stack {
    var functions: [KernelFunction]
    /// More may be open below, and on top of that a call.
    var isWhole: Bool
    private var mayBeCalling: Bool

    init(functions: [KernelFunction], isWhole: Bool) {
      self.functions = functions
      self.isWhole = isWhole
      mayBeCalling = !isWhole
    }

    /// The same behind an event; `nil` where the event cannot come then.
    func after(_ event: TraceEvent, _ returning: Set<KernelFunction>) -> Stack? {
      let isFollowed = event.function.isOwnershipCall || event.function == .reallyProbe
      var stack = self
      stack.mayBeCalling = false
      // A call of these calls nothing of ours: first it is seen to return.
      let isCalling = functions.last.map { $0.isOwnershipCall && returning.contains($0) } ?? false
      switch event.kind {
      case .entry, .leaf:
        if isCalling { return nil }
        let isOpen = event.kind == .entry && isFollowed && returning.contains(event.function)
        if isOpen { stack.functions.append(event.function) }
      case .exit where isFollowed:
        if let place = functions.lastIndex(of: event.function) {
          if event.function.isOwnershipCall ? place != functions.count - 1 : isCalling { return nil }
          stack.functions.removeSubrange(place...)
        } else if event.function.isOwnershipCall {
          guard mayBeCalling else { return nil }
        } else {
          guard !isWhole, !isCalling else { return nil }
          stack.functions = []
        }
      case .exit: if isCalling { return nil }
      default: break
      }
      return stack
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
