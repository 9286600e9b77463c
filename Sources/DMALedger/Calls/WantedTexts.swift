/// Whose lines may still become evidence, from the open calls to the report: everything that holds a ``Witness`` beyond the
/// line at hand marks it here.
extension TextArena.Marks {
  mutating func mark(_ call: OwnershipCall?) {
    guard let call else { return }
    mark(call.entry)
    mark(call.exit)
  }

  mutating func mark(_ window: ProbeWindow?) {
    guard let window else { return }
    for witness in [window.entry, window.remove, window.cleanup, window.bound, window.end] { mark(witness) }
    for call in window.keptUses + [window.openUse, window.lastRefusal] { mark(call) }
  }

  mutating func mark(_ context: CallContext) {
    for witness in [context.windowEntry, context.remove, context.naming] { mark(witness) }
    mark(context.grouplessUse)
  }

  mutating func mark<Ledger: MarksTexts>(_ assembler: CallAssembler<Ledger>) {
    for loss in assembler.losses { mark(loss.witness) }
    for window in assembler.seen {
      mark(window.entry)
      mark(window.remove)
      for use in window.uses { mark(use) }
    }
    for (warning, _) in assembler.warnings { mark(warning.witness) }
    for evidence in assembler.pastEvidence + [assembler.evidence] {
      mark(evidence.firstUnfixed)
      mark(evidence.firstFixed)
    }
    for call in assembler.lanes.openCalls { mark(call) }
    for window in assembler.windows.values { mark(window) }
    for use in assembler.grouplessUses.values { mark(use) }
    for waiting in assembler.overlaps.values.joined() {
      mark(waiting.call)
      mark(waiting.context)
      for follower in waiting.followers { mark(follower.window) }
    }
    assembler.ledger.mark(&self)
  }

  mutating func mark(_ log: LogFacts) {
    for boot in log.boots {
      mark(boot.first)
      mark(boot.traceReset)
      for probe in boot.probes {
        mark(probe.witness)
        mark(probe.ending)
      }
      for membership in boot.memberships { mark(membership.witness) }
      for bind in boot.binds { mark(bind.witness) }
      for warning in boot.warnings { mark(warning.witness) }
    }
    for warning in log.strayWarnings { mark(warning.witness) }
  }
}

/// A sink of calls that keeps lines as evidence.
protocol MarksTexts: CallSink {
  func mark(_ marks: inout TextArena.Marks)
}
