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
    if let owner = event.fields.owner, let former = call.ownerBefore, owner != former { return false }
    return event.fields.count == nil || event.fields.count == call.countBefore
  }

  func isSameGroup(_ group: GroupKey?, _ fields: CallFields) -> Bool {
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
  /// Tasks followed at once; of more the one that was opened first is given up.
  static let limit = 1024
  /// Calls kept open per task; of more the outermost is given up.
  static let deepest = 64
  /// Calls kept open over all tasks.
  static let most = 8192
  /// Calls kept open at one group: so many never wait for its lock.
  static let mostAtGroup = 64
  /// Tasks of which something smaller than a call is remembered.
  static let mostRemembered = 4096

  private(set) var lanes: [Int: [OpenCall]] = [:]
  /// Lanes in the order in which they were opened; those that are gone are passed over.
  private var order: [(key: Int, opening: Int)] = []
  private var oldest = 0
  private var openings: [Int: Int] = [:]
  private var nextOpening = 0
  private var count = 0
  /// Lanes that hold an open ownership call, and where they do so.
  private var calling: Set<Int> = []
  private var atGroup: [Int: [Int]] = [:]
  private var ofDevice: [NameID: [Int]] = [:]
  private var taskOnCPU: [Int32: Int32] = [:]

  /// The lane of an event: its task, or what is known of its CPU.
  func key(of event: TraceEvent) -> Int {
    if event.pid >= 0 { return Int(event.pid) }
    if let pid = taskOnCPU[event.cpu] { return Int(pid) }
    return Self.anonymous(event.cpu)
  }

  /// Whether a lane stands for a CPU rather than for a task.
  static func isAnonymous(_ key: Int) -> Bool { key < 0 }

  /// Whether a lane stands for everything that names neither task nor CPU.
  static func isNobody(_ key: Int) -> Bool { key == nobody }

  /// The lane of everything that names neither task nor CPU, and nothing else that would tell whose it is.
  static let nobody = anonymous(-1)

  /// Whether a lane stands for a device or for one call, because its lines name neither task nor CPU.
  static func isUnnamed(_ key: Int) -> Bool { key <= firstOfDevices }

  /// The lane of what happens to a device under its lock, whichever task does it.
  static func ofDevice(_ device: NameID) -> Int { firstOfDevices - Int(device.index) }

  /// A lane for a single call.
  static func ofCall(_ number: Int) -> Int { firstOfCalls - number }

  private static let firstOfDevices = -1 << 40
  private static let firstOfCalls = -1 << 50

  private static func anonymous(_ cpu: Int32) -> Int { -2 - Int(cpu) }

  subscript(key: Int) -> [OpenCall] {
    get { lanes[key] ?? [] }
    set {
      let old = lanes[key] ?? []
      for frame in old { forget(frame, key) }
      for frame in newValue { note(frame, key) }
      count += newValue.count - old.count
      lanes[key] = newValue.isEmpty ? nil : newValue
      if newValue.isEmpty { openings[key] = nil }
      if newValue.contains(where: { $0.call != nil }) { calling.insert(key) } else { calling.remove(key) }
    }
  }

  private mutating func note(_ frame: OpenCall, _ key: Int) {
    guard let call = frame.call else { return }
    if let place = call.place { atGroup[place, default: []].append(key) }
    if let device = call.device { ofDevice[device, default: []].append(key) }
  }

  private mutating func forget(_ frame: OpenCall, _ key: Int) {
    guard let call = frame.call else { return }
    func remove<Index>(_ index: Index, _ keys: inout [Index: [Int]]) {
      guard var own = keys.removeValue(forKey: index), let place = own.firstIndex(of: key) else { return }
      own.remove(at: place)
      if !own.isEmpty { keys[index] = own }
    }
    if let place = call.place { remove(place, &atGroup) }
    if let device = call.device { remove(device, &ofDevice) }
  }

  /// Pushes a call. Gives the calls that were given up for it, past the limits, with their lanes.
  mutating func push(_ call: OpenCall, on key: Int) -> [(key: Int, frame: OpenCall)] {
    var given: [(Int, OpenCall)] = []
    if lanes[key] == nil, lanes.count >= Self.limit { given += giveUpOldest() }
    if lanes[key] == nil { open(key) }
    while count >= Self.most, lanes.count > 1 {
      let more = giveUpOldest()
      if more.isEmpty { break }
      given += more
    }
    if let place = call.call?.place, let others = atGroup[place], others.count >= Self.mostAtGroup,
      let other = others.first, other != key, let frame = giveUp(at: place, in: other)
    {
      given.append((other, frame))
    }
    if call.call != nil { calling.insert(key) }
    note(call, key)
    count += 1
    lanes[key, default: []].append(call)
    if lanes[key]?.count ?? 0 > Self.deepest, let outermost = self[key].first {
      self[key].removeFirst()
      given.append((key, outermost))
    }
    return given
  }

  /// Takes the innermost call off a lane, where it lies: to hand out and set back all of them would copy each.
  mutating func pop(_ key: Int) {
    guard let frame = lanes[key]?.popLast() else { return }
    forget(frame, key)
    count -= 1
    if lanes[key]?.isEmpty == true {
      lanes[key] = nil
      openings[key] = nil
    }
    if frame.call != nil, lanes[key]?.contains(where: { $0.call != nil }) != true { calling.remove(key) }
  }

  private mutating func giveUp(at group: Int, in key: Int) -> OpenCall? {
    var stack = self[key]
    guard let place = stack.firstIndex(where: { $0.call?.place == group }) else { return nil }
    let frame = stack.remove(at: place)
    self[key] = stack
    return frame
  }

  /// The lane that was opened first goes, whatever is open in it.
  private mutating func giveUpOldest() -> [(key: Int, frame: OpenCall)] {
    while oldest < order.count, !isOpen(order[oldest]) { oldest += 1 }
    guard oldest < order.count else { return [] }
    let key = order[oldest].key
    let given = self[key].map { (key, $0) }
    self[key] = []
    oldest += 1
    return given
  }

  private mutating func open(_ key: Int) {
    if order.count >= 4 * Self.limit {
      order = order[oldest...].filter(isOpen)
      oldest = 0
    }
    openings[key] = nextOpening
    order.append((key, nextOpening))
    nextOpening += 1
  }

  private func isOpen(_ lane: (key: Int, opening: Int)) -> Bool {
    openings[lane.key] == lane.opening && lanes[lane.key] != nil
  }

  /// Another task runs on `cpu` from here on.
  mutating func switchTask(on cpu: Int32, from old: Int32, to new: Int32) {
    if taskOnCPU[cpu] == nil, old >= 0, lanes[Self.anonymous(cpu)] != nil {
      let stack = self[Self.anonymous(cpu)]
      self[Self.anonymous(cpu)] = []
      adopt(self[Int(old)] + stack, into: Int(old))
    }
    if taskOnCPU.count < Self.mostRemembered || taskOnCPU[cpu] != nil { taskOnCPU[cpu] = new }
  }

  /// Two lanes may be of one task only where one of them stands for a CPU: tasks that are known by name are two.
  private static func mayBeOne(_ one: Int, _ other: Int) -> Bool {
    one != other && (isAnonymous(one) || isAnonymous(other))
  }

  /// The only other lane that may be of the task of `key` and holds a frame that `fits`.
  private func soleLane(beside key: Int, where fits: (OpenCall) -> Bool) -> Int? {
    var found: Int?
    for (other, stack) in lanes where Self.mayBeOne(other, key) && stack.contains(where: fits) {
      if found != nil { return nil }
      found = other
    }
    return found
  }

  /// Moves the calls that enclose a frame of `depth` to lane `key` when their task went on there: the one
  /// lane whose call at `depth - 1` may call `function`.
  mutating func adoptCaller(of function: KernelFunction, depth: Int32, into key: Int) {
    guard depth > 0, !self[key].contains(where: { $0.depth >= 0 && $0.depth < depth }) else { return }
    let caller = soleLane(beside: key) { $0.depth == depth - 1 && $0.function.mayCall(function) }
    guard let other = caller, var stack = lanes[other],
      let place = stack.lastIndex(where: { $0.depth == depth - 1 && $0.function.mayCall(function) })
    else { return }
    let moved = Array(stack[...place])
    stack.removeSubrange(...place)
    self[other] = stack
    adopt(moved + self[key], into: key)
  }

  /// The lane in which a call that ends here was opened, where that is not `key`: its task migrated.
  mutating func adoptFrame(of function: KernelFunction, depth: Int32, into key: Int) {
    guard !self[key].contains(where: { $0.function == function && $0.depth == depth }) else { return }
    let owner = soleLane(beside: key) { $0.function == function && $0.depth == depth }
    guard let other = owner, let stack = lanes[other] else { return }
    self[other] = []
    adopt(stack + self[key], into: key)
  }

  /// Whether the task of a lane cannot enter anything at this depth, because a function is open there: another task
  /// runs on the CPU by now, and no line has said so.
  func isBlocked(_ key: Int, at depth: Int32) -> Bool {
    self[key].contains { $0.depth == depth && $0.call == nil && !$0.hasReturned }
  }

  private mutating func adopt(_ stack: [OpenCall], into key: Int) {
    if lanes[key] == nil, !stack.isEmpty { open(key) }
    self[key] = stack
  }

  /// Whether other CPUs that stand for tasks probe or unbind now, and their windows, in no order.
  func anonymousNeighbours(of key: Int) -> (hasAny: Bool, windows: [Int]) {
    var found: (hasAny: Bool, windows: [Int]) = (false, [])
    for (other, stack) in lanes where other != key && Self.isAnonymous(other) && !Self.isUnnamed(other) {
      for index in stack.indices
      where stack[index].function == .reallyProbe || stack[index].function == .releaseDriver {
        found.hasAny = true
        if let window = stack[index].window { found.windows.append(window) }
      }
    }
    return found
  }

  /// Whether calls at a group are open in other lanes; each of them learns that it is not alone any more.
  mutating func meetOthers(at group: Int, except key: Int) -> Bool {
    var isMet = false
    for other in atGroup[group] ?? [] where other != key {
      guard let index = lanes[other]?.lastIndex(where: { $0.call?.place == group }) else { continue }
      lanes[other]?[index].call?.wasJoined = true
      isMet = true
    }
    return isMet
  }

  /// Whether a call that nothing has named so far is open in another lane: it may be at any group. Of very many one is.
  func mayJoin(except key: Int) -> Bool {
    calling.count > Self.mostJoining
      || calling.contains { other in
        other != key
          && lanes[other]?.contains { frame in
            frame.call.map { $0.place == nil && !$0.isGroupless && $0.kind != .query } ?? false
          } ?? false
      }
  }

  /// Lanes that are looked through for such a call.
  private static let mostJoining = 64

  /// The lanes with an open call at a group, in a fixed order.
  func keysOfCalls(at group: Int) -> [Int] {
    guard let keys = atGroup[group] else { return [] }
    return Set(keys).filter { lanes[$0]?.last?.call?.place == group }.sorted()
  }

  /// The lanes with an open call for a device, in a fixed order.
  func keysOfCalls(for device: NameID) -> [Int] {
    guard let keys = ofDevice[device] else { return [] }
    return Set(keys).sorted()
  }

  /// The lanes of devices and single calls that hold an open call of a function, in the order of their entries.
  func unnamedKeys(of function: KernelFunction) -> [Int] {
    var found: [(key: Int, at: LineReference)] = []
    for key in calling where Self.isUnnamed(key) {
      guard let top = lanes[key]?.last, top.function == function, let call = top.call else { continue }
      found.append((key, call.entry.at))
    }
    return found.sorted { $0.at < $1.at }.map(\.key)
  }

  /// The lanes of devices and single calls whose innermost call is of a function and `fits`, in a fixed order.
  func unnamedKeys(atTop function: KernelFunction, where fits: (OpenCall) -> Bool) -> [Int] {
    var found: [Int] = []
    for (key, stack) in lanes where Self.isUnnamed(key) {
      let top = stack.count - 1
      if top >= 0, stack[top].function == function, fits(stack[top]) { found.append(key) }
    }
    return found.sorted(by: >)
  }

  /// The lanes of devices, and that of nobody, which hold an open window, in a fixed order.
  var unnamedKeysOfWindows: [Int] {
    lanes.keys.filter { key in
      (Self.isUnnamed(key) || Self.isNobody(key)) && (lanes[key] ?? []).contains { $0.window != nil }
    }.sorted(by: >)
  }

  /// The window of a device is over, and so is whatever was called in it.
  mutating func forgetWindow(_ window: Int, of device: NameID) {
    let key = Self.ofDevice(device)
    guard let place = lanes[key]?.lastIndex(where: { $0.window == window }) else { return }
    self[key].remove(at: place)
  }

  mutating func removeAll() {
    calling.removeAll()
    atGroup.removeAll()
    ofDevice.removeAll()
    count = 0
    lanes.removeAll(keepingCapacity: true)
    order.removeAll()
    openings.removeAll()
    oldest = 0
  }

  /// Every open ownership call, in no order.
  var openCalls: [OwnershipCall] {
    calling.flatMap { key in (lanes[key] ?? []).compactMap(\.call) }
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
