/// What a capture leaves open, each settled by something else that would have to be recorded.
enum OpenQuestion: Hashable, Sendable {
  /// No call on any group was recorded.
  case calls
  /// Calls were recorded and nothing says on which group.
  case names
  /// Nothing watches who gives back.
  case unuse
  /// Calls may have been refused, because no return code was recorded.
  case returns
  /// Changes were recorded, and nothing says what the count was.
  case counts
  /// References are out whose holder is not known, and who is in the group is not known either.
  case members
  /// References were taken before the capture began.
  case start
  /// Events were lost.
  case loss
  /// Part of a file is gone.
  case damage
}

/// The open questions of a capture, and what it already shows, so that nothing is asked for twice.
struct OpenQuestions: Sendable {
  private(set) var all: Set<OpenQuestion> = []
  /// Whether return codes were recorded.
  private(set) var hasReturns = false
  /// Calls of which return codes are missing, in a fixed order.
  private(set) var withoutReturn: [OwnershipCallKind] = []

  init(
    _ summaries: [GroupSummary], asked: Set<Int>, isInconclusive: Bool, ledger: Ledger,
    _ context: FindingContext,
    lostBefore: Int
  ) {
    hasReturns =
      ledger.lastUnattributedRequest?.result != nil
      || summaries.contains { $0.ledger.changes.sawResult }
    for (index, summary) in summaries.enumerated()
    where isInconclusive && summary.verdict == .inconclusive || asked.contains(index) {
      all.formUnion(Self.questions(about: summary, wasAsked: asked.contains(index), context))
    }
    guard isInconclusive || !asked.isEmpty else { return }
    if lostBefore > 0 { all.insert(.loss) }
    for loss in context.losses where loss.kind != .missingUse {
      all.insert(loss.isDamage ? .damage : .loss)
    }
    if lostBefore == 0, context.losses.allSatisfy(\.isDamage), !context.losses.isEmpty { all.remove(.loss) }
    if ledger.unattributed.total > 0 {
      all.insert(.names)
    } else if summaries.allSatisfy({ $0.ledger.changes.isEmpty }) {
      all.formUnion([.calls, .members])
    }
    // Probes with arguments bring names, counts and whoever gives back in one.
    if !all.isDisjoint(with: [.names, .calls]) { all.subtract([.unuse, .returns, .counts]) }
    withoutReturn = OwnershipCallKind.allCases.filter { kind in
      summaries.contains { $0.ledger.changes.lacksReturn[kind] > 0 }
    }
  }

  private static func questions(
    about summary: GroupSummary, wasAsked: Bool, _ context: FindingContext
  ) -> Set<OpenQuestion> {
    let group = summary.ledger
    let knowsMembers = group.listingIsComplete && LoggedStory(group).moved == nil
    guard !group.changes.isEmpty else { return wasAsked ? [knowsMembers ? .start : .members] : [] }
    if group.losses > 0 { return [.loss] }
    let lacksReturns = group.changes.lacksReturn.total > 0
    let readsCounts = group.changes.readsCounts
    var open: Set<OpenQuestion> = []
    if !context.evidence.unuseIsTraceable, group.changes.sawUse {
      open.insert(.unuse)
    }
    if lacksReturns { open.insert(.returns) }
    if summary.final.exact == nil, !readsCounts { open.insert(.counts) }
    if group.anomalies.contains(where: { if case .impossible = $0.kind { true } else { false } }) {
      open.insert(.loss)
    }
    // What is missing from the record comes first; only of a complete one is it asked what came before.
    if open.isEmpty {
      open.insert(knowsMembers ? .start : .members)
    }
    return open
  }
}
