/// The words that answers are made of.
extension FindingContext {
  /// ` at 6.131601 s` with the blank before it; nothing without times, where the line behind the clause has to do.
  func when(_ witness: Witness) -> String {
    witness.time == nil ? "" : " " + moment(witness)
  }

  /// When a call took effect.
  func when(_ call: OwnershipCall) -> String { when(call.exit ?? call.entry) }

  /// A link of a chain and the line that shows it.
  func step(_ text: String, _ witness: Witness) -> Answer.Step {
    Answer.Step(text: text, at: order.place(witness.at), time: witness.time)
  }

  /// `vfiocheck (pid 193)`, as far as the capture names the task.
  func task(_ call: OwnershipCall) -> String {
    (text(call.comm) ?? "a task") + (call.pid >= 0 ? " (pid \(call.pid))" : "")
  }

  /// `e1000e took 1 reference for 0000:00:03.0`, with another verb and object where these are given.
  func deed(
    _ call: OwnershipCall, of device: NameID, _ verb: String = "took", _ object: String = "1 reference"
  ) -> String {
    "\(text(call.driver) ?? "a driver") \(verb) \(object) for \(names.text(device))"
  }

  /// Drivers and devices that leaked, each pair once: `e1000 for 0000:02:01.0`.
  func leakers(_ leaks: [(device: NameID, leak: Leak)]) -> [String] {
    var who: [String] = []
    for (device, leak) in leaks {
      let name = holder(driver: leak.use.driver, device: device)
      if !who.contains(name) { who.append(name) }
    }
    return who
  }

  /// What an unfixed kernel does at every bind, with a bind of this group where the capture shows one.
  func habit(in group: GroupLedger) -> Answer.Step {
    let text = "every native bind leaves 1 reference behind on such a kernel, which most likely explains this"
    guard let (device, leak) = group.allLeaks.first(where: { $0.leak.certainty > .suspected }) else {
      return Answer.Step(text: text)
    }
    return step(
      text
        + ": \(deed(leak.use, of: device, "left", "one behind"))\(when(leak.use))",
      leak.use.entry)
  }

  /// What a listing says of a member.
  func step(_ member: GroupLedger.ListedMember) -> Answer.Step {
    let state =
      member.tellsDriver
      ? text(member.driver).map { "is bound to \($0)" } ?? "has no driver" : "is in the group"
    return step("\(names.text(member.device)) \(state)", member.witness)
  }

  /// What a listed holder or a leak is in the report.
  func holder(_ member: GroupLedger.ListedMember) -> Holder {
    Holder(
      kind: .bound, count: 1, device: text(member.device), driver: text(member.driver),
      at: order.place(member.witness.at))
  }

  /// A leak as a holder that will never let go.
  func holder(_ device: NameID, _ leak: Leak) -> Holder {
    Holder(
      kind: .leaked, count: leak.references, device: text(device), driver: text(leak.use.driver),
      since: leak.use.time,
      at: order.place(leak.use.entry.at))
  }

  /// Everything that calls or listings show to be in a group, by name.
  func memberNames(of group: GroupLedger) -> [String] {
    Set((group.members.map { $0 } + group.devices.map(\.name) + group.listing.map(\.device)).map(names.text))
      .sorted()
  }

  /// The name of a negative return code that the ownership functions know, or its number.
  func errno(_ code: Int) -> String {
    switch code {
    case -1: "-EPERM"
    case -16: "-EBUSY"
    case -19: "-ENODEV"
    case -22: "-EINVAL"
    case -517: "-EPROBE_DEFER"
    default: "\(code)"
    }
  }
}
