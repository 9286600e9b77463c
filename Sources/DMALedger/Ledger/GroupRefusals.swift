/// Who was refused a group, and what stood in the way each time.
///
/// The first and the last are kept one by one. What lies between is told once for each state of the group that it found.
struct GroupRefusals: Sendable {
  /// A query that said "claimed" or a claim that was refused.
  struct Refusal: Sendable {
    var call: OwnershipCall
    /// The claim by the same task that followed the query, and the other way round.
    var second: OwnershipCall?
    var step: Int
    var owner: Ownership
    /// Somebody let go of the group later whose claim was not seen: what was in the way then may have been theirs.
    var mayBeOwned = false
    /// It ran into other calls, and nothing tells which of them came first: what these took or gave back may have been in the way.
    var meetsOthers = false
    var ownerCall: OwnershipCall?
    /// Devices that held a reference, by index, and whether their driver was being removed: the first ``mostHolding``.
    var holding: [(device: Int, use: OwnershipCall, isRemoved: Bool)] = []
    /// How many held one, and of how many of them the driver was being removed.
    var holders = 0
    var leaving = 0
    /// Devices that had been seen.
    var knownDevices = 0
    /// Refusals that found the same and are not told one by one.
    var alike = Alike()
    /// References leaked so far, of whatever certainty.
    var leaks = 0

    /// A group of more devices is none that anybody wants to read through.
    static let mostHolding = 64

    /// How many refusals it stands for.
    var count: Int { alike.count }

    /// Whether another one found the group in the same state.
    func isAlike(_ other: Refusal) -> Bool {
      call.device == other.call.device && owner == other.owner && mayBeOwned == other.mayBeOwned
        && meetsOthers == other.meetsOthers && leaks == other.leaks
        && ownerCall?.entry.at == other.ownerCall?.entry.at
        && holders == other.holders && leaving == other.leaving
        && zip(holding, other.holding).allSatisfy { one, two in
          one.device == two.device && one.isRemoved == two.isRemoved
            && one.use.entry.at == two.use.entry.at
        }
    }
  }

  /// Refusals kept one by one; more than twice as many are never kept.
  private let most: Int
  private(set) var kept: [Refusal] = []
  /// Refusals of many different states that are only counted.
  private(set) var dropped = 0
  /// Binds that were refused because the group was owned, by device: the first few calls and how many there were.
  private(set) var binds: [(device: NameID?, calls: [OwnershipCall], count: Int)] = []
  /// Claims refused for the domain attached to the group (`-EBUSY` at count 0): the first few and the last.
  private(set) var domain: [(call: OwnershipCall, step: Int)] = []

  init(most: Int) {
    self.most = most
  }

  var last: Refusal? { kept.last }

  var isEmpty: Bool { kept.isEmpty && domain.isEmpty }

  mutating func append(_ refusal: Refusal) {
    kept.append(refusal)
    guard kept.count > most else { return }
    // The one that was the last but a few is told with its like.
    let place = kept.count - most / 2
    let old = kept[place]
    if let alike = kept[..<place].lastIndex(where: { $0.isAlike(old) }) {
      kept[alike].alike.add(old.alike, at: old.call.entry)
      kept.remove(at: place)
    } else if kept.count > 2 * most {
      dropped += old.count
      kept.remove(at: place)
    }
  }

  /// VFIO asks first and claims next: one refusal.
  mutating func join(_ claim: OwnershipCall) { kept[kept.count - 1].second = claim }

  /// What seemed to be refused at this step may not have been.
  mutating func forget(_ step: Int) {
    kept.removeAll { $0.step == step }
    domain.removeAll { $0.step == step }
  }

  /// An owner whose claim was not seen lets go: it may have been there at every refusal of which no owner is known.
  mutating func mayHaveBeenOwned() {
    for place in kept.indices where kept[place].owner == .unknown { kept[place].mayBeOwned = true }
  }

  mutating func refuseBind(_ call: OwnershipCall) {
    guard let place = binds.firstIndex(where: { $0.device == call.device }) else {
      if binds.count < most { binds.append((call.device, [call], 1)) }
      return
    }
    binds[place].count += 1
    if binds[place].calls.count < 4 { binds[place].calls.append(call) }
  }

  mutating func refuseDomain(_ call: OwnershipCall, step: Int) {
    if domain.count > 4 { domain.removeLast() }
    domain.append((call, step))
  }

  /// Steps of the history that the report will ask for, in order.
  var steps: [Int] { (kept.map(\.step) + domain.map(\.step)).sorted() }
}
