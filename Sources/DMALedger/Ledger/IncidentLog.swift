/// What of the kernel logs is believed of the capture: memberships, binds and warnings of the boots that the trace is of,
/// and nothing of any other.
struct IncidentLog: Sendable {
  /// A warning of the kernel and where it belongs.
  struct Warning: Sendable {
    var warning: OwnershipWarning
    /// The boot of the trace it was printed in; `nil` where there is no trace, or it is not known.
    var boot: Int?
    /// When it was printed, on the trace's clock; `nil` where the clocks are not joined.
    var moment: Int64?
  }

  private(set) var memberships: [LogBoot.Membership] = []
  private(set) var binds: [LogBoot.Bind] = []
  /// Devices that were in several groups, one after the other.
  private(set) var wanderers: Set<NameID> = []
  private(set) var warnings: [Warning] = []
  /// Lines that say that the trace buffers were emptied before the trace begins.
  private(set) var traceResets: [Witness] = []
  /// `uname -r` of each boot of the trace.
  private(set) var releases: [String?] = []
  /// What each of them is built from, where the banner of a distribution tells.
  private(set) var upstreams: [String?] = []
  private(set) var diagnostics: [Diagnostic] = []

  init(
    _ log: LogFacts, _ outcomes: [LogJoin.Outcome], _ known: LogJoin.Knowledge,
    _ assembler: CallAssembler<Ledger>,
    _ names: borrowing NameTable
  ) {
    for (warning, boot) in assembler.warnings {
      warnings.append(Warning(warning: warning, boot: boot, moment: Self.moment(warning, offset: 0)))
    }
    for (boot, outcome) in outcomes.enumerated() {
      let isLast = boot == outcomes.count - 1
      let source = assembler.seen.first { $0.boot == boot }?.entry.at.source
      let traced =
        source.flatMap { known.releases[$0] } ?? known.releases.sorted { $0.key < $1.key }.last?.value
      let chosen = Self.boots(
        of: outcome, log, assembler.ledger, boot: outcomes.count == 1 ? 0 : boot, release: traced, names,
        &diagnostics)
      let release = chosen.compactMap { log.boots[$0].release }.first.map(names.text)
      releases.append(traced ?? release)
      upstreams.append(
        chosen.first { index in log.boots[index].release.map(names.text) == releases.last }
          .flatMap { log.boots[$0].upstream }.map(names.text))
      var offset: Int64?
      if case .joined(_, let found) = outcome { offset = found }
      for index in chosen {
        let facts = log.boots[index]
        if isLast {
          memberships += facts.lastMemberships
          binds += facts.lastBinds
          noteWanderers(in: facts)
        }
        for warning in facts.warnings {
          note(
            Warning(warning: warning, boot: boot, moment: offset.flatMap { Self.moment(warning, offset: $0) })
          )
        }
        if let reset = facts.traceReset, let began = assembler.firstTimes[boot],
          (reset.time?.value ?? 0).subtractingReportingOverflow(offset ?? 0).partialValue <= began.value
        {
          traceResets.append(reset)
        }
      }
    }
    // Warnings of boots that no trace is of are told all the same.
    for warning in log.boots.flatMap(\.warnings) + log.strayWarnings {
      note(Warning(warning: warning, boot: nil, moment: nil))
    }
  }

  /// When a warning was printed, on a clock that is `offset` nanoseconds behind its own; `nil` where that is no time that can
  /// be calculated with.
  private static func moment(_ warning: OwnershipWarning, offset: Int64) -> Int64? {
    guard let time = warning.witness.time, time.isSane else { return nil }
    let (moment, isTooFar) = time.value.subtractingReportingOverflow(offset)
    return isTooFar ? nil : moment
  }

  private mutating func noteWanderers(in boot: LogBoot) {
    var places: [NameID: Int] = [:]
    for membership in boot.memberships where membership.hasJoined {
      if places[membership.device, default: membership.group] != membership.group {
        wanderers.insert(membership.device)
      }
      places[membership.device] = membership.group
    }
  }

  /// A warning that trace and log, or two logs, tell is one.
  private mutating func note(_ warning: Warning) {
    let at = warning.warning.witness.at
    if warnings.contains(where: { $0.warning.witness.at == at }) { return }
    let isTold = warnings.contains { known in
      guard known.warning.kind == warning.warning.kind, known.warning.witness.at.source != at.source,
        let one = known.warning.witness.time?.value, let other = warning.warning.witness.time?.value
      else { return false }
      if one == other { return true }
      guard known.boot == warning.boot, let first = known.moment, let second = warning.moment else {
        return false
      }
      let (distance, isTooFar) = first.subtractingReportingOverflow(second)
      return !isTooFar && distance.magnitude < 1_000_000
    }
    if !isTold { warnings.append(warning) }
  }

  // MARK: - Which boot

  private static func boots(
    of outcome: LogJoin.Outcome, _ log: LogFacts, _ ledger: Ledger, boot: Int, release: String?,
    _ names: borrowing NameTable, _ diagnostics: inout [Diagnostic]
  ) -> [Int] {
    let isTraced = !ledger.groups.isEmpty || ledger.unattributed.total > 0
    switch outcome {
    case .joined(let boots, _): return boots
    case .refused(let isTold):
      // The clocks do not fit. Of a log that knows the same devices in the same groups, that much is believed.
      let told = diagnostics.count
      let agreeing = candidates(log, release, names, isTraced: true).filter {
        agreement(log.boots[$0], ledger, boot, names, &diagnostics) == .agrees
      }
      if agreeing.isEmpty, !isTold, diagnostics.count == told {
        diagnostics.append(
          Diagnostic(
            level: .note, source: log.boots.first?.source,
            message:
              "the kernel log's probe lines do not fit the trace's really_probe() windows on any clock, and nothing "
              + "else shows that they are of one boot; nothing was taken from the log"))
      }
      return agreeing
    case .open:
      return candidates(log, release, names, isTraced: isTraced).filter {
        agreement(log.boots[$0], ledger, boot, names, &diagnostics) != .contradicts
      }
    }
  }

  /// The last boot of each log; beside a trace only where the log has no other.
  private static func candidates(
    _ log: LogFacts, _ release: String?, _ names: borrowing NameTable, isTraced: Bool
  ) -> [Int] {
    log.boots.indices.filter { index in
      let boot = log.boots[index]
      if boot.isEmptied { return false }
      if let release, let told = boot.release.map(names.text), told != release { return false }
      let isLast = !log.boots[(index + 1)...].contains { $0.source == boot.source }
      let isFirst = !log.boots[..<index].contains { $0.source == boot.source }
      return isLast && (isFirst || !isTraced)
    }
  }

  private enum Agreement { case agrees, contradicts, unknown }

  /// Whether a log puts devices into the groups in which the trace shows them.
  private static func agreement(
    _ log: LogBoot, _ ledger: Ledger, _ boot: Int, _ names: borrowing NameTable,
    _ diagnostics: inout [Diagnostic]
  ) -> Agreement {
    var places: [NameID: [LogBoot.Membership]] = [:]
    for membership in log.memberships where membership.hasJoined {
      places[membership.device, default: []].append(membership)
    }
    var agreement = Agreement.unknown
    for group in ledger.groups where group.boot == boot {
      guard let id = group.id else { continue }
      for account in group.devices {
        guard let known = places[account.name], let last = known.last else { continue }
        if known.contains(where: { $0.group == id }) {
          agreement = .agrees
          continue
        }
        diagnostics.append(
          Diagnostic(
            level: .warning, source: log.source, line: last.witness.at.line,
            message:
              "the kernel log puts \(names.text(account.name)) into group \(last.group), the trace into group "
              + "\(id): the log is of another boot or machine, and nothing was taken from it"))
        return .contradicts
      }
    }
    return agreement
  }

  // MARK: - Listings

  /// The groups in which a listing shows devices, where it contradicts neither a log nor the trace.
  static func listed(_ incident: IncidentFacts, _ log: LogFacts, _ ledger: Ledger) -> [NameID: Int] {
    let places = incident.groupsByDevice
    for group in ledger.groups where !group.hasEnded {
      for account in group.devices {
        if let id = group.id, let listed = places[account.name], listed != id { return [:] }
      }
    }
    for boot in log.boots {
      for membership in boot.lastMemberships {
        if let listed = places[membership.device], listed != membership.group { return [:] }
      }
    }
    return places
  }

  /// Holds a listing against the trace and the log; one that contradicts them is of another boot or machine.
  mutating func check(_ incident: inout IncidentFacts, _ ledger: Ledger, _ names: borrowing NameTable) {
    let lastBoot = releases.count - 1
    for group in ledger.groups where group.boot == lastBoot && !group.hasEnded {
      guard let id = group.id else { continue }
      for account in group.devices {
        if refuse(&incident, account.name, id, "the trace", names) { return }
      }
    }
    for membership in memberships
    where refuse(&incident, membership.device, membership.group, "the kernel log", names) { return }
  }

  private mutating func refuse(
    _ incident: inout IncidentFacts, _ device: NameID, _ group: Int, _ who: String,
    _ names: borrowing NameTable
  ) -> Bool {
    guard let listed = incident.group(of: device), listed != group else { return false }
    let witness = incident.members(of: listed).first { $0.device == device }?.witness
    diagnostics.append(
      Diagnostic(
        level: .warning, source: witness?.at.source, line: witness?.at.line,
        message:
          "the listing puts \(names.text(device)) into group \(listed), \(who) into group \(group): the listing is "
          + "of another boot or machine, and nothing was taken from it"))
    incident.dropListing()
    return true
  }
}
