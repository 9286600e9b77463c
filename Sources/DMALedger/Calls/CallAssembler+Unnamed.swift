/// Lines that name neither task nor CPU (the boot option `tp_printk`, the option `context-info` off, `perf script` without
/// these fields). Calls of several tasks may stand between each other there, so what a line says itself is all that tells
/// whose it is:
///
///     a device      whatever happens to it in a probe or an unbind happens under its lock: a lane of its own
///     a group       any task may be at it: a lane for each call
///     neither       one lane for all of them; where two of its calls run into each other, that is a loss
///
/// A return names nothing. It is that of the only call it can be of; where there are several, of one of them
/// (``UnnamedPool``).
extension CallAssembler {
  /// The lane of an event.
  func lane(of event: TraceEvent) -> Int {
    let key = lanes.key(of: event)
    guard TaskLanes.isNobody(key), event.depth < 0, let device = event.fields.device,
      device != NameTable.overflow
    else { return key }
    return TaskLanes.ofDevice(device)
  }

  /// Another line of nobody's.
  mutating func hearNobody(_ event: TraceEvent) {
    unnamed.lines += 1
    if let last = unnamed.lastReturn, event.kind != .exit || event.function != last.function {
      unnamed.returningOnce.insert(last.function)
      unnamed.lastReturn = nil
    }
    while let first = unnamed.waiting.first, unnamed.lines - first.line > UnnamedCalls.longestWait {
      unnamed.waiting.removeFirst()
      goOn(first.key)
      guard let top = lanes[first.key].last, top.call?.entry.at == first.entry, isReturnUnseen(top) else {
        continue
      }
      settle(first.key)
    }
  }

  // MARK: - Entries

  /// The lane of an entry, which may be the first that shows it.
  mutating func laneOfEntry(
    _ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference, _ names: borrowing NameTable
  ) -> Int {
    let key = lane(of: event)
    guard event.depth < 0, event.kind != .exit else { return key }
    unnamed.isUsed = true
    if let seen = laneOfOtherView(event, key, line, at, names) { return seen }
    guard event.function.isOwnershipCall else { return key }
    let takesDevice = event.function == .use || event.function == .unuse
    if takesDevice, TaskLanes.isUnnamed(key) { return noteEntry(key, at) }
    // Claims do not ask for the lock of the device.
    guard TaskLanes.isUnnamed(key) || event.fields.groupPointer != nil || event.fields.groupID != nil else {
      return key
    }
    unnamed.calls += 1
    return noteEntry(TaskLanes.ofCall(unnamed.calls), at)
  }

  private mutating func noteEntry(_ key: Int, _ at: LineReference) -> Int {
    unnamed.waiting.append((key, at, unnamed.lines))
    return key
  }

  /// The lane of a call that another observer has shown, where this entry is the second view of it.
  private mutating func laneOfOtherView(
    _ event: TraceEvent, _ key: Int, _ line: Span<UInt8>, _ at: LineReference, _ names: borrowing NameTable
  ) -> Int? {
    func isSecondView(_ frame: OpenCall) -> Bool {
      frame.function == event.function && frame.depth < 0 && !frame.hasReturned
        && (!frame.wasSeen(by: event.observer) || frame.isSeenTwice(by: event)) && mayBeOne(frame, event)
    }
    if TaskLanes.isUnnamed(key), let top = lanes[key].last, isSecondView(top) { return key }
    // A line without any name came first.
    if TaskLanes.isUnnamed(key) || event.fields.groupPointer != nil || event.fields.groupID != nil,
      lanes[TaskLanes.nobody].contains(where: isSecondView)
    {
      // The lane of those that name nothing does not go on: the call is one of its own.
      if TaskLanes.isUnnamed(key) { settle(key) }
      // It may have been taken to be over in favour of others.
      guard let place = lanes[TaskLanes.nobody].firstIndex(where: isSecondView) else { return nil }
      let frame = lanes[TaskLanes.nobody].remove(at: place)
      if frame.call != nil { unnamed.open[frame.function, default: 1] -= 1 }
      var lane = key
      if !TaskLanes.isUnnamed(key) {
        unnamed.calls += 1
        lane = TaskLanes.ofCall(unnamed.calls)
      }
      if frame.function == .reallyProbe { lanes[lane] = [] }
      giveUp(lanes.push(frame, on: lane))
      return noteEntry(lane, frame.call?.entry.at ?? at)
    }
    let others = lanes.unnamedKeys(atTop: event.function, where: isSecondView).filter { $0 != key }
    guard let other = others.first else { return nil }
    guard let device = event.fields.device, TaskLanes.isUnnamed(key), event.function != .deviceClaim,
      event.function != .deviceRelease
    else { return other }
    // One prints the pointer and the other the name: they are one device only where no other pointer can be its.
    if others.count > 1 {
      lose(.tangled, event, line, at)
      return nil
    }
    let stack = lanes[other]
    settle(key)
    lanes[other] = []
    lanes[TaskLanes.ofDevice(device)] = []
    for frame in stack { giveUp(lanes.push(frame, on: TaskLanes.ofDevice(device))) }
    return noteEntry(TaskLanes.ofDevice(device), at)

    /// Whether nothing that both name differs; a pointer and a name may be the same device.
    func mayBeOne(_ frame: OpenCall, _ event: TraceEvent) -> Bool {
      let device = frame.call?.device ?? frame.window.flatMap { windows[$0]?.device }
      if let device, let other = event.fields.device, device != other,
        names.withBytes(device, DeviceAliases.isPointer) == names.withBytes(other, DeviceAliases.isPointer)
      {
        return false
      }
      guard let call = frame.call else { return true }
      if let owner = call.newOwner, let other = event.fields.newOwner, owner != other { return false }
      return frame.isSameGroup(call.group, event.fields)
    }
  }

  /// Takes note of an entry that no observer has told before, in the lane of those that name nothing.
  mutating func enterUnnamed(_ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference, _ key: Int) {
    guard TaskLanes.isNobody(key) else { return }
    if event.function == .reallyProbe, lanes[key].contains(where: { $0.function == .reallyProbe }) {
      evidence.isTangled = true
    }
    guard event.function.isOwnershipCall else { return }
    if let open = lanes[key].last, open.call != nil, !open.hasReturned, returning.contains(open.function) {
      lose(.tangled, event, line, at)
      unnamed.doubtful = max(2, unnamed.doubtful + 1)
    }
    unnamed.open[event.function, default: 0] += 1
  }

  /// Takes note of what runs for a device outside of any window: only a probe configures it, and one that was running before
  /// the first line is over when an unbind begins.
  mutating func noteCutProbe(_ function: KernelFunction, _ fields: CallFields, _ key: Int) {
    guard TaskLanes.isUnnamed(key), let device = fields.device else { return }
    switch function {
    case .releaseDriver: unnamed.cutProbes[device] = nil
    // The core configures devices as well, before they have a driver.
    case .dmaConfigure where fields.driver != nil, .sysfsAdd, .driverBound, .use:
      if unnamed.cutProbes.count < TaskLanes.mostRemembered { unnamed.cutProbes[device] = function }
    default:
      if unnamed.cutProbes[device] != nil { unnamed.cutProbes[device] = function }
    }
  }

  /// The only window that is open where lines name no task: what names no device can be in no other.
  func soleWindowFrame(_ key: Int) -> OpenCall? {
    guard TaskLanes.isUnnamed(key) || TaskLanes.isNobody(key), unnamed.isUsed else { return nil }
    let frames = lanes.unnamedKeysOfWindows.flatMap { lanes[$0].filter { $0.window != nil } }
    return frames.count == 1 ? frames.first : nil
  }

  /// The same for a call: one that names a device can be in no window of another.
  func soleWindowFrame(for call: OwnershipCall, _ key: Int) -> OpenCall? {
    if call.device != nil, call.kind != .use { return nil }
    return soleWindowFrame(key)
  }
}

/// What is known of calls whose lines name no task.
struct UnnamedCalls: Sendable {
  /// Entries whose return has not come, by function, in the lane of those that name nothing.
  var open: [KernelFunction: Int] = [:]
  /// Returns to come in that lane of which nobody knows whose they are.
  var doubtful = 0
  /// Any line named no task.
  var isUsed = false
  /// Lines that named no task.
  var lines = 0
  /// Calls that have a lane of their own.
  var calls = 0
  /// Returns that may be of several open calls.
  var pools: [KernelFunction: UnnamedPool] = [:]
  /// Devices that are in a probe whose beginning no line shows, with what ran in it last.
  var cutProbes: [NameID: KernelFunction] = [:]
  /// Windows that may have ended.
  var doubtedWindows = DoubtedWindows()
  /// Returns that were taken for those of the only call that was open, since a line.
  var paired: [KernelFunction: (since: LineReference, code: Int64?, isMixed: Bool)] = [:]
  /// Open calls in the order of their entries: where nobody will see them return, they have returned after a while.
  var waiting: [(key: Int, entry: LineReference, line: Int)] = []
  /// The return in the line before, and functions of which no second probe watches the return.
  var lastReturn: (function: KernelFunction, code: Int64?)?
  var returningOnce: Set<KernelFunction> = []

  /// Nobody waits for a lock while so many lines pass.
  static let longestWait = 64

  /// Events were lost: returns may be missing.
  mutating func forget() {
    open = [:]
    doubtful = 0
    pools = [:]
    paired = [:]
    doubtedWindows = DoubtedWindows()
    lastReturn = nil
  }
}
