/// Windows without a device, which a kernel log may name later.
extension CallAssembler {
  /// Keeps a window for the kernel log to name.
  mutating func keepNameless(_ window: ProbeWindow) {
    if nameless.count < 100_000 { nameless.append(window) }
  }

  /// A log line named the device of a window: its uses are now those of that device, in the group it is in.
  mutating func attribute(
    _ window: ProbeWindow, device: NameID, driver: NameID, group: Int?, witness: Witness
  ) {
    let index = nextWindow
    nextWindow += 1
    var context = CallContext()
    context.windowEntry = window.entry
    context.remove = window.remove
    context.naming = witness
    context.spansLoss = window.hasLoss
    // A kernel that gives back in one window gives back in all.
    context.unuseIsTraceable = evidence.unuseIsTraceable && evidence.fixed == 0
    context.useIsTraceable = true
    for use in window.keptUses {
      var call = use
      call.device = device
      call.driver = driver
      call.window = index
      call.isNamedLater = true
      if let group { call.group = GroupKey(pointer: nil, id: group) }
      guard let place = ledger.group(of: call) else { continue }
      ledger.nameLater(call, in: place)
      ledger.apply(call, to: place, isAlone: false, context: context)
    }
  }
}
