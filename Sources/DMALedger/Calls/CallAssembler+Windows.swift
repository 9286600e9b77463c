/// The `really_probe()` windows: when they open and end, which call belongs to which, and what their passes say.
extension CallAssembler {
  mutating func openWindow(
    _ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference, _ key: Int
  ) {
    if !returning.contains(.reallyProbe) { endFinishedWindows(key) }
    if TaskLanes.isUnnamed(key) { lanes[key] = [] }
    evidence.windows += 1
    strayRemovals[key] = nil
    strayRefusals[key] = nil
    let index = nextWindow
    nextWindow += 1
    var window = ProbeWindow(entry: witness(event, line, at), lossEpoch: lossEpoch)
    window.pid = pid(of: event, key)
    if doubtNeighbours(key) { window.lossEpoch = -1 }
    window.isNobodys = TaskLanes.isNobody(key) && event.depth < 0
    windows[index] = window
    fillWindow(index, from: event.fields)
    let allowed = ledger.unwatched
    // Each of two passes takes one.
    mayTake(index, 2)
    windows[index]?.allowed = ledger.unwatched - allowed
    giveUp(
      lanes.push(
        OpenCall(
          function: .reallyProbe, observers: 1 << event.observer.rawValue, depth: event.depth, window: index),
        on: key))
    if windows.count > 4 * TaskLanes.limit { forgetOldestWindow(at) }
  }

  /// Where CPUs stand for tasks, two that probe or unbind at the same time may change places unseen: the windows of
  /// others prove nothing from here on. True where there are any such.
  private mutating func doubtNeighbours(_ key: Int) -> Bool {
    guard TaskLanes.isAnonymous(key), !TaskLanes.isUnnamed(key) else { return false }
    var neighbours = lanes.anonymousNeighbours(of: key)
    if TaskLanes.isNobody(key) { neighbours.windows += lanes[key].compactMap(\.window) }
    for index in neighbours.windows { windows[index]?.lossEpoch = -1 }
    return neighbours.hasAny || !neighbours.windows.isEmpty
  }

  private mutating func forgetOldestWindow(_ at: LineReference) {
    while windows[oldestWindow] == nil, oldestWindow < nextWindow { oldestWindow += 1 }
    forgotten.note(.windows, at)
    giveUp(window: oldestWindow)
  }

  mutating func fillWindow(_ index: Int, from fields: CallFields) {
    guard var window = windows[index] else { return }
    let isDriverNew = window.driver == nil && fields.driver != nil
    window.driver = window.driver ?? fields.driver
    if let device = window.device ?? fields.device, isDriverNew || window.device == nil {
      if let driver = window.driver, isManaged[driver] == true {
        managedDevices.insert(device)
      } else {
        managedDevices.remove(device)
      }
    }
    if window.device == nil, let device = fields.device {
      window.device = device
      unnamed.cutProbes[device] = nil
      if let stale = windowOfDevice[device], stale != index { endWindow(stale, at: nil) }
      windowOfDevice[device] = index
      // The device is locked: whatever was still open on it, wherever, has returned.
      for key in lanes.keysOfCalls(for: device) {
        guard let call = lanes[key].last(where: { $0.call?.device == device })?.call else { continue }
        // Claims of user space do not ask for that lock.
        if call.kind == .use || call.kind == .unuse { settle(key) }
      }
      probedDevices.insert(device)
      let driver = window.driver
      tell(device, mayMove: true) { ledger in
        ledger.orphan(device)
        ledger.setBound(device, false, driver: driver)
      }
    }
    windows[index] = window
  }

  /// The device of a window turns out to have a name.
  mutating func renameWindow(_ index: Int, _ name: NameID) {
    guard let old = windows[index]?.device, old != name else { return }
    windows[index]?.device = name
    probedDevices.insert(name)
    if windowOfDevice[old] == index { windowOfDevice[old] = nil }
    windowOfDevice[name] = index
  }

  /// The window a call belongs to: its device's, or the innermost of its task.
  mutating func window(for call: OwnershipCall, _ key: Int) -> Int? {
    guard call.kind == .use || call.kind == .unuse else { return nil }
    if let device = call.device, let index = openWindow(of: device, call.pid) { return index }
    if call.parent == .releaseDriver { return nil }
    guard
      let frame = lanes[key].last(where: { $0.function == .reallyProbe || $0.function == .releaseDriver })
        ?? soleWindowFrame(for: call, key),
      let index = frame.window, let window = windows[index]
    else { return nil }
    if window.isBound, !returning.contains(.reallyProbe) { return nil }
    if let device = call.device {
      if let known = window.device, known != device {
        if call.kind == .use, !TaskLanes.isAnonymous(key) { endUnseen(index, key) }
        return nil
      }
      if window.device == nil {
        windows[index]?.device = device
        windows[index]?.driver = window.driver ?? call.driver
        windowOfDevice[device] = index
      }
    }
    return index
  }

  /// A function that is no ownership call: what it says about the window around it, which it gives.
  @discardableResult
  mutating func mark(
    _ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference, _ key: Int, _ parent: KernelFunction?
  ) -> Int? {
    if event.function == .dmaCleanup { evidence.sawCleanup = true }
    if event.function == .driverBound { evidence.sawBound = true }
    if event.function == .unbindCleanup { evidence.sawUnbindCleanup = true }
    if event.function == .releaseDriver {
      noteCutProbe(event.function, event.fields, key)
      strayRemovals[key] = nil
      endUnseen(event, key)
      noteRemoval(event, key)
      if event.depth >= 0 { _ = doubtNeighbours(key) }
      if event.depth < 0, !returning.contains(.reallyProbe) { endFinishedWindows(key) }
      return nil
    }
    guard let index = windowOfMark(event, key, parent) else {
      noteRemoval(event, key)
      noteBinding(event)
      guard let device = event.fields.device else { return nil }
      noteStray(event, device, key)
      noteCutProbe(event.function, event.fields, key)
      if event.function == .deviceRemove {
        tell(device, mayMove: true) { $0.setBound(device, false, driver: nil) }
      }
      if event.function == .unbindCleanup {
        let context = leakContext()
        tell(device, mayMove: true) { $0.leaveBehind(device, context: context) }
      }
      return nil
    }
    switch event.function {
    case .deviceRemove, .busRemove:
      let seen = witness(event, line, at)
      windows[index]?.noteRemove(seen)
      mayTake(index, 1)
      mayGiveBack(index, isSure: false, key)
    case .dmaCleanup:
      let seen = witness(event, line, at)
      if windows[index]?.cleanup == nil { windows[index]?.cleanup = seen }
      mayGiveBack(index, isSure: true, key)
    case .dmaConfigure:
      mayTake(index, 1)
      windows[index]?.noteConfigure()
    case .sysfsAdd:
      windows[index]?.noteSysfsAdd()
    case .unbindCleanup:
      windows[index]?.mayHaveFailed = true
    case .driverBound:
      let bound = witness(event, line, at)
      fillWindow(index, from: event.fields)
      windows[index]?.noteBound(bound)
      // Nothing of ours comes behind it; where the return is not watched this is the end of the window.
      if windows[index]?.device != nil, !returning.contains(.reallyProbe) { endWindow(index, at: bound) }
    default: break
    }
    return index
  }

  /// A second observer of a function names the device of which the first one knew nothing: what any device may have done
  /// only this one may. True where the first one could not tell what the function says of it.
  mutating func isUntold(_ event: TraceEvent, _ key: Int) -> Bool {
    guard event.fields.device != nil, let (calls, window) = lastMark[key]?.allowed else { return false }
    lastMark[key]?.allowed = nil
    guard ledger.disallow(calls) else { return false }
    if let window { mayTake(window, calls.uses) }
    return window == nil
  }

  /// A task that unbinds a device has ended its probe of it before, and nobody saw that.
  private mutating func endUnseen(_ event: TraceEvent, _ key: Int) {
    guard let device = event.fields.device, let index = windowOfDevice[device],
      lanes[key].contains(where: { $0.window == index })
    else { return }
    endUnseen(index, key)
  }

  /// The same of a task that uses another device's group, whose probe nobody saw begin: what returns next is that one's.
  private mutating func endUnseen(_ index: Int, _ key: Int) {
    if returning.contains(.reallyProbe) { windows[index]?.lossEpoch = -1 }
    leaveWindow(index)
    lanes[key].removeAll { $0.window == index }
  }

  /// The same of the device of a window, and of its driver.
  mutating func nameWindow(_ index: Int) {
    guard !evidence.sawUse, let window = windows[index], let device = window.device else { return }
    windows[index]?.allowed = UnwatchedCalls()
    if window.allowed.uses > 0 {
      if ledger.disallow(window.allowed) { mayTake(index, window.allowed.uses) }
    } else if isManagedWindow(index), window.entry.at.source == now.source,
      window.entry.at.line + 1 == now.line
    {
      // Nothing came in between.
      tell(device) { $0.mayNotTake(device) }
    }
  }

  /// A driver is being unbound: where no unuse is watched it may give back unseen. Calls of others may come
  /// between the functions that an unbind runs through, so each of them may be the last before it.
  private mutating func noteRemoval(_ event: TraceEvent, _ key: Int) {
    guard !evidence.sawUnuse, event.function.isPartOfUnbind else { return }
    evidence.sawUnbind = true
    guard let device = event.fields.device else {
      // What has no name and runs inside a probe is that one's own.
      if lanes[key].contains(where: { $0.window != nil }) { return }
      return ledger.mayGiveBack(nil, .over)
    }
    if managedDevices.contains(device) { return }
    mayGiveBack(device, event.function == .unbindCleanup ? .over : .goingOn, isSure: true, key)
  }

  /// The driver of a window gives back what it took, or is about to: surely, where it is one that does.
  private mutating func mayGiveBack(_ index: Int, isSure: Bool, _ key: Int) {
    guard !evidence.sawUnuse, let window = windows[index], let device = window.device else { return }
    if let use = window.openUse {
      if use.isGroupless { return }
    } else if evidence.sawUse || !isSure || isManaged(window) {
      // What nobody saw it take it gives back in its hook.
      return
    }
    mayGiveBack(device, .goingOn, isSure: isSure, key)
  }

  private mutating func mayGiveBack(_ device: NameID, _ progress: GivingBack, isSure: Bool, _ key: Int) {
    if progress != .over, removing.count < TaskLanes.mostRemembered, removing[key]?.contains(device) != true {
      removing[key, default: []].append(device)
    }
    tell(device, mayMove: isSure, givesBack: !isSure) { $0.mayGiveBack(device, progress) }
  }

  /// A task goes on behind the removals that it was in.
  mutating func endRemovals(_ key: Int) {
    for device in removing.removeValue(forKey: key) ?? [] {
      tell(device, givesBack: true) { $0.mayGiveBack(device, .over) }
    }
  }

  /// A driver is being bound in a probe that nobody watches: where no use is watched either it may have taken a reference
  /// before and take another one behind.
  private mutating func noteBinding(_ event: TraceEvent) {
    guard !evidence.sawUse, event.function.isPartOfBind else { return }
    let device = event.fields.device
    if let device, event.fields.driver.flatMap({ isManaged[$0] }) ?? managedDevices.contains(device) {
      return
    }
    guard let device else { return ledger.mayTake(nil, 2) }
    tell(device, mayTake: true) { $0.mayTake(device, 2) }
  }

  /// Where no use is watched the driver of a window may take references unseen, at most so many from here on.
  private mutating func mayTake(_ index: Int, _ most: Int) {
    guard !evidence.sawUse, !isManagedWindow(index) else { return }
    guard let device = windows[index]?.device else { return ledger.mayTake(nil, most) }
    tell(device, mayTake: true) { $0.mayTake(device, most) }
  }

  private func isManagedWindow(_ index: Int) -> Bool { windows[index].map(isManaged) ?? false }

  private func isManaged(_ window: ProbeWindow) -> Bool { window.driver.flatMap { isManaged[$0] } ?? false }

  private mutating func windowOfMark(_ event: TraceEvent, _ key: Int, _ parent: KernelFunction?) -> Int? {
    if let device = event.fields.device {
      if let index = openWindow(of: device, pid(of: event, key)) { return index }
      guard let frame = lanes[key].last(where: { $0.window != nil }), let index = frame.window,
        windows[index]?.device == nil
      else { return nil }
      return index
    }
    if let parent, parent != .reallyProbe { return nil }
    if event.observer == .function, parent == nil { return nil }
    guard
      let frame = lanes[key].last(where: { $0.function == .reallyProbe || $0.function == .releaseDriver })
        ?? soleWindowFrame(key)
    else { return nil }
    if event.depth >= 0, frame.depth != event.depth - 1 { return nil }
    return frame.window
  }

  /// What a committed call says about the window and the kernel.
  mutating func noteInWindow(_ call: OwnershipCall, hasEffect: Bool) {
    guard let index = call.window, var window = windows[index] else { return }
    defer { windows[index] = window }
    if call.kind == .unuse {
      window.openUse = nil
      window.hasUnuse = window.uses > 0
      return
    }
    guard call.kind == .use else { return }
    window.mayHaveFailed = false
    if let result = call.result, result != 0 {
      window.refusedUses += 1
      window.lastRefusal = call
      return
    }
    window.uses += 1
    window.lastRefusal = nil
    // Where the unuse is not watched, the bus's hook that calls it may be.
    if window.openUse != nil, window.cleanup != nil { window.openUse = nil }
    if window.uses > 1, !window.isReprobeCounted, window.lossEpoch == lossEpoch, window.isWhole {
      window.isReprobeCounted = true
      evidence.reprobes += 1
      if window.openUse != nil {
        evidence.noteUnfixed(window, at: now)
      } else {
        evidence.noteFixed(window, at: now)
      }
    }
    window.keptUses = (window.openUse.map { [$0] } ?? []) + [call]
    window.openUse = call
  }

  mutating func leaveWindow(
    _ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference, _ key: Int
  ) {
    settle(key)
    var stack = lanes[key]
    var index: Int?
    if let device = event.fields.device, let known = windowOfDevice[device] {
      index = known
      if let place = stack.lastIndex(where: { $0.window == known }) {
        stack.removeSubrange(place...)
      }
    } else if let place = stack.lastIndex(where: { $0.isEnded(by: event) }) {
      index = stack[place].window
      // With both observers the graph's brace comes first and the probe brings the code.
      let waits =
        event.observer == .graph && event.fields.result == nil && !stack[place].hasReturned
        && returningByProbe.contains(.reallyProbe)
      if waits {
        stack[place].hasReturned = true
        stack[place].depth = -1
        stack.removeSubrange((place + 1)...)
        lanes[key] = stack
        return
      }
      stack.removeSubrange(place...)
    }
    lanes[key] = stack
    guard let index, windows[index] != nil else {
      // Its beginning is not known; it failed, and so holds nothing by right of what it took.
      if let device = event.fields.device, event.fields.result ?? 0 != 0 {
        tell(device, mayMove: true) { $0.orphan(device) }
      }
      return leaveStray(event, key)
    }
    if let printed = event.fields.result { windows[index]?.result = Int(Int32(truncatingIfNeeded: printed)) }
    windows[index]?.isEndSeen = true
    endWindow(index, at: witness(event, line, at))
  }

  /// Windows whose bind is complete, or has failed, are over when their task starts something else.
  mutating func endFinishedWindows(_ key: Int) {
    while let top = lanes[key].last, let index = top.window, let window = windows[index] {
      guard window.isBound || window.mayHaveFailed && window.remove == nil else { return }
      lanes.pop(key)
      endWindow(index, at: nil)
    }
  }

  mutating func endWindow(_ index: Int, at end: Witness?) {
    guard var window = windows.removeValue(forKey: index) else { return }
    window.end = end
    if unnamed.isUsed, let device = window.device { lanes.forgetWindow(index, of: device) }
    if let device = window.device, windowOfDevice[device] == index { windowOfDevice[device] = nil }
    let isBound = window.isBound || window.result == 0
    let hasFailed = window.result.map { $0 != 0 } ?? window.hasFailed
    judgePasses(window, isBound: isBound)
    window.hasLoss = window.lossEpoch != lossEpoch
    if isBound { window.goOn() }
    remember(window)
    guard let device = window.device else { return }
    let ended = window
    // Bound although its second use was refused: what the first pass took nobody will give back.
    if isBound, window.lastRefusal != nil, window.openUse != nil, window.lossEpoch == lossEpoch {
      let context = leakContext()
      tell(device, of: ended, mayMove: true) { $0.abandon(device, window: ended, context: context) }
    }
    if isBound { tell(device) { $0.setBound(device, true, driver: ended.driver) } }
    if window.lossEpoch != lossEpoch {
      // What it took behind the loss and was not seen to give back may still be out; nobody holds it by right.
      var context = leakContext()
      context.spansLoss = true
      if hasFailed {
        tell(device, of: ended, mayMove: true) { $0.abandon(device, window: ended, context: context) }
      }
      if let use = window.ignored {
        tell(device, of: ended) { $0.swallow(use, bound: nil, isSure: false) }
      }
      return
    }
    if hasFailed, let use = window.openUse {
      if use.result == nil, window.uses == 1, window.remove == nil, window.result ?? 0 < 0 {
        // The probe failed before its driver was called, and so most likely because the use was refused.
        tell(device) { $0.undoTake(device) }
      } else {
        let context = leakContext()
        tell(device, of: ended, mayMove: true) { $0.abandon(device, window: ended, context: context) }
      }
    }
    if isBound, let refusal = window.lastRefusal {
      tell(device, of: ended) { $0.swallow(refusal, bound: ended.bound ?? end, isSure: true) }
    }
    // How it ended nobody watches.
    if !isBound, window.result == nil, window.openUse != nil {
      tell(device, mayMove: true) { $0.mayGiveBack(device, .over) }
      // Whoever cleans up last is not bound, and holds what it took only if it forgot to give that back.
      if !hasFailed, window.mayHaveFailed, window.remove == nil, window.uses == 1 {
        tell(device) { $0.undoTake(device) }
      }
    }
    if !evidence.sawUse, !isManaged(window) {
      tell(device, mayTake: true) { $0.mayTake(device, 2) }
    }
    // A second pass calls what the first one called. Where its use is missing the tracer lost it.
    if isBound, window.uses == 1, window.refusedUses == 0, let remove = window.remove,
      let use = window.openUse, use.entry.at < remove.at, !window.hasUnuse
    {
      tell(device) { $0.widen(device, by: 1) }
      note(
        Loss(kind: .missingUse, witness: window.entry, cpu: -1, count: 1, device: device))
    }
  }

  private func leakContext() -> CallContext {
    var context = CallContext()
    context.unuseIsTraceable = evidence.unuseIsTraceable
    context.useIsTraceable = evidence.sawUse && !evidence.hasUnplacedUse
    return context
  }

  private mutating func judgePasses(_ window: ProbeWindow, isBound: Bool) {
    // Removed, and failed before it was used again: such a kernel does not probe once.
    if !isBound, window.remove != nil, window.openUse != nil { evidence.silentPasses += 1 }
    guard isBound, !window.isReprobeCounted, window.lossEpoch == lossEpoch, window.isWhole else { return }
    if window.hasSecondPass {
      if window.uses == 0 {
        if window.cleanup != nil {
          evidence.noteFixed(at: now)
        } else if window.remove != nil || window.sysfsAdds > 1 {
          evidence.silentPasses += 1
        }
      }
    } else if window.uses == 1 || window.sysfsAdds == 1 {
      evidence.noteSinglePass(at: now)
    }
  }
}

/// A function of a window or of an unbind as the last one that a lane entered, and who saw it.
struct LastMark: Sendable {
  var function: KernelFunction
  var observers: UInt8
  /// Calls on any group that it was taken for a sign of, as its device is not known, and the window that it was in.
  var allowed: (calls: UnwatchedCalls, window: Int?)?
}
