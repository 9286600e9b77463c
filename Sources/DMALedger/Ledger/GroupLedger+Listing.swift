/// What a listing of groups adds to what calls show: who else is in a group, and with which driver.
extension GroupLedger {
  /// A member as a listing shows it.
  struct ListedMember: Sendable {
    var device: NameID
    var driver: NameID?
    /// Whether the listing tells drivers at all.
    var tellsDriver: Bool
    /// Whether the driver is one that takes a reference: bound, and none of those that manage DMA themselves.
    var holds: Bool
    /// Whether it is bound to the driver of bridges, as it has been since boot.
    var isBridge: Bool
    var witness: Witness
    /// The driver that the kernel log shows being bound to it last, where that takes a reference.
    var logged: LogBoot.Bind?
  }

  /// Members that the kernel log shows being bound to a driver that takes a reference, and no listing tells better. What
  /// was unbound since is not in a log.
  var loggedHolders: [LogBoot.Bind] {
    listing.filter { !$0.tellsDriver }.compactMap(\.logged)
  }

  /// Whether the listing shows the members and drivers that calls show at the end. A listing of another moment, boot
  /// or machine proves nothing.
  var listingAgrees: Bool {
    guard !isListingRefuted else { return false }
    return devices.allSatisfy { account in
      guard let member = listing.first(where: { $0.device == account.name }) else { return listing.isEmpty }
      guard member.tellsDriver, let isBound = account.isBound else { return true }
      guard isBound else { return member.driver == nil }
      return member.driver != nil && (account.lastDriver == nil || account.lastDriver == member.driver)
    }
  }

  /// Listed members that hold a reference by right and never appear in a call: they have held it all along.
  var listedHolders: [ListedMember] {
    guard listingAgrees else { return [] }
    return listing.filter { member in member.holds && !devices.contains { $0.name == member.device } }
  }

  /// Whether the listing names all members that there were, with their drivers.
  var listingIsComplete: Bool {
    !listing.isEmpty && !hasLostMember && listingAgrees && listing.allSatisfy(\.tellsDriver)
  }

  /// Whether that listing is of the group that the calls are about: a call names one of its members.
  var listingIsConfirmed: Bool {
    listingIsComplete && devices.contains { account in listing.contains { $0.device == account.name } }
  }

  /// Listed members that no call names and that hold nothing at the end: each may have held a reference by right and
  /// been rebound after the capture.
  var listedIdle: Int {
    listing.count { member in
      !member.holds && !member.isBridge && !devices.contains { $0.name == member.device }
    }
  }

  /// Devices that hold a reference as calls show it, and that a listing shows without a driver that would.
  var listedWithoutDriver: Int {
    guard !listing.isEmpty else { return 0 }
    return devices.count { account in
      account.holding != nil && listing.contains { $0.device == account.name && $0.tellsDriver && !$0.holds }
    }
  }
}
