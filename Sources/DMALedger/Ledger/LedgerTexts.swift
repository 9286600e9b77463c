/// Lines that the ledger keeps as evidence.
extension Ledger: MarksTexts {
  func mark(_ marks: inout TextArena.Marks) {
    for call in unattributedRefusals { marks.mark(call) }
    marks.mark(lastUnattributedRequest)
    for group in groups { group.mark(&marks) }
  }
}

extension GroupLedger {
  fileprivate func mark(_ marks: inout TextArena.Marks) {
    marks.mark(ownerCall)
    for device in devices {
      marks.mark(device.holding)
      marks.mark(device.firstUnuse)
      for leak in device.leaks { leak.mark(&marks) }
    }
    for (_, leak) in pastLeaks { leak.mark(&marks) }
    for anomaly in anomalies { anomaly.mark(&marks) }
    changes.mark(&marks)
    refusals.mark(&marks)
    // Listings come at the end, when nothing is forgotten any more.
  }
}

extension Leak {
  fileprivate func mark(_ marks: inout TextArena.Marks) {
    marks.mark(use)
    marks.mark(again)
    for witness in [remove, window, naming, alike.last] { marks.mark(witness) }
  }
}

extension Anomaly {
  fileprivate func mark(_ marks: inout TextArena.Marks) {
    marks.mark(alike.last)
    switch kind {
    case .overRelease(let call, _), .releaseUnowned(let call), .pasidBlocked(let call), .impossible(let call):
      marks.mark(call)
    case .stolen(let call, let use, _):
      marks.mark(call)
      marks.mark(use)
    case .swallowed(let call, let bound):
      marks.mark(call)
      marks.mark(bound)
    case .freed(let witness, _): marks.mark(witness)
    }
  }
}

extension ChangeList {
  fileprivate func mark(_ marks: inout TextArena.Marks) {
    for entry in kept { marks.mark(entry.call) }
    for call in [theft, lastRequest, grant, fold?.first, fold?.last] { marks.mark(call) }
  }
}

extension GroupRefusals {
  fileprivate func mark(_ marks: inout TextArena.Marks) {
    for refusal in kept {
      for call in [refusal.call, refusal.second, refusal.ownerCall] { marks.mark(call) }
      for holding in refusal.holding { marks.mark(holding.use) }
      marks.mark(refusal.alike.last)
    }
    for bind in binds {
      for call in bind.calls { marks.mark(call) }
    }
    for refusal in domain { marks.mark(refusal.call) }
  }
}

extension IncidentFacts {
  func mark(_ marks: inout TextArena.Marks) {
    for refusal in refusals { marks.mark(refusal.witness) }
    for witness in grants.values { marks.mark(witness) }
    for place in places.values {
      marks.mark(place.witness)
      marks.mark(place.logged?.witness)
    }
  }
}
