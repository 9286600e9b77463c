/// The answer about a group that nobody was refused in the capture: how it stands at the end.
struct StandingAnswer {
  let summary: GroupSummary
  let report: GroupReport
  let context: FindingContext

  func answer() -> Answer {
    let legitimate = report.holders.filter { $0.kind == .bound || $0.kind == .owner }
    let leaked = report.holders.filter { $0.kind == .leaked }
    let rest = summary.unexplained.shifted(by: -max(0, summary.excess.min - summary.leaked))
    return Answer(
      cause: cause(legitimate, leaked), certainty: certainty(leaked), headline: headline(legitimate, leaked),
      steps: steps(legitimate, leaked), legitimate: legitimate, leaked: leaked,
      unexplained: rest.max == 0 ? nil : rest, fix: fix(legitimate, leaked))
  }

  private func cause(_ legitimate: [Holder], _ leaked: [Holder]) -> Answer.Cause {
    if !leaked.isEmpty { return .leak }
    if report.owner == .user { return .owner }
    if report.final.exact == 0 { return .nothing }
    return report.verdict == .balanced || summary.unexplained.max == 0 ? .holder : .unknown
  }

  private func certainty(_ leaked: [Holder]) -> Certainty {
    if !leaked.isEmpty {
      let known = summary.ledger.allLeaks.map(\.leak.certainty).filter { $0 > .suspected }.min()
      return known ?? (summary.ledger.hasAllMembers ? .proved : .consistent)
    }
    return report.verdict == .balanced ? .proved : .suspected
  }

  private func headline(_ legitimate: [Holder], _ leaked: [Holder]) -> String {
    let name = context.name(summary.ledger).capitalizedFirst
    switch cause(legitimate, leaked) {
    case .leak:
      let count = leaked.reduce(0) { $0 + ($1.count ?? 0) }
      let besides =
        legitimate.isEmpty
        ? "" : ", besides what \(context.some(legitimate.map(describe))) \(verb(legitimate)) by right"
      return
        "\(name) carries \(references(count)) that nobody will give back\(besides): VFIO is refused it for good."
    case .owner:
      return "\(name) is owned by user space when the capture ends, and anybody else is refused it."
    case .holder:
      return
        "\(name) is held by right by \(context.some(legitimate.map(describe))): VFIO is refused it until "
        + "\(legitimate.count == 1 ? "that is" : "they are") unbound."
    case .nothing: return "\(name) can be had: nothing holds it when the capture ends."
    case .domain, .unknown, .absent:
      return report.changes.isEmpty
        ? "\(name) appears in no ownership call of the capture, so nothing is known of its count."
        : "Whether \(context.name(summary.ledger)) can be had is not decided by the capture."
    }
  }

  private func describe(_ holder: Holder) -> String {
    switch (holder.driver, holder.device) {
    case (let driver?, let device?): "\(driver) for \(device)"
    case (nil, let device?): "the driver of \(device)"
    case (let driver?, nil): driver
    case (nil, nil): holder.kind == .owner ? "its user-space owner" : "a driver"
    }
  }

  /// Since when, where that is known: a capture without times shows the call that took it, and no time.
  private func since(_ holder: Holder) -> String {
    if let time = holder.since { return " since \(context.clock(time))" }
    let isListed = summary.ledger.listedHolders.contains { context.text($0.device) == holder.device }
    return isListed || holder.at == nil ? " since before the capture" : ""
  }

  private func verb(_ holders: [Holder]) -> String { holders.count == 1 ? "holds" : "hold" }

  private func steps(_ legitimate: [Holder], _ leaked: [Holder]) -> [Answer.Step] {
    var steps: [Answer.Step] = []
    if let last = report.changes.last {
      let count =
        report.final.exact.map { "\($0)" }
        ?? report.final.max.map { "\(report.final.min) to \($0)" } ?? "at least \(report.final.min)"
      steps.append(
        Answer.Step(
          text: "nobody was refused it in the capture, and its count is \(count) at the end", at: last.at,
          time: last.time))
    }
    for holder in leaked.prefix(4) where holder.device != nil {
      let when = holder.since.map { " " + context.moment($0) } ?? ""
      steps.append(
        Answer.Step(
          text: "\(describe(holder)) took a reference\(when) that it will not give back", at: holder.at,
          time: holder.since))
    }
    for holder in legitimate.prefix(4) {
      steps.append(
        Answer.Step(
          text: "\(describe(holder)) holds \(holder.count ?? 1) by right\(since(holder))", at: holder.at,
          time: holder.since))
    }
    if report.changes.isEmpty {
      steps += summary.ledger.listing.prefix(6).map(context.step)
    }
    steps += report.reasons.map { Answer.Step(text: $0) }
    if !leaked.isEmpty, context.evidence.verdict == .unfixed, let clause = TestRemoveFix.clause(context) {
      steps.append(Answer.Step(text: clause))
    }
    return steps
  }

  private func fix(_ legitimate: [Holder], _ leaked: [Holder]) -> String {
    switch cause(legitimate, leaked) {
    case .leak:
      return AnswerFix.leak(
        members: context.memberNames(of: summary.ledger),
        leaks: summary.ledger.allLeaks.filter { $0.leak.certainty > .suspected }, context)
    case .holder:
      return
        "unbind \(context.some(legitimate.compactMap(\.device))) or bind to vfio-pci before VFIO asks for the group"
    case .owner:
      return
        "let the owner release the group, or open all of its devices through the same container or iommufd"
    case .nothing: return "nothing"
    case .domain, .unknown, .absent:
      return AnswerFix.record(isOver: false, context)
    }
  }
}
