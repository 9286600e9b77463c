/// Windows without a device, which a kernel log may name later, or messages of it in the stream.
extension CallAssembler {
  /// Windows kept; a capture of more is named in part.
  private static var limit: Int { 8192 }

  /// Keeps what a kernel log can be held against.
  mutating func remember(_ window: ProbeWindow) {
    if seen.count < Self.limit { seen.append(SeenWindow(window, boot: boot)) }
  }

  /// What the windows of a boot say.
  func evidence(ofBoot boot: Int) -> KernelEvidence {
    boot < pastEvidence.count ? pastEvidence[boot] : evidence
  }

  /// Counts that were read prove a leak in a boot.
  mutating func noteLeakShown(inBoot boot: Int) {
    if boot < pastEvidence.count {
      pastEvidence[boot].countsShowLeak = true
    } else {
      evidence.countsShowLeak = true
    }
  }

  /// A log line named the device of a window: its uses are now those of that device, in the group it was in.
  mutating func attribute(
    _ window: SeenWindow, device: NameID, driver: NameID?, group: GroupLives.Place?, witness: Witness
  ) {
    let index = nextWindow
    nextWindow += 1
    var context = CallContext()
    context.windowEntry = window.entry
    context.remove = window.remove
    context.naming = witness
    context.spansLoss = window.hasLoss
    // A kernel that gives back in one window gives back in all.
    let seen = evidence(ofBoot: window.boot)
    context.unuseIsTraceable = seen.unuseIsTraceable && seen.fixed == 0
    context.useIsTraceable = true
    for use in window.uses {
      var call = use
      call.device = device
      call.driver = driver
      call.window = index
      call.isNamedLater = true
      call.group = group.map { GroupKey(pointer: nil, id: $0.id) }
      let known = group.flatMap { ledger.group(id: $0.id, life: $0.life, boot: window.boot) }
      // Without a line that announces it, only what the trace itself says of the device in this boot.
      guard let place = known ?? (group == nil && window.boot == boot ? ledger.group(of: call) : nil) else {
        continue
      }
      ledger.nameLater(call, in: place)
      ledger.apply(call, to: place, isAlone: false, context: context)
    }
  }

  /// A message of the kernel log in the stream: its task is known, so it belongs to that task's window.
  mutating func hear(_ message: KernelMessage, _ event: TraceEvent, _ line: Span<UInt8>, _ at: LineReference)
  {
    switch message {
    case .added(let device, let group): ledger.joined(device, id: group)
    case .removed(let device, let group): ledger.left(device, id: group, witness: witness(event, line, at))
    case .probing(let device, let driver):
      // Printed once in each really_probe(), before the first use.
      let key = lanes.key(of: event)
      if TaskLanes.isNobody(key), lanes[key].count(where: { $0.window != nil }) > 1 { return }
      guard let index = lanes[key].last(where: { $0.window != nil })?.window,
        let window = windows[index], window.device == nil, window.uses == 0
      else { return }
      var fields = CallFields()
      fields.device = device
      fields.driver = driver
      fillWindow(index, from: fields)
    case .bound(let device, let driver):
      if let index = windowOfDevice[device] { windows[index]?.isBound = true }
      ledger.setBound(device, true, driver: driver)
    case .notAdded, .matched, .deferred, .retried, .failed, .rejected, .returned, .calling, .called, .warning,
      .task,
      .boot, .anotherBoot, .commandLine, .clockStable, .traceReset, .vfioEnabled, .vfioBlocked, .vfioInUse,
      .dropped:
      break
    }
  }
}
