/// Returns that came while several calls were open that they may be of.
struct UnnamedPool: Sendable {
  /// How many of the calls have returned.
  var count = 0
  /// What all these returns printed, as long as they agree.
  var code: Int64?
  var isMixed = false

  mutating func add(_ code: Int64?) {
    if count == 0 { self.code = code } else if self.code != code { isMixed = true }
    count += 1
  }

  /// What each of the calls returned; `nil` where that differs.
  var common: Int64? { isMixed ? nil : code }
}

/// Which call a return belongs to where no line names a task.
extension CallAssembler {
  mutating func leaveUnnamed(
    _ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference, _ key: Int, _ names: borrowing NameTable
  ) {
    let function = event.function
    let keys = lanes.unnamedKeys(of: function).filter { other in
      guard let frame = lanes[other].last, let call = frame.call else { return false }
      if let device = call.device, let named = event.fields.device, device != named { return false }
      return frame.isSameGroup(call.group, event.fields)
    }
    let isNamed = event.fields.device != nil
    if !keys.isEmpty, !isNamed, unnamed.open[function] ?? 0 > 0 {
      lose(.tangled, event, line, at)
      return
    }
    guard let first = keys.first else {
      leaveStranger(event, line, at, key, names)
      return
    }
    unnamed.lastReturn = (function, event.fields.result)
    if keys.count == 1, isNamed || unnamed.pools[function] == nil {
      if !isNamed { notePairing(event, lanes[first].last?.call?.entry.at ?? at) }
      leaveCall(event, line, at, first, names)
      return
    }
    var pool = unnamed.pools[function] ?? UnnamedPool()
    let wasMixed = pool.isMixed
    pool.add(event.fields.result)
    if pool.isMixed, !wasMixed {
      note(Loss(kind: .tangled, witness: witness(event, line, at), cpu: -1, count: 0))
    }
    for key in keys { notePairing(event, lanes[key].last?.call?.entry.at ?? at) }
    unnamed.pools[function] = pool
    closePool(of: function, keys)
  }

  /// All calls of a pool have returned, if as many returns have come.
  private mutating func closePool(of function: KernelFunction, _ keys: [Int]) {
    guard let pool = unnamed.pools[function], pool.count >= keys.count else { return }
    unnamed.pools[function] = nil
    for key in keys {
      guard let top = lanes[key].last, var call = top.call else { continue }
      lanes[key].removeLast()
      if let code = pool.common { call.result = OwnershipCall.result(of: call.kind, printed: code) }
      commit(call, key)
    }
  }

  /// A call has returned, because what holds its lock went on: one of the returns was its.
  mutating func leavePool(_ call: inout OwnershipCall, of function: KernelFunction) {
    guard var pool = unnamed.pools[function] else { return }
    if let code = pool.common { call.result = OwnershipCall.result(of: call.kind, printed: code) }
    pool.count -= 1
    unnamed.pools[function] = pool.count > 0 ? pool : nil
    closePool(of: function, lanes.unnamedKeys(of: function))
  }

  private mutating func notePairing(_ event: TraceEvent, _ entry: LineReference) {
    guard let known = unnamed.paired[event.function] else {
      unnamed.paired[event.function] = (entry, event.fields.result, false)
      return
    }
    if known.code != event.fields.result { unnamed.paired[event.function]?.isMixed = true }
  }

  /// A return of a call that nobody saw entered, or of one in the lane of those that name nothing.
  private mutating func leaveStranger(
    _ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference, _ key: Int, _ names: borrowing NameTable
  ) {
    let function = event.function
    if TaskLanes.isNobody(key), unnamed.open[function] ?? 0 == 0 {
      // A second probe watches the same return.
      if let last = unnamed.lastReturn, last.function == function, last.code == event.fields.result,
        !unnamed.returningOnce.contains(function)
      {
        unnamed.lastReturn = nil
        return
      }
      if let settled = settledEarly.keys.sorted().first(where: {
        TaskLanes.isUnnamed($0) && settledEarly[$0] == function
      }) {
        settledEarly[settled] = nil
        return
      }
      if doubtPairings(event, line, at) { return }
    }
    if let event = returnOfNobody(event, line, at, key) { leaveCall(event, line, at, key, names) }
  }

  /// A call that was open before the first line has returned. Those that were open at the same time may have got its
  /// return, and it one of theirs.
  private mutating func doubtPairings(_ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference) -> Bool {
    guard let paired = unnamed.paired[event.function] else { return false }
    let isSame = !paired.isMixed && paired.code == event.fields.result
    if isSame, event.function != .reallyProbe { return false }
    lose(.tangled, witness: witness(event, line, at), since: paired.since)
    if let kind = event.function.ownershipCall { ledger.forgetResults(of: kind, since: paired.since) }
    return true
  }

  /// What a return of nobody's shows; `nil` where the call it is of was taken to be over.
  mutating func returnOfNobody(_ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference, _ key: Int)
    -> TraceEvent?
  {
    guard TaskLanes.isNobody(key), event.function.isOwnershipCall else { return event }
    let isOpen = unnamed.open[event.function] ?? 0 > 0
    if isOpen { unnamed.open[event.function, default: 0] -= 1 }
    if isOpen, lanes[key].last?.isEnded(by: event) != true {
      lose(.tangled, event, line, at)
      return nil
    }
    guard unnamed.doubtful > 0 else { return event }
    unnamed.doubtful -= 1
    var event = event
    event.fields = CallFields()
    return event
  }

  // MARK: - Windows

  /// The return of a probe. It is that of the only window it can be of: `driver_bound()` runs in all that succeed and in
  /// no other.
  mutating func leaveUnnamedWindow(
    _ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference, _ key: Int
  ) {
    if let device = event.fields.device, windowOfDevice[device] != nil {
      leaveWindow(event, line, at, key)
      return
    }
    let open = lanes.unnamedKeysOfWindows.flatMap { key in
      lanes[key].compactMap { frame in frame.window.map { (key: key, index: $0) } }
    }
    let isSuccess = event.fields.result.map { $0 == 0 }
    let fitting = ending(open, isSuccess)
    let cut = endingCutProbes(isSuccess)
    unnamed.doubtedWindows.leave(
      { windows[$0] == nil }, hasCutEnded: { unnamed.cutProbes[$0] == nil })
    guard let first = fitting.first else {
      if let device = cut.first, cut.count == 1 { unnamed.cutProbes[device] = nil }
      // Of a probe from before that had shown itself before anything was paired it was nobody else's.
      let isKnown = !cut.isEmpty && unnamed.paired[event.function] == nil
      if !isKnown { _ = doubtPairings(event, line, at) }
      if event.fields.result ?? 0 != 0, !strayRemovals.isEmpty {
        strayRemovals = [:]
        evidence.cutPasses += 1
      }
      return
    }
    notePairing(event, at)
    if fitting.count == 1, cut.isEmpty, !unnamed.doubtedWindows.windows.contains(first.index) {
      leaveWindow(event, line, at, first.key)
      return
    }
    unnamed.doubtedWindows.windows.formUnion(fitting.map(\.index))
    unnamed.doubtedWindows.cutProbes.formUnion(cut)
    unnamed.doubtedWindows.returns.add(event.fields.result)
    if isSuccess ?? true, !evidence.sawBound { unnamed.doubtedWindows.mayBeBound = true }
    // Whether what follows is of the window or behind it is not known.
    if unnamed.doubtedWindows.mayBeBound {
      for index in unnamed.doubtedWindows.windows where windows[index]?.isBound == false {
        windows[index]?.lossEpoch = -1
      }
    }
    guard unnamed.doubtedWindows.returns.count >= unnamed.doubtedWindows.count else { return }
    let doubted = unnamed.doubtedWindows
    unnamed.doubtedWindows = DoubtedWindows()
    for device in doubted.cutProbes { unnamed.cutProbes[device] = nil }
    for index in doubted.windows.sorted() {
      for frame in open where frame.index == index { lanes[frame.key].removeAll { $0.window == index } }
      leaveDoubted(index, doubted)
    }
  }

  /// The open windows that a return may be of.
  private func ending(_ open: [(key: Int, index: Int)], _ isSuccess: Bool?) -> [(key: Int, index: Int)] {
    guard let isSuccess else { return open }
    let fitting = open.filter { frame in
      guard let window = windows[frame.index] else { return true }
      return isSuccess ? window.isBound || !evidence.sawBound : !window.isBound
    }
    // device_unbind_cleanup() runs last in all that fail, but for those that fail before anything else.
    guard !isSuccess, evidence.sawUnbindCleanup else { return fitting }
    let over = fitting.filter { frame in
      guard let window = windows[frame.index], window.lossEpoch == lossEpoch else { return true }
      return window.mayHaveFailed || !window.hasBegun
    }
    return over.isEmpty ? fitting : over
  }

  /// Devices with a probe from before the first line that a return may be of.
  private func endingCutProbes(_ isSuccess: Bool?) -> [NameID] {
    let fitting = unnamed.cutProbes.filter { _, last in
      switch isSuccess {
      case nil: true
      case true?: last == .driverBound || !evidence.sawBound
      case false?: evidence.sawUnbindCleanup ? last == .unbindCleanup : last != .driverBound
      }
    }
    return fitting.keys.sorted { $0.index < $1.index }
  }

  /// All windows that a return may be of have ended.
  private mutating func leaveDoubted(_ index: Int, _ doubted: DoubtedWindows) {
    guard let window = windows[index] else { return }
    if !window.isBound, !doubted.mayBeBound {
      windows[index]?.hasFailed = true
      windows[index]?.result = doubted.returns.common.map { Int(Int32(truncatingIfNeeded: $0)) }
    }
    endWindow(index, at: nil)
    if !window.isBound, doubted.mayBeBound, let device = window.device {
      tell(device, mayMove: true) { $0.orphan(device) }
    }
  }

  /// Nothing of ours follows on `driver_bound()` in its window: whatever else happens to the device comes behind it.
  mutating func endBoundWindow(_ key: Int) {
    guard let place = lanes[key].firstIndex(where: { $0.window.flatMap { windows[$0]?.isBound } ?? false }),
      let index = lanes[key][place].window
    else { return }
    settle(key)
    lanes[key].removeSubrange(place...)
    endWindow(index, at: nil)
  }
}

/// Windows of which some have ended, and nobody knows which.
struct DoubtedWindows: Sendable {
  var windows: Set<Int> = []
  /// The same of probes that began before the first line, by device.
  var cutProbes: Set<NameID> = []
  /// The returns that came.
  var returns = UnnamedPool()
  /// A driver may have been bound in one of those in which `driver_bound()` was not seen.
  var mayBeBound = false

  var count: Int { windows.count + cutProbes.count }

  /// Those that have ended since, as the device shows.
  mutating func leave(_ hasEnded: (Int) -> Bool, hasCutEnded: (NameID) -> Bool) {
    let before = count
    windows.subtract(windows.filter(hasEnded))
    cutProbes.subtract(cutProbes.filter(hasCutEnded))
    returns.count = max(0, returns.count - (before - count))
    if windows.isEmpty { self = DoubtedWindows() }
  }
}
