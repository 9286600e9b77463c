/// What may stand in the way of a group that only a program's log says was refused: a listing tells who was in it.
struct LoggedStory {
  /// Members that hold a reference by right, as the listing shows them.
  let holders: [GroupLedger.ListedMember]
  /// A device that was asked for and is bound natively: the listing is of another moment.
  let moved: GroupLedger.ListedMember?
  /// Leaks that a trace shows in the group; the log has no time that would place the refusal among them.
  let leaks: [(device: NameID, leak: Leak)]
  /// Whether every member is listed with its driver.
  let knowsDrivers: Bool

  init(_ group: GroupLedger) {
    // The device that was asked for was with VFIO then. A listing that shows it elsewhere is of another moment.
    let natives = group.listing.filter(\.holds)
    let asked = group.toldRefusals
    let moved = natives.first { member in asked.contains { $0.device == member.device } }
    self.moved = moved
    holders = moved == nil ? natives : []
    leaks = group.allLeaks.filter { $0.leak.certainty > .suspected }
    knowsDrivers = !group.listing.isEmpty && group.listing.allSatisfy(\.tellsDriver)
  }

  var cause: String { holders.isEmpty ? "unknown" : "holder" }
}
