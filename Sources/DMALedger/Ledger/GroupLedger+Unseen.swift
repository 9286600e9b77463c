/// Calls on a group that the capture does not show as such: no group can be named for them.
extension GroupLedger {
  /// How many there may have been.
  struct Unseen: Sendable {
    var uses = 0
    var unuses = 0
    var claims = 0
  }

  /// Calls that took effect somewhere may have taken it here.
  mutating func allow(_ calls: CallTally, since before: CallTally) {
    func more(_ kind: OwnershipCallKind) -> Int { calls[kind] - before[kind] }
    let claims = more(.claim) + more(.deviceClaim)
    unseen.uses += more(.use)
    unseen.unuses += more(.unuse)
    unseen.claims += claims
    var step = CountHistory.Step()
    step.high = more(.use) + claims
    step.low = -more(.unuse) - more(.deviceRelease)
    // A release brings whatever it finds to 0.
    step.isBreak = more(.release) > 0
    guard step.high > 0 || step.low < 0 || step.isBreak else { return }
    history.add(step)
    if claims > 0 || step.isBreak || more(.deviceRelease) > 0 {
      owner = .unknown
      ownerPointer = nil
    }
  }

  /// Of references that no call accounts for, those that belong to nobody at least. `idle` devices that calls name hold
  /// nothing as far as those show; a use that was not seen, or was lost, may have given each of them 1 by right. A claim
  /// that was not seen may have made all of them an owner's.
  func ownerless(_ references: Int, owner: Ownership, idle: Int) -> Int {
    if owner == .unknown, unseen.claims > 0 || losses > 0 { return 0 }
    return max(0, references - (losses > 0 ? idle : min(idle, unseen.uses)))
  }
}
