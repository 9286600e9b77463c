/// A call that was entered and has not returned, as far as its task's lines show.
struct OpenCall {
  var function: KernelFunction
  /// Bit set of `TraceEvent.Observer`.
  var observers: UInt8
  /// In function_graph; -1 where only a probe saw it.
  var depth: Int32
  /// For an ownership call.
  var call: OwnershipCall?
  /// For `really_probe()`: index of the window.
  var window: Int?
  /// A graph brace closed it; a return probe may still bring the code.
  var hasReturned = false

  /// Whether a return is this call's: in function_graph the depth must agree too.
  func isEnded(by event: TraceEvent) -> Bool {
    function == event.function && (event.depth < 0 || depth < 0 || event.depth == depth)
  }

  /// Whether an entry is a second probe's view of this call: nothing a second call of the same task could look like.
  func isSeenTwice(by event: TraceEvent) -> Bool {
    guard event.observer == .probe, let call, let entered = call.entry.time, let now = event.time,
      now.value - entered.value <= 100_000, call.device == event.fields.device || event.fields.device == nil,
      isSameGroup(call.group, event.fields)
    else { return false }
    return event.fields.count == nil || event.fields.count == call.countBefore
  }

  private func isSameGroup(_ group: GroupKey?, _ fields: CallFields) -> Bool {
    if let pointer = group?.pointer, let other = fields.groupPointer, pointer != other { return false }
    if let id = group?.id, let other = fields.groupID, id != other { return false }
    return true
  }

  func wasSeen(by observer: TraceEvent.Observer) -> Bool {
    observers & 1 << observer.rawValue != 0
  }
}

/// The open calls of every task.
///
/// function_graph without task columns only names CPUs; the blocks that announce a task switch tell who runs where,
/// and until the first one a CPU stands for its task. Tasks migrate in mid-call: a frame that ends or goes on
/// where it was not opened is looked for elsewhere.
struct TaskLanes {
  /// Tasks followed at once; the oldest idle ones are forgotten.
  static let limit = 4096
  /// Calls kept open per task; the outermost are forgotten.
  static let deepest = 64

  private(set) var lanes: [Int: [OpenCall]] = [:]
  /// Lanes in the order in which they were opened; those that are gone are passed over.
  private var order: [Int] = []
  private var oldest = 0
  /// Lanes that may hold an open ownership call.
  private var calling: Set<Int> = []
  private var taskOnCPU: [Int32: Int32] = [:]

  /// The lane of an event: its task, or what is known of its CPU.
  func key(of event: TraceEvent) -> Int {
    if event.pid >= 0 { return Int(event.pid) }
    if let pid = taskOnCPU[event.cpu] { return Int(pid) }
    return Self.anonymous(event.cpu)
  }

  /// Whether a lane stands for a CPU rather than for a task.
  static func isAnonymous(_ key: Int) -> Bool { key < 0 }

  private static func anonymous(_ cpu: Int32) -> Int { -2 - Int(cpu) }

  subscript(key: Int) -> [OpenCall] {
    get { lanes[key] ?? [] }
    set {
      lanes[key] = newValue.isEmpty ? nil : newValue
      if newValue.contains(where: { $0.call != nil }) { calling.insert(key) } else { calling.remove(key) }
    }
  }

  /// Pushes a call; forgets idle lanes and outermost calls past the limits.
  mutating func push(_ call: OpenCall, on key: Int) {
    if lanes[key] == nil {
      if lanes.count >= Self.limit { forgetOne() }
      order.append(key)
    }
    if call.call != nil { calling.insert(key) }
    lanes[key, default: []].append(call)
    if lanes[key, default: []].count > Self.deepest { lanes[key]?.removeFirst() }
  }

  /// The lane that was opened first goes, whatever is open in it: a task that was silent while thousands of others
  /// came tells nothing any more.
  private mutating func forgetOne() {
    while oldest < order.count, lanes[order[oldest]] == nil { oldest += 1 }
    if oldest < order.count {
      lanes[order[oldest]] = nil
      oldest += 1
    }
    if oldest > Self.limit {
      order.removeSubrange(..<oldest)
      oldest = 0
    }
  }

  /// Another task runs on `cpu` from here on.
  mutating func switchTask(on cpu: Int32, from old: Int32, to new: Int32) {
    if taskOnCPU[cpu] == nil, old >= 0, let stack = lanes.removeValue(forKey: Self.anonymous(cpu)) {
      self[Int(old)] = self[Int(old)] + stack
      calling.remove(Self.anonymous(cpu))
    }
    taskOnCPU[cpu] = new
  }

  /// Moves the calls that enclose a frame of `depth` to lane `key` when their task went on there: the one
  /// anonymous lane whose call at `depth - 1` may call `function`.
  mutating func adoptCaller(of function: KernelFunction, depth: Int32, into key: Int) {
    guard depth > 0, !self[key].contains(where: { $0.depth >= 0 && $0.depth < depth }) else { return }
    let callers = lanes.keys.sorted().filter { other in
      other != key && (lanes[other] ?? []).contains { $0.depth == depth - 1 && $0.function.mayCall(function) }
    }
    guard callers.count == 1, let other = callers.first, var stack = lanes[other],
      let place = stack.lastIndex(where: { $0.depth == depth - 1 && $0.function.mayCall(function) })
    else { return }
    let moved = Array(stack[...place])
    stack.removeSubrange(...place)
    self[other] = stack
    self[key] = moved + self[key]
  }

  /// The lane in which a call that ends here was opened, where that is not `key`: its task migrated.
  mutating func adoptFrame(of function: KernelFunction, depth: Int32, into key: Int) {
    guard !self[key].contains(where: { $0.function == function && $0.depth == depth }) else { return }
    let owners = lanes.keys.sorted().filter { other in
      other != key && (lanes[other] ?? []).contains { $0.function == function && $0.depth == depth }
    }
    guard owners.count == 1, let other = owners.first, let stack = lanes[other] else { return }
    self[other] = []
    self[key] = stack + self[key]
  }

  /// Whether the task of a lane cannot enter anything at this depth, because a function is open there: another task
  /// runs on the CPU by now, and no line has said so.
  func isBlocked(_ key: Int, at depth: Int32) -> Bool {
    self[key].contains { $0.depth == depth && $0.call == nil && !$0.hasReturned }
  }

  /// Whether calls at a group are open in other lanes; each of them learns that it is not alone any more.
  mutating func meetOthers(at group: Int, except key: Int) -> Bool {
    var isMet = false
    for other in calling where other != key {
      guard let index = lanes[other]?.lastIndex(where: { $0.call?.place == group }) else { continue }
      lanes[other]?[index].call?.wasJoined = true
      isMet = true
    }
    return isMet
  }

  /// The lanes with an open call at a group, in a fixed order.
  func keysOfCalls(at group: Int) -> [Int] {
    calling.filter { lanes[$0]?.last?.call?.place == group }.sorted()
  }

  mutating func removeAll() {
    calling.removeAll()
    lanes.removeAll(keepingCapacity: true)
  }

  /// Every open ownership call with its lane, in a fixed order.
  var openOwnershipCalls: [(key: Int, index: Int)] {
    calling.sorted().flatMap { key in
      (lanes[key] ?? []).indices.filter { lanes[key]?[$0].call != nil }.map { (key, $0) }
    }
  }
}

extension KernelFunction {
  /// Whether the kernel calls `other` from this function without another function of ours in between.
  func mayCall(_ other: KernelFunction) -> Bool {
    switch (self, other) {
    case (.reallyProbe, .dmaConfigure), (.reallyProbe, .dmaCleanup), (.reallyProbe, .sysfsAdd),
      (.reallyProbe, .deviceRemove), (.reallyProbe, .busRemove), (.reallyProbe, .unbindCleanup),
      (.reallyProbe, .driverBound), (.reallyProbe, .use), (.reallyProbe, .unuse),
      (.dmaConfigure, .use), (.dmaCleanup, .unuse), (.releaseDriver, .unuse), (.releaseDriver, .deviceRemove),
      (.releaseDriver, .busRemove), (.releaseDriver, .dmaCleanup), (.releaseDriver, .unbindCleanup),
      (.deviceRemove, .busRemove):
      true
    default: false
    }
  }

  /// Calls that call nothing of ours: whatever else their task does shows that they returned.
  var isOwnershipCall: Bool { ownershipCall != nil }
}
