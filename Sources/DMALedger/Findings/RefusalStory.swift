/// Who stood in the way when VFIO asked for a group and was told no.
struct RefusalStory {
  /// A reference that its driver will give back.
  struct Holding {
    var device: NameID
    var driver: NameID?
    var witness: Witness
    /// It was taken before the capture began; `witness` shows it being given back.
    var isFromBefore: Bool
    /// Only a listing shows it.
    var isListed = false
  }

  let refusal: GroupRefusals.Refusal
  let count: Count
  let holdings: [Holding]
  let leaks: [(device: NameID, leak: Leak)]
  /// Of what is unexplained the part that belongs to nobody: all members and their drivers are known, and those that no
  /// call names could hold one each at most.
  let ownerless: Int
  /// Members that may hold one of the rest.
  let idleMembers: Int
  /// What neither holdings nor leaks nor an owner account for.
  let unexplained: Count

  init(_ refusal: GroupRefusals.Refusal, in summary: GroupSummary) {
    self.refusal = refusal
    let group = summary.ledger
    count = summary.counts.counts(at: refusal.step).before
    var holdings: [Holding] = []
    var mayHold = 0
    for (index, device) in group.devices.enumerated() {
      if let then = refusal.holding.first(where: { $0.device == index }) {
        if then.isRemoved { continue }
        holdings.append(
          Holding(
            device: device.name, driver: then.use.driver, witness: then.use.entry, isFromBefore: false))
      } else if index >= refusal.knownDevices, device.firstStep > refusal.step, let unuse = device.firstUnuse
      {
        // Nothing was seen of it until it gave back what it had all along, or took where nobody saw it.
        if group.history.hasBreak(in: refusal.step + 1...device.firstStep) {
          mayHold += 1
        } else {
          holdings.append(
            Holding(device: device.name, driver: unuse.driver, witness: unuse.entry, isFromBefore: true))
        }
      }
    }
    for member in group.listedHolders {
      holdings.append(
        Holding(
          device: member.device, driver: member.driver, witness: member.witness, isFromBefore: true,
          isListed: true))
    }
    self.holdings = holdings
    // Those that are only counted hold theirs by right as well.
    let counted = refusal.holders - refusal.leaving - refusal.holding.count { !$0.isRemoved }
    leaks = group.devices.flatMap { device in
      device.leaks.filter { $0.step <= refusal.step && $0.certainty > .suspected }.map { (device.name, $0) }
    }
    unexplained =
      refusal.owner == .user
      ? Count(exactly: 0) : count.shifted(by: -(holdings.count + counted + leaks.map(\.leak).references))
    idleMembers = group.listedIdle
    // Until its unuse comes, a driver that is being removed holds what it took.
    ownerless =
      group.listingIsConfirmed && !refusal.mayBeOwned && !refusal.meetsOthers
      ? group.ownerless(
        unexplained.min - idleMembers - mayHold - refusal.leaving, owner: refusal.owner,
        idle: group.devices.count - refusal.holders) : 0
  }

  /// References that had been leaked.
  var leaked: Int { leaks.map(\.leak).references }

  var cause: String {
    if refusal.owner == .user { return "owner" }
    if !leaks.isEmpty || ownerless > 0 { return "leak" }
    return !holdings.isEmpty && unexplained.max == 0 ? "holder" : "unknown"
  }

  /// Why the rest belongs to nobody, as a clause.
  var whyOwnerless: String {
    switch idleMembers {
    case 0: "every member of the group is accounted for"
    case 1: "1 member of the group is in no call and could hold 1 at most"
    default: "\(idleMembers) members of the group are in no call and could hold 1 each at most"
    }
  }

  /// What makes two refusals the same story.
  var key: [Int32] {
    [Int32(cause.utf8.count), Int32(clamping: leaked)] + holdings.map(\.device.index)
  }
}
