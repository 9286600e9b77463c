/// The end of the line: what the ledger and the windows know, as plain values in a fixed order.
struct ReportBuilder {
  let names: NameTable
  let arena: TextArena
  let ledger: Ledger
  let incident: IncidentFacts
  let questions: [Question]
  /// What the windows of each boot say.
  let evidence: [KernelEvidence]
  let losses: [Loss]
  let sources: [SourceSummary]
  let log: IncidentLog
  let diagnostics: [Diagnostic]
  /// Events overwritten or dropped before the capture was read, by its header or statistics.
  let lostBefore: Int
  /// Whether anything was given up because there was too much of it.
  let hasForgotten: Bool
  /// The same of logs and listings.
  let hasForgottenLog: Bool
  let countsTicks: Bool
  let order: SourceOrder
  let misread: MisreadSources

  func build() -> Report {
    let contexts = evidence.enumerated().map { boot, seen in
      FindingContext(
        names: names, arena: arena, evidence: seen, losses: losses, release: log.releases[boot],
        upstream: log.upstreams[boot], countsTicks: countsTicks, order: order)
    }
    // Places are put in order and not the groups: of thousands each takes a kilobyte.
    let places = ledger.groups.indices.filter { place in
      let group = ledger.groups[place]
      return !group.changes.isEmpty || !group.toldRefusals.isEmpty || !group.listedHolders.isEmpty
        || group.isAskedFor
        || !group.loggedHolders.isEmpty
    }.sorted { isBefore(ledger.groups[$0], ledger.groups[$1]) }
    let summaries = places.map { place in
      let group = ledger.groups[place]
      let seen = evidence[group.boot]
      return GroupSummary(
        group, useIsTraceable: seen.sawUse && !seen.hasUnplacedUse, unuseIsTraceable: seen.sawUnuse,
        order: order)
    }
    let found = summaries.map { FindingRegister.findings(in: $0, contexts[$0.ledger.boot]) }
    let (own, unclaimed) = WarnedOwnership.quote(log.warnings, in: found, summaries, contexts)
    let general = FindingRegister.general(
      unattributedRefusals: ledger.unattributedRefusals, lostBefore: lostBefore, traceResets: log.traceResets,
      contexts)
    var groups = zip(summaries, own).map { group($0, findings: $1) }
    let (verdict, reasons) = judge(groups, warned: unclaimed.count)
    for (index, summary) in summaries.enumerated() where summary.ledger.changes.isEmpty {
      groups[index].reasons += told(summary.ledger.loggedHolders)
    }
    let merged = KernelEvidence.merged(evidence)
    let last = contexts.last { $0.release != nil }
    let release = last?.release
    var report = Report(
      verdict: verdict, reasons: reasons,
      kernel: KernelSummary(
        release: release, testDriverRemove: merged.verdict, windows: merged.windows,
        reprobes: merged.reprobes),
      sources: order.arranged(sources), groups: groups, unattributed: ledger.unattributed,
      findings: FindingRegister.sorted(own.flatMap { $0 } + unclaimed + general),
      diagnostics: order.arranged(diagnostics))
    report.answers = AnswerBuilder(
      contexts: contexts, ledger: ledger, incident: incident, summaries: summaries, reports: groups,
      questions: questions
    ).answers()
    misread.distrust(&report)
    report.kernel.fix = TestRemoveFix.standing(
      behaviour: report.kernel.testDriverRemove, version: last?.version)
    let whole = FindingContext(
      names: names, arena: arena, evidence: merged, losses: losses, release: release,
      upstream: last?.upstream, countsTicks: countsTicks,
      order: order)
    let open = OpenQuestions(
      summaries, asked: unanswered(report.answers, summaries),
      isInconclusive: report.verdict == .inconclusive,
      ledger: ledger, whole, lostBefore: lostBefore)
    report.recipe = CaptureRecipe.lines(for: open, version: last?.version)
    return report
  }

  /// Groups that were asked for and could not be answered.
  private func unanswered(_ answers: [Answer], _ summaries: [GroupSummary]) -> Set<Int> {
    Set(
      answers.filter { $0.cause == .unknown }.compactMap { answer in
        summaries.firstIndex {
          $0.ledger.id == answer.group?.value && $0.ledger.incarnation == answer.incarnation
        }
      })
  }

  private func isBefore(_ a: GroupLedger, _ b: GroupLedger) -> Bool {
    (a.id ?? .max, a.incarnation, a.changes.first?.call.entry.at.line ?? 0)
      < (b.id ?? .max, b.incarnation, b.changes.first?.call.entry.at.line ?? 0)
  }

  // MARK: - The verdict over all

  private func judge(_ groups: [GroupReport], warned: Int) -> (Verdict, [String]) {
    if groups.contains(where: { $0.verdict == .unbalanced }) { return (.unbalanced, []) }
    var reasons: [String] = []
    var told: [String] = []
    for reason in groups.filter({ $0.verdict == .inconclusive }).flatMap(\.reasons)
    where !told.contains(reason) {
      told.append(reason)
      let names = groups.filter { $0.verdict == .inconclusive && $0.reasons.contains(reason) }
        .map { $0.id.map { "\($0.value)" } ?? "without number" }
      reasons.append(
        (names.count == 1 ? "group " : "groups ") + names.joined(separator: ", ") + ": " + reason)
    }
    if warned > 0 {
      reasons.append(
        "the kernel warned about DMA ownership, and nothing shows of which group")
    }
    if ledger.beyond.total > 0 {
      reasons.append(
        "\(counted(ledger.beyond.total, "ownership call is on a group", "ownership calls are on groups")) beyond the first "
          + "\(ledger.groups.count), which are not followed"
      )
    }
    if hasForgotten {
      reasons.append(
        "more was open at once than is followed, so calls may have run that are not known; see the remarks")
    }
    if hasForgottenLog {
      reasons.append("logs or listings tell of more than is kept; see the remarks")
    }
    let open = ledger.unattributed
    if open.total > 0 {
      reasons.append(
        "\(counted(open.total, "ownership call")) cannot be given to a group: the capture has no argument that names it"
      )
    }
    // Of a group with calls of its own its count tells as much.
    if ledger.unwatched.uses > 0
      || ledger.groups.contains(where: { $0.changes.isEmpty && $0.unwatched.uses > 0 })
    {
      reasons.append("drivers were bound, but no use appears anywhere in the capture; make sure it is traced")
    }
    if evidence.contains(where: { $0.cutPasses > 0 }) {
      reasons.append(
        "a probe that had begun before the capture was removed and failed, and nothing shows that it gave back what it took"
      )
    }
    if lostBefore > 0 || losses.contains(where: { $0.kind != .missingUse && $0.kind != .tangled }) {
      reasons.append("events were lost, so calls may be missing")
    }
    if losses.contains(where: { $0.kind == .tangled }) {
      reasons.append(
        "lines name no task, and calls of several tasks run into each other: which return is whose is not known"
      )
    }
    if groups.allSatisfy({ $0.changes.isEmpty }), open.total == 0, ledger.beyond.total == 0 {
      reasons.append("no call that takes or gives back DMA ownership of a group is in the capture")
    }
    return reasons.isEmpty ? (.balanced, []) : (.inconclusive, reasons)
  }

  // MARK: - A group

  /// A group is unbalanced if and only if a finding proves a defect: verdict, findings and exit code agree.
  private func verdict(_ summary: GroupSummary, _ findings: [Finding]) -> (Verdict, [String]) {
    if findings.contains(where: { $0.severity == .error }) { return (.unbalanced, []) }
    if summary.verdict != .unbalanced { return (summary.verdict, summary.reasons) }
    return (.inconclusive, ["the count is higher than what is held by right, and nothing proves why"])
  }

  private func group(_ summary: GroupSummary, findings: [Finding]) -> GroupReport {
    let ledger = summary.ledger
    let (verdict, reasons) = verdict(summary, findings)
    let accounts = ledger.devices.sorted { names.text($0.name) < names.text($1.name) }
    var report = GroupReport(
      id: ledger.id.map(GroupID.init), incarnation: ledger.incarnation, verdict: verdict,
      reasons: reasons, initial: summary.initial, final: summary.final, peak: summary.peak,
      excess: summary.excess, owner: ledger.owner,
      devices: accounts.map {
        DeviceReport(
          name: names.text($0.name), driver: $0.lastDriver.map(names.text), isBound: $0.isBound,
          outstanding: $0.outstanding)
      } + listed(ledger),
      holders: holders(summary, accounts),
      changes: ledger.changes.kept.indices.map { change($0, summary) })
    report.foldedChanges = ledger.changes.fold.map { fold in
      FoldedChanges(
        place: fold.place, count: fold.count, calls: fold.calls, effective: fold.effective,
        firstTime: fold.first.time, firstAt: order.place(fold.first.entry.at), lastTime: fold.last.time,
        lastAt: order.place(fold.last.entry.at))
    }
    return report
  }

  /// Holders by right as a kernel log shows them, in words: an unbind is not in a log.
  private func told(_ binds: [LogBoot.Bind]) -> [String] {
    if binds.isEmpty { return [] }
    let drivers = binds.map { "\(names.text($0.driver)) to \(names.text($0.device))" }.joined(separator: ", ")
    return [
      "the kernel log binds \(drivers): each holds 1 by right if it is still bound, which a log does not tell"
    ]
  }

  /// Members that only a listing names.
  private func listed(_ ledger: GroupLedger) -> [DeviceReport] {
    ledger.listing.filter { member in !ledger.devices.contains { $0.name == member.device } }.map {
      DeviceReport(
        name: names.text($0.device), driver: ($0.driver ?? $0.logged?.driver).map(names.text),
        isBound: $0.tellsDriver ? $0.driver != nil : nil, outstanding: $0.holds ? 1 : 0)
    }
  }

  private func holders(_ summary: GroupSummary, _ accounts: [DeviceAccount]) -> [Holder] {
    var holders: [Holder] = []
    for account in accounts {
      // A use that only a log line named may have been given back by a call that nothing names.
      if let holding = account.holding, !holding.isNamedLater || ledger.unattributed.total == 0 {
        holders.append(
          Holder(
            kind: .bound, count: 1, device: names.text(account.name),
            driver: (holding.driver ?? account.driver).map(names.text), since: holding.time,
            at: order.place(holding.entry.at)))
      }
    }
    for member in summary.ledger.listedHolders {
      holders.append(
        Holder(
          kind: .bound, count: 1, device: names.text(member.device), driver: member.driver.map(names.text),
          at: order.place(member.witness.at)))
    }
    for account in accounts {
      for leak in account.leaks where leak.certainty > .suspected {
        holders.append(
          Holder(
            kind: .leaked, count: leak.references, device: names.text(account.name),
            driver: (leak.use.driver ?? account.driver).map(names.text), since: leak.use.time,
            at: order.place(leak.use.entry.at)))
      }
    }
    if summary.ledger.owner == .user {
      let owner = summary.ledger.ownerCall
      holders.append(
        Holder(
          kind: .owner, count: summary.final.exact, since: owner?.time, at: (owner?.entry.at).map(order.place)
        ))
    } else if summary.unexplained.max != 0 {
      // What is proved to be in excess was leaked, by whomever; only the rest may be somebody's.
      let excess = summary.excess.min - summary.leaked
      if excess > 0 { holders.append(Holder(kind: .leaked, count: excess)) }
      let rest = summary.unexplained.shifted(by: -excess)
      if rest.max != 0 { holders.append(Holder(kind: .unknown, count: rest.exact)) }
    }
    return holders
  }

  private func change(_ index: Int, _ summary: GroupSummary) -> Change {
    let kept = summary.ledger.changes.kept
    let entry = kept[index]
    let call = entry.call
    let count = summary.counts.counts(at: entry.step)
    let earlier = index > 0 ? kept[index - 1].step : nil
    return Change(
      time: call.time, call: call.kind, device: call.device.map(names.text),
      driver: call.driver.map(names.text),
      pid: call.pid >= 0 ? Int(call.pid) : nil, comm: call.comm.map(names.text),
      cpu: call.cpu >= 0 ? Int(call.cpu) : nil, result: call.result, before: count.before, after: count.after,
      certainty: entry.certainty, at: order.place(call.entry.at),
      isAfterGap: summary.ledger.history.isInterrupted(after: earlier, before: entry.step))
  }
}
