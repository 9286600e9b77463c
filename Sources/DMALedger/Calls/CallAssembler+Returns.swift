/// How a call ends: by its return, by a brace, or because its task went on.
extension CallAssembler {
  mutating func leave(
    _ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference, _ names: borrowing NameTable
  ) {
    let key = lane(of: event)
    if event.kind == .exit, event.depth >= 0 {
      if event.observer == .graph { seeBrace() }
      lanes.adoptFrame(of: event.function, depth: event.depth, into: key)
      dropFrames(key, from: event.depth + 1)
    }
    returning.insert(event.function)
    if event.observer == .probe { returningByProbe.insert(event.function) }
    if event.function.isOwnershipCall {
      if event.depth < 0, TaskLanes.isUnnamed(key) || TaskLanes.isNobody(key) {
        leaveUnnamed(event, line, at, key, names)
      } else if let event = returnOfNobody(event, line, at, key) {
        leaveCall(event, line, at, key, names)
      }
    } else if event.function == .reallyProbe {
      if event.depth < 0, TaskLanes.isUnnamed(key) || TaskLanes.isNobody(key) {
        leaveUnnamedWindow(event, line, at, key)
      } else {
        leaveWindow(event, line, at, key)
      }
    } else {
      settle(key)
      var stack = lanes[key]
      if event.depth >= 0, let place = stack.lastIndex(where: { $0.isEnded(by: event) }) {
        stack.removeSubrange(place...)
        lanes[key] = stack
      }
    }
  }

  /// Whether entries are watched as returns are; that of a use alone tells the driver, which no return does.
  var watchesEntries: Bool { entered.contains { $0 != .use } }

  mutating func leaveCall(
    _ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference, _ key: Int, _ names: borrowing NameTable
  ) {
    guard var top = lanes[key].last, top.isEnded(by: event), var call = top.call else {
      if lastReturned[key] == event.function {
        if event.observer == .probe { return }
        // A return probe comes before the brace of the same call, where both hang on its return address.
        if event.observer == .graph, event.kind == .exit {
          lastReturned[key] = nil
          return
        }
      }
      if settledEarly.removeValue(forKey: key) == event.function { return }
      // Entered before the capture began, or the entry is not watched: the code still counts.
      settle(key)
      enter(event, line, at, names)
      guard let opened = lanes[key].last, var call = opened.call, opened.function == event.function else {
        return
      }
      lanes.pop(key)
      // The fields were read behind the call, not before it.
      call.countBefore = nil
      call.ownerBefore = nil
      call.isEntryUnseen = true
      call.isEntryMissed = entered.contains(event.function)
      complete(&call, from: event.fields, names)
      dropSharedState(&call, key)
      if watchesEntries, !TaskLanes.isAnonymous(key), heard.mayReturn(in: key, at: event.time) {
        call.isEntryMissed = true
        call.isFromBefore = true
      }
      commit(call, key)
      return
    }
    let hadCode = call.result != nil
    complete(&call, from: event.fields, names)
    dropSharedState(&call, key)
    if event.kind != .leaf { call.exit = witness(event, line, at) }
    if lastReturned.count > TaskLanes.mostRemembered { lastReturned.removeAll(keepingCapacity: true) }
    if event.observer == .probe { lastReturned[key] = event.function }
    let mayBringCode = event.observer == .graph && !hadCode && call.result == nil && !top.hasReturned
    if mayBringCode, call.kind.hasResult, top.wasSeen(by: .probe) || returningByProbe.contains(event.function)
    {
      top.hasReturned = true
      top.call = call
      var stack = lanes[key]
      stack[stack.count - 1] = top
      lanes[key] = stack
      return
    }
    lanes.pop(key)
    commit(call, key)
  }

  /// What is read behind a call is its own doing only where nobody else is at the group.
  private func dropSharedState(_ call: inout OwnershipCall, _ key: Int) {
    guard let place = call.place,
      isContested(place) || lanes.keysOfCalls(at: place).contains(where: { $0 != key })
    else { return }
    call.countAfter = nil
    call.ownerAfter = nil
  }

  /// A brace without a name: whatever is open at its depth ends there.
  mutating func close(_ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference) {
    let key = lanes.key(of: event)
    dropFrames(key, from: event.depth + 1)
    guard let top = lanes[key].last, top.depth == event.depth else { return }
    var exit = event
    exit.kind = .exit
    exit.function = top.function
    leave(exit, line, at, NameTable())
  }

  /// Frames at `depth` and below cannot be open any more: their task went on, here or on another CPU.
  mutating func dropFrames(_ key: Int, from depth: Int32) {
    while let top = lanes[key].last, top.depth >= depth {
      if top.call != nil {
        settle(key)
        continue
      }
      lanes.pop(key)
      if let index = top.window { endWindow(index, at: nil) }
    }
  }
}
