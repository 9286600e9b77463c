/// What to do about a group, in words that stand behind "Do this:".
enum AnswerFix {
  /// Without known leaks, what the kernel does at every bind is the likely cause.
  static func leak(
    members: [String], leaks: [(device: NameID, leak: Leak)], _ context: FindingContext
  ) -> String {
    let causes = leaks.map(\.leak.cause)
    let isTestRemove =
      causes.isEmpty ? context.evidence.verdict == .unfixed : causes.contains(where: \.isTestRemove)
    // Whether these are all there are is rarely known.
    let devices =
      members.isEmpty ? "all of its devices" : "all of its devices (\(context.some(members)), and any other)"
    let clear =
      "to clear the group, write 1 to the `remove` file of \(devices) and rescan the bus with vfio-pci matching first, or "
      + "reboot"
    if isTestRemove {
      return "\(TestRemoveFix.cure(context)); \(clear); binding a native driver again adds one more each time"
    }
    return causes.contains { $0 == .probeFailure || $0 == .unbind }
      ? "\(clear); and mend the bus code, which leaves one behind each time" : clear
  }

  static func holder(_ holders: [(device: NameID, driver: NameID?)], _ context: FindingContext) -> String {
    let names = context.some(holders.map { context.names.text($0.device) })
    if holders.count == 1, let driver = context.text(holders[0].driver), driver == "shpchp" {
      return "unbind shpchp from the bridge \(names); unlike pcieport it takes part in DMA ownership"
    }
    let them = holders.count == 1 ? "it" : "them"
    return
      "unbind \(names) or bind \(them) to vfio-pci as well, and ask again; what must stay native belongs in another "
      + "group (another slot, or a topology with ACS)"
  }

  /// What decides an open question stands in the report's recipe.
  static func record(isOver: Bool, _ context: FindingContext) -> String {
    let record = #"record what this report lists under "what would settle it""#
    guard context.evidence.verdict == .unfixed, !isOver else { return record }
    return "\(TestRemoveFix.cure(context)); to be certain first, \(record)"
  }
}
