/// What every rule looks at: the names, the lines, and what the capture says about the kernel.
struct FindingContext {
  let names: NameTable
  let arena: TextArena
  let evidence: KernelEvidence
  let losses: [Loss]
  /// `uname -r`, where a source names it.
  var release: String?
  /// The release of kernel.org that it is built from, where a distribution's banner tells.
  var upstream: String?
  /// The clock counts something else than time: print plain numbers.
  let countsTicks: Bool
  /// How the report names the sources.
  let order: SourceOrder

  /// The release that can be compared.
  var version: KernelVersion? { KernelVersion(upstream) ?? KernelVersion(release) }

  func text(_ name: NameID?) -> String? {
    name.map { names.text($0) }
  }

  /// `at 6.131601 s`, or `in line 12` in a capture without timestamps.
  func moment(_ witness: Witness) -> String {
    witness.time.map(moment) ?? "in line \(order.place(witness.at).line)"
  }

  /// `at 6.131601 s`, or `at tick 6131601` where the clock counts something else.
  func moment(_ time: Nanoseconds) -> String { "at \(clock(time))" }

  /// `6.131601 s`, `tick 6131601`
  func clock(_ time: Nanoseconds) -> String {
    countsTicks ? "tick \(time.value)" : "\(time.secondsText) s"
  }

  func evidence(_ witness: Witness, _ note: String) -> Evidence {
    Evidence(at: order.place(witness.at), time: witness.time, note: note, text: arena.text(witness.text))
  }

  /// The line that shows what a call did: its return where it has one of its own.
  func lines(of call: OwnershipCall, _ note: String) -> [Evidence] {
    var lines = [evidence(call.entry, note)]
    if let exit = call.exit {
      lines.append(evidence(exit, call.result.map { "it returns \($0)" } ?? "it returns"))
    }
    return lines
  }

  /// `e1000e for 0000:00:03.0`, as far as the names are known.
  func holder(driver: NameID?, device: NameID?) -> String {
    switch (text(driver), text(device)) {
    case (let driver?, let device?): "\(driver) for \(device)"
    case (let driver?, nil): "\(driver) for a device that the capture does not name"
    case (nil, let device?): "the driver of \(device)"
    case (nil, nil): "a driver that the capture does not name"
    }
  }

  /// `group 45`, or what else is known of it.
  func name(_ group: GroupLedger) -> String {
    var name = group.id.map { "group \($0)" } ?? "a group without known number"
    if group.incarnation > 0 { name += " (number used for the \(Self.ordinal(group.incarnation + 1)) time)" }
    return name
  }

  /// A list for a sentence: `a, b and 3 more`.
  func some(_ words: [String], most: Int = 6) -> String {
    guard words.count > most + 1 else { return Self.joined(words) }
    return words.prefix(most).joined(separator: ", ") + " and \(words.count - most) more"
  }

  /// `a, b and c`
  static func joined(_ words: [String]) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return words.dropLast().joined(separator: ", ") + " and " + last
  }

  /// A defect that one call shows: the device and the driver are those of the call.
  func defect(
    _ rule: Rule, _ certainty: Certainty = .proved, by call: OwnershipCall, in group: GroupLedger,
    excess: Int? = nil,
    message: String, remedy: String, chain: String, evidence: [Evidence]
  ) -> Finding {
    Finding(
      rule: rule, severity: .error, certainty: certainty, group: group.id.map(GroupID.init),
      incarnation: group.incarnation, device: text(call.device), driver: text(call.driver), excess: excess,
      message: message, remedy: remedy,
      fingerprint: fingerprint(rule, driver: call.driver, device: call.device, chain: chain),
      evidence: evidence)
  }

  /// A finding that stands for all that differ in nothing but their time.
  func repeated(_ finding: Finding, _ alike: Alike) -> Finding {
    guard alike.count > 1, let last = alike.last else { return finding }
    var finding = finding
    finding.occurrences = alike.count
    finding.excess = finding.excess.map { $0 * alike.count }
    finding.message +=
      " The same was seen \(alike.count) times in all, the last time \(moment(last)); they are counted here and not "
      + "told one by one."
    finding.evidence.append(evidence(last, "the last of \(alike.count) alike"))
    return finding
  }

  /// Same bug, same fingerprint: nothing in it changes from boot to boot.
  func fingerprint(_ rule: Rule, driver: NameID?, device: NameID?, chain: String) -> String {
    let bus = device.map { names.withBytes($0, GroupTrust.isPCIAddress) ? "pci" : "other" } ?? "unknown"
    return Fingerprint.of([rule.rawValue, text(driver) ?? "", bus, chain])
  }

  private static func ordinal(_ number: Int) -> String {
    switch number {
    case 2: "second"
    case 3: "third"
    default: "\(number)th"
    }
  }
}

/// A short stable hash, FNV-1a over 64 bits: baselines compare it, nobody's safety depends on it.
enum Fingerprint {
  static func of(_ parts: [String]) -> String {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for part in parts {
      for byte in part.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
      hash = (hash ^ 0xFF) &* 0x100_0000_01B3
    }
    let digits = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension FindingContext {
  /// `group 3 keeps 1 reference that nobody will give back: e1000e for 0000:00:03.0 took it at 6.131601 s`; one that is
  /// only suspected it may keep.
  func keeps(_ leak: Leak, of who: String, _ group: GroupLedger) -> String {
    "\(name(group)) \(leak.certainty > .suspected ? "keeps" : "may keep") 1 reference that nobody will give back: "
      + "\(who) took it \(moment(leak.use.exit ?? leak.use.entry))"
  }
}

extension Nanoseconds {
  /// Seconds with six digits, as the tracer prints them: `6.131601`.
  public var secondsText: String {
    let micros = (value.magnitude + 500) / 1000
    let fraction = String(micros % 1_000_000)
    return (value < 0 ? "-" : "") + "\(micros / 1_000_000)."
      + String(repeating: "0", count: 6 - fraction.count) + fraction
  }
}

/// `1 reference`, `3 references`.
func references(_ count: Int) -> String {
  counted(count, "reference")
}

/// `once more`, `3 more times`.
func more(_ count: Int) -> String {
  count == 1 ? "once more" : "\(count) more times"
}

extension String {
  /// A sentence begins with a capital.
  var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
