/// Lines that name neither task nor CPU (the boot option `tp_printk`, the option `context-info` off): all tasks share one
/// lane. As long as calls follow each other there, a return is that of the entry before it; where two ran into each
/// other, nobody knows whose return is whose, and that is a loss.
extension CallAssembler {
  /// Takes note of an entry that no observer has told before.
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
}

/// Calls of tasks that no line names.
struct UnnamedCalls: Sendable {
  /// Entries whose return has not come, by function.
  var open: [KernelFunction: Int] = [:]
  /// Returns to come of which nobody knows whose they are.
  var doubtful = 0
}
