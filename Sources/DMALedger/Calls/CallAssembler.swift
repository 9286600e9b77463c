/// Events to calls: pairs entries with returns per task, joins what several observers saw of one call, keeps the
/// `really_probe()` windows, and hands every call to the ledger when it has taken effect.
///
/// A call takes effect at its return where returns are observed, because the entry is read before the lock. Where
/// they are not, it takes effect when its task goes on or somebody else comes to the same group.
struct CallAssembler<Ledger: CallSink> {
  var ledger: Ledger
  var evidence = KernelEvidence()
  var losses: [Loss] = []
  var lossesOfKind: [Loss.Kind: Int] = [:]
  /// Windows that have ended: a kernel log may know their devices.
  var seen: [SeenWindow] = []
  /// Boots that ended so far.
  var boot = 0
  /// The first time in each boot.
  private(set) var firstTimes: [Int: Nanoseconds] = [:]
  var hasFirstTime = false
  /// Warnings of the kernel in the stream, with the boot they are of.
  private(set) var warnings: [(warning: OwnershipWarning, boot: Int)] = []
  /// What the windows of boots that ended say.
  var pastEvidence: [KernelEvidence] = []
  var arena = TextArena()
  var lanes = TaskLanes()
  var windows: [Int: ProbeWindow] = [:]
  var windowOfDevice: [NameID: Int] = [:]
  var nextWindow = 0
  var oldestWindow = 0
  var lossEpoch = 0
  /// Ownership calls whose entry has been seen.
  var entered: Set<KernelFunction> = []
  /// Functions whose return has been seen: a call of theirs will be seen to return.
  var returning: Set<KernelFunction> = []
  /// The same, by a return probe: behind a graph brace the code may still come.
  var returningByProbe: Set<KernelFunction> = []
  /// The last mark of each lane, so that two observers of one call count once.
  var lastMark: [Int: LastMark] = [:]
  /// The ownership call that each lane returned from last: a second return probe of it says nothing new.
  var lastReturned: [Int: KernelFunction] = [:]
  /// The last line of each CPU: what is lost there was lost after it.
  var lastLineOfCPU: [Int32: LineReference] = [:]
  /// Drivers by whether they manage DMA themselves and so never use the group.
  private(set) var isManaged: [NameID: Bool] = [:]
  /// Uses of devices that had no group then.
  var grouplessUses: [NameID: OwnershipCall] = [:]
  /// Devices that a window was opened for.
  var probedDevices: Set<NameID> = []
  /// Those of them whose driver manages DMA itself.
  var managedDevices: Set<NameID> = []
  /// Calls that have returned while others were at their group, by group.
  var overlaps: [Int: [OverlappingCall<Ledger>]] = [:]
  /// Functions that were taken to have returned, by lane: their return says nothing new.
  var settledEarly: [Int: KernelFunction] = [:]
  /// Lanes at a group whose calls were taken to be over, for want of room, although nothing had shown that.
  var drained = LanesAtGroups<Void>()
  /// Calls that were open where events went missing and may not have taken effect yet, with when they were entered.
  var unfinished = LanesAtGroups<Nanoseconds?>()
  /// Calls are being settled on behalf of others: none of them goes to the ledger alone.
  var isDraining = false
  /// They are, and no line shows that they are over.
  var isCuttingOff = false
  /// Braces that close show where functions end.
  var seesBraces = false
  /// Before the first of them something began where a function was open: another task, if braces are there at all.
  private var isBlockedUnseen = false
  /// The line at hand, and its CPU.
  var now = LineReference(source: 0, line: 0)
  var cpuAtHand: Int32 = -1
  /// The lines at hand have no order among CPUs.
  var tie: Tie?
  var lastTie: Int32 = 0
  /// Devices that were removed where no probe and no unbind of them was seen to begin, by lane.
  var strayRemovals: [Int: NameID] = [:]
  /// Uses that were refused and are in no window, by lane.
  var strayRefusals: [Int: OwnershipCall] = [:]
  /// Devices that are being removed, by lane, where nobody watches what their drivers give back then.
  var removing: [Int: [NameID]] = [:]
  /// The last line of each lane, once there are calls that nothing names and of which nobody watches the entry, and where
  /// files of one CPU each are read.
  var lastLineOfLane: [Int: LineReference]?
  /// The last place where lines are missing.
  var lastLoss: LineReference?
  /// The lanes that were heard of since then.
  var heard = HeardLanes()
  /// Devices that a claim in flight attached, by lane.
  var attached: [Int: [NameID]] = [:]

  /// Calls of tasks that no line names.
  var unnamed = UnnamedCalls()
  /// Device pointers whose names are known.
  var aliases = DeviceAliases()
  /// What was given up because there was too much of it.
  var forgotten = Forgotten()

  init(ledger: Ledger) {
    self.ledger = ledger
  }

  /// Takes one event; `line` is its text and `names` knows the names in it.
  mutating func take(_ event: TraceEvent, line: Span<UInt8>, source: Int, names: borrowing NameTable) {
    let at = LineReference(source: source, line: event.line)
    if !hasFirstTime, let time = event.time {
      hasFirstTime = true
      firstTimes[boot] = time
    }
    now = at
    cpuAtHand = event.cpu
    if let driver = event.fields.driver, isManaged[driver] == nil {
      isManaged[driver] = names.withBytes(driver, ManagedDriver.isManaged)
    }
    // Braces are left out: those that close nothing that is followed may never come here.
    defer { if event.cpu >= 0, event.kind != .closed { hear(event.cpu, at) } }
    var event = event
    defer { if lastLineOfLane != nil { hearLane(lane(of: event), at) } }
    defer { if !heard.isOver, event.time != nil { heard.hear(lane(of: event), at: event.time) } }
    let isUnnamed = event.fields.device == NameTable.overflow
    if let device = event.fields.device { event.fields.device = aliases.name(of: device) }
    if event.pid < 0, event.cpu < 0 { hearNobody(event) }
    if !drained.isEmpty || !unfinished.isEmpty { goOn(lane(of: event)) }
    if isUnnamed { forgetName(in: &event, at) }
    switch event.kind {
    case .entry: enter(event, line, at, names)
    case .leaf:
      enter(event, line, at, names)
      leave(event, line, at, names)
    case .exit: leave(event, line, at, names)
    case .closed:
      seeBrace()
      close(event, line, at)
    case .switched: lanes.switchTask(on: event.cpu, from: Int32(event.number), to: event.pid)
    case .joined:
      settle(lane(of: event))
      if let device = event.fields.device, let id = event.fields.groupID {
        tell(device) { $0.joined(device, id: id) }
      }
    case .left:
      // Whatever was called on the group has taken effect: the count goes with the group.
      settle(lane(of: event))
      if let device = event.fields.device, let id = event.fields.groupID {
        settleUnseenReturns(at: id)
        resolveOverlaps(at: id)
        // Whoever leaves has no driver any more.
        if let window = windowOfDevice[device] { leaveWindow(window) }
        unnamed.cutProbes[device] = nil
        ledger.left(device, id: id, witness: witness(event, line, at))
      }
    case .attached:
      let key = lanes.key(of: event)
      if TaskLanes.isNobody(key) { break }
      if let device = isUnnamed ? NameTable.overflow : event.fields.device,
        lanes[key].last?.call?.kind == .claim, attached[key]?.count ?? 0 <= Self.mostAttached
      {
        attached[key, default: []].append(device)
      }
    case .message:
      guard let message = event.message else { break }
      if case .warning = message, warnings.count < 1024,
        let warning = OwnershipWarning(line, witness(event, line, at))
      {
        warnings.append((warning, boot))
      }
      hear(message, event, line, at)
    case .logged, .told, .entryAtAddress, .exitAtAddress: break
    case .lost: lose(.lost, event, line, at)
    case .bufferStarted: lose(.bufferStarted, event, line, at)
    case .restarted: lose(.restarted, event, line, at)
    }
  }

  mutating func beganBoot() {
    isBlockedUnseen = false
  }

  mutating func seeBrace() {
    seesBraces = true
    if isBlockedUnseen { evidence.isTangled = true }
  }

  // MARK: - Entries

  mutating func enter(
    _ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference, _ names: borrowing NameTable
  ) {
    var key = lanes.key(of: event)
    if TaskLanes.isNobody(key) {
      key = laneOfEntry(event, line, at, names)
      if TaskLanes.isUnnamed(key), event.function != .driverBound { endBoundWindow(key) }
    }
    if event.depth >= 0 {
      if seesBraces, TaskLanes.isAnonymous(key), lanes.isBlocked(key, at: event.depth) {
        evidence.isTangled = true
      } else if !seesBraces, TaskLanes.isAnonymous(key), lanes.isBlocked(key, at: event.depth) {
        isBlockedUnseen = true
      }
      dropFrames(key, from: event.depth)
      lanes.adoptCaller(of: event.function, depth: event.depth, into: key)
    }
    if merge(event, key, names) { return }
    settledEarly[key] = nil
    if !removing.isEmpty, !event.function.isPartOfUnbind { endRemovals(key) }
    enterUnnamed(event, line, at, key)
    settle(key)
    lastReturned[key] = nil
    let parent = event.parent ?? graphParent(event, key)
    switch event.function {
    case .use, .unuse, .claim, .release, .deviceClaim, .deviceRelease, .query:
      openCall(event, line, at, key, parent, names)
    case .reallyProbe:
      openWindow(event, line, at, key)
    default:
      if isRepeatedMark(event, key) {
        if isUntold(event, key) { mark(event, line, at, key, parent) }
        break
      }
      let allowed = ledger.unwatched
      let window = mark(event, line, at, key, parent)
      if ledger.unwatched != allowed { lastMark[key]?.allowed = (ledger.unwatched - allowed, window) }
      if event.depth >= 0 {
        giveUp(
          lanes.push(
            OpenCall(function: event.function, observers: 1 << event.observer.rawValue, depth: event.depth),
            on: key))
      }
      return
    }
    lastMark[key] = nil
  }

  /// The frame right above in function_graph.
  private func graphParent(_ event: TraceEvent, _ key: Int) -> KernelFunction? {
    guard event.depth > 0, let top = lanes[key].last, top.depth == event.depth - 1 else { return nil }
    return top.function
  }

  /// A second observer of the call on top of the stack adds what it knows.
  private mutating func merge(_ event: TraceEvent, _ key: Int, _ names: borrowing NameTable) -> Bool {
    var stack = lanes[key]
    guard var top = stack.last, top.function == event.function, !top.hasReturned,
      !top.wasSeen(by: event.observer) || top.isSeenTwice(by: event)
    else { return false }
    top.observers |= 1 << event.observer.rawValue
    top.depth = max(top.depth, event.depth)
    var fields = event.fields
    if let index = top.window {
      if let seen = windows[index]?.device, let device = fields.device {
        fields.device = aliases.join(seen, device, names)
        if let name = fields.device { renameWindow(index, name) }
      }
      fillWindow(index, from: fields)
      nameWindow(index)
    }
    if var call = top.call {
      if let seen = call.device, let device = fields.device {
        fields.device = aliases.join(seen, device, names)
        call.device = fields.device
        if let name = fields.device, let index = call.window, windows[index]?.device == seen {
          renameWindow(index, name)
        }
      }
      let wasNameless = call.namesNothing
      fill(&call, from: fields, names)
      if wasNameless, !call.namesNothing { call.place = nil }
      call.parent = call.parent ?? event.parent
      top.call = call
      arrive(&top, key)
    }
    stack[stack.count - 1] = top
    lanes[key] = stack
    return true
  }

  private mutating func isRepeatedMark(_ event: TraceEvent, _ key: Int) -> Bool {
    let bit: UInt8 = 1 << event.observer.rawValue
    if let last = lastMark[key], last.function == event.function, last.observers & bit == 0 {
      lastMark[key]?.observers |= bit
      return true
    }
    if lastMark.count > TaskLanes.mostRemembered { lastMark.removeAll(keepingCapacity: true) }
    lastMark[key] = LastMark(function: event.function, observers: bit)
    return false
  }

  mutating func witness(_ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference) -> Witness {
    Witness(at: at, time: event.time, text: arena.store(line))
  }

  /// The task of an event: its own column, or the lane that function_graph's blocks of dashes tell.
  func pid(of event: TraceEvent, _ key: Int) -> Int32 {
    event.pid >= 0 ? event.pid : TaskLanes.isAnonymous(key) ? -1 : Int32(key)
  }

  // MARK: - Ownership calls

  private mutating func openCall(
    _ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference, _ key: Int, _ parent: KernelFunction?,
    _ names: borrowing NameTable
  ) {
    let isUnnamed = event.fields.isUnnamed
    guard let kind = event.function.ownershipCall else { return }
    var call = OwnershipCall(kind: kind, entry: witness(event, line, at))
    call.pid = pid(of: event, key)
    call.isUnnamed = isUnnamed
    call.comm = event.comm
    call.cpu = event.cpu
    if let tie { call.entryTie = tie.number }
    call.parent = parent
    call.isEntryUnseen = event.kind == .exit
    fill(&call, from: event.fields, names)
    call.window = window(for: call, key)
    if kind == .use, call.window == nil { noteCutProbe(event.function, event.fields, key) }
    if kind == .claim { attached[key] = nil }
    if kind == .unuse, !strayRemovals.isEmpty { strayRemovals[key] = nil }
    if event.kind != .exit {
      let watchedThem = watchesEntries
      entered.insert(event.function)
      if !watchedThem, watchesEntries, !heard.isOver { ledger.doubtUnseenEntries() }
    }
    if kind == .use && !evidence.sawUse || kind == .unuse && !evidence.sawUnuse { ledger.isWatched(kind) }
    if kind == .use { evidence.sawUse = true }
    if kind == .unuse { evidence.sawUnuse = true }
    if kind == .claim || kind == .deviceClaim { evidence.sawClaim = true }
    var open = OpenCall(
      function: event.function, observers: 1 << event.observer.rawValue, depth: event.depth, call: call)
    arrive(&open, key)
    giveUp(lanes.push(open, on: key))
  }

  private func fill(_ call: inout OwnershipCall, from fields: CallFields, _ names: borrowing NameTable) {
    call.device = call.device ?? fields.device
    call.driver = call.driver ?? fields.driver
    call.newOwner = call.newOwner ?? fields.newOwner
    guard locate(&call, from: fields, names) else { return }
    call.countBefore = call.countBefore ?? fields.count
    call.ownerBefore = call.ownerBefore ?? fields.owner
  }

  /// Learns the group from what an observer printed; false where it printed none that can be believed.
  private func locate(
    _ call: inout OwnershipCall, from fields: CallFields, _ names: borrowing NameTable
  ) -> Bool {
    guard !call.isGroupless else { return false }
    switch GroupTrust.judge(
      call.kind, fields, device: call.device, names, knownID: call.device.flatMap(ledger.groupID(ofDevice:)))
    {
    case .unknown: return false
    case .null:
      call.isGroupless = true
      return false
    case .doubted:
      call.isGroupless = true
      call.isDoubted = true
      return false
    case .group(let key):
      // One observer may print the pointer and the other the number.
      call.group = GroupKey(pointer: call.group?.pointer ?? key.pointer, id: call.group?.id ?? key.id)
      return true
    }
  }

  /// What a return observer adds: the code, and the state behind the call.
  func complete(_ call: inout OwnershipCall, from fields: CallFields, _ names: borrowing NameTable) {
    if let printed = fields.result { call.result = OwnershipCall.result(of: call.kind, printed: printed) }
    call.device = call.device ?? fields.device
    call.driver = call.driver ?? fields.driver
    guard locate(&call, from: fields, names) else { return }
    call.countAfter = fields.count
    call.ownerAfter = fields.owner
  }

  mutating func commit(_ call: OwnershipCall, _ key: Int) {
    var call = call
    if call.device == nil, let index = call.window, call.kind == .use || call.kind == .unuse,
      // The window may have ended among the events that were lost, and another have begun.
      !call.isEntryUnseen || windows[index]?.lossEpoch == lossEpoch
    {
      call.device = windows[index]?.device
      call.driver = call.driver ?? windows[index]?.driver
    }
    // -ENODEV: the device has no group, whatever was printed through the NULL pointer.
    if call.kind == .deviceClaim, call.result == -19, call.group?.pointer == nil { call.isGroupless = true }
    if call.isGroupless {
      noteInWindow(call, hasEffect: false)
      if call.isDoubted { ledger.countDoubted() } else { ledger.countGroupless() }
      if let device = call.device, !call.isDoubted, call.kind == .use || call.kind == .unuse {
        let isKept = call.kind == .use && call.result ?? 0 == 0 && !call.isUnnamed
        if isKept, grouplessUses.count >= TaskLanes.mostRemembered, grouplessUses[device] == nil {
          forgotten.note(.uses, call.entry.at)
          giveUpEverything(since: call.entry.at)
          grouplessUses = [:]
        }
        grouplessUses[device] = isKept ? call : nil
      }
      return
    }
    noteStrayUse(call, key)
    guard let group = ledger.group(of: call) else {
      noteInWindow(call, hasEffect: true)
      // Of a group that is known and not followed: no other group has it.
      if ledger.isFull, let key = call.group {
        ledger.countBeyond(call, of: key)
        forgotten.note(.groups, call.entry.at)
        return
      }
      if call.kind == .use { evidence.hasUnplacedUse = true }
      if call.kind == .claim || call.kind == .deviceClaim { evidence.hasUnplacedClaim = true }
      ledger.countUnattributed(call, since: call.isEntryUnseen ? lastLineOfLane?[key] : call.entry.at)
      if call.isEntryUnseen { followLanes() }
      return
    }
    if call.kind == .claim {
      if call.result == 0, let devices = attached[key], !devices.isEmpty, devices.count <= Self.mostAttached,
        !devices.contains(NameTable.overflow)
      {
        ledger.setMembers(devices, of: group)
      }
      attached[key] = nil
    }
    defer {
      noteInWindow(call, hasEffect: true)
      if let device = call.device, call.kind == .use || call.kind == .unuse { grouplessUses[device] = nil }
      // The second pass of a probe takes another one.
      if let device = call.device, call.kind == .unuse, call.window != nil, !evidence.sawUse {
        tell(device, mayTake: true) { $0.mayTake(device, 1) }
      }
    }
    if isContested(group) {
      // Others may have come in between.
      call.countAfter = nil
      call.ownerAfter = nil
      if tie?.isDisordered == true { call.meetsUnfinished = true }
    }
    if isOverlapped(at: group, except: key) || isContested(group) {
      wait(OverlappingCall(call: call, context: context(of: call), closed: moment(of: call)), at: group)
      return
    }
    let isAlone =
      call.arrivedAlone && call.place ?? group == group
      && (call.arrivalSerial ?? ledger.serial(of: group)) == ledger.serial(of: group)
    // A call that nothing names, or that nobody watches, may have come before or behind it.
    let isJoined = call.place != nil && call.arrivalElsewhere < ledger.callsElsewhere
    let unwatched = call.place == nil ? 0 : ledger.unwatchedCalls(at: group) - call.arrivalUnwatched
    // What an unuse takes another one that is open there may have put back.
    if isJoined || call.leavesCount && lanes.mayJoin(except: key) { call.wasJoined = true }
    supplyHiddenUnuse(call, to: group, isAlone: isAlone)
    ledger.apply(call, to: group, isAlone: isAlone, context: context(of: call))
    if isJoined { ledger.forgetCount(of: group) }
    if unwatched > 0 { ledger.allowUnwatched(unwatched, at: group) }
    if call.meetsUnfinished { ledger.doubtState(of: group) }
    expectUnbinds(at: group, behind: call)
  }

  /// Where neither probes nor unbinds nor counts are watched, any driver may be gone by the next call.
  func mayBeUnbound(behind call: OwnershipCall) -> Bool {
    !evidence.sawUnuse && evidence.windows == 0 && !evidence.sawUnbind && call.countBefore == nil
      && call.countAfter == nil
  }

  mutating func expectUnbinds(at group: Int, behind call: OwnershipCall) {
    guard mayBeUnbound(behind: call) else { return }
    ledger.mayGiveBackAll(at: group)
  }

  func context(of call: OwnershipCall) -> CallContext {
    var context = CallContext()
    context.unuseIsTraceable = evidence.unuseIsTraceable
    context.useIsTraceable = evidence.sawUse && !evidence.hasUnplacedUse
    context.claimIsTraceable = evidence.sawClaim && !evidence.hasUnplacedClaim
    if call.kind == .unuse, let device = call.device { context.grouplessUse = grouplessUses[device] }
    context.deviceWasProbed = call.device.map(probedDevices.contains) ?? true
    if let index = call.window, let window = windows[index] {
      context.windowEntry = window.entry
      context.remove = window.remove
      context.spansLoss = window.lossEpoch != lossEpoch
    }
    return context
  }

  /// Where no probe watches the unuse, the counts of two uses in one window still show whether it ran.
  private mutating func supplyHiddenUnuse(_ call: OwnershipCall, to group: Int, isAlone: Bool) {
    // Of a group that was idle nobody else can have given back what the first use took.
    guard call.kind == .use, isAlone, !evidence.sawUnuse, let index = call.window,
      let first = windows[index]?.openUse, first.countBefore == 0, first.arrivedAlone, !first.wasJoined,
      call.countBefore == 0, first.result == 0, windows[index]?.lossEpoch == lossEpoch
    else { return }
    if let device = call.device, ledger.isIdle(group) {
      // Somebody else has read so, and the step that allowed for it stands where it ran.
      ledger.gaveBack(device, at: group)
    } else {
      var hidden = OwnershipCall(kind: .unuse, entry: call.entry)
      hidden.device = call.device
      hidden.group = call.group
      hidden.window = index
      ledger.apply(hidden, to: group, isAlone: false, context: context(of: call))
    }
    windows[index]?.openUse = nil
    windows[index]?.hasUnuse = true
    ledger.showsHiddenUnuse = true
  }
}
