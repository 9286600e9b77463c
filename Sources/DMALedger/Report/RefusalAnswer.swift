/// The answer about a group that a query or a claim was refused, from the last refusal back to its cause.
struct RefusalAnswer {
  private let summary: GroupSummary
  private let context: FindingContext
  private let story: RefusalStory
  /// The call that was refused: of a query and the claim behind it the claim, which brings an error code.
  private let refusal: OwnershipCall
  /// The last refusal was for the attached domain, at a count of 0.
  private let isDomain: Bool

  private var group: GroupLedger { summary.ledger }

  /// Nothing where no call was refused.
  init?(_ summary: GroupSummary, _ context: FindingContext) {
    self.summary = summary
    self.context = context
    let refused = summary.ledger.refusals.last
    let domain = summary.ledger.refusals.domain.last
    if let refused, domain.map({ $0.call.entry.at < refused.call.entry.at }) ?? true {
      story = RefusalStory(refused, in: summary)
      refusal = refused.second ?? refused.call
      isDomain = false
    } else if let domain {
      story = RefusalStory(
        GroupRefusals.Refusal(call: domain.call, step: domain.step, owner: .none), in: summary)
      refusal = domain.call
      isDomain = true
    } else {
      return nil
    }
  }

  func answer() -> Answer {
    Answer(
      cause: cause, certainty: certainty, headline: headline, at: at.map(context.order.place), steps: steps,
      legitimate: isDomain ? [] : legitimate, leaked: isDomain ? [] : leaked,
      unexplained: isDomain || unknown.max == 0 ? nil : unknown, fix: fix)
  }

  // MARK: - What it comes to

  private var cause: Answer.Cause {
    isDomain ? .domain : Answer.Cause(rawValue: story.cause) ?? .unknown
  }

  private var ownerless: Int { story.ownerless }

  private var unknown: Count { story.unexplained.shifted(by: -ownerless) }

  private var certainty: Certainty {
    switch cause {
    case .leak:
      let leaks = story.leaks.map(\.leak.certainty).min() ?? .proved
      return ownerless > 0 && !group.hasAllMembers ? min(leaks, .consistent) : leaks
    case .holder:
      let isFirm = story.holdings.allSatisfy { !$0.isListed && (!$0.isFromBefore || context.evidence.sawUse) }
      return isFirm ? .proved : .consistent
    case .owner, .domain: return .proved
    case .unknown, .nothing, .absent: return .suspected
    }
  }

  private var legitimate: [Holder] {
    if story.refusal.owner == .user {
      let call = story.refusal.ownerCall
      return [
        Holder(
          kind: .owner, count: story.count.exact, since: call?.time,
          at: (call?.entry.at).map(context.order.place))
      ]
    }
    return story.holdings.map { holding in
      Holder(
        kind: .bound, count: 1, device: context.text(holding.device), driver: context.text(holding.driver),
        since: holding.isFromBefore ? nil : holding.witness.time, at: context.order.place(holding.witness.at))
    }
  }

  private var leaked: [Holder] {
    var holders = story.leaks.map { context.holder($0.device, $0.leak) }
    if ownerless > 0 { holders.append(Holder(kind: .leaked, count: ownerless)) }
    return holders
  }

  // MARK: - The sentence

  private var headline: String {
    let name = context.name(group).capitalizedFirst
    let symptom =
      isOver
      ? "\(name) was not viable\(context.when(refusal))" : "\(name) is not viable"
    switch cause {
    case .domain:
      return "\(name) was refused although its count is 0: a foreign domain, or a PASID, is attached to it."
    case .owner:
      let owner = story.refusal.ownerCall
        .map { "\(context.task($0)) claimed it\(context.when($0)) and had not let go" }
      return "\(symptom) because \(owner ?? "another user-space owner had it")."
    case .holder: return "\(symptom) because \(holdersClause)."
    case .leak:
      let rest = [story.holdings.isEmpty ? nil : holdersClause, restClause].compactMap { $0 }
      return "\(symptom) because it \(isOver ? "carried" : "still carries") \(leakClause)"
        + (rest.isEmpty ? "" : "; besides, " + rest.joined(separator: ", and ")) + "."
    case .unknown, .nothing, .absent:
      let held = story.holdings.isEmpty ? "" : ": \(holdersClause), and"
      let whose =
        story.holdings.isEmpty
        ? ", and who \(isOver ? "held" : "holds") \(story.count.exact == 1 ? "that reference" : "those references") is not in the capture"
        : " who \(isOver ? "held" : "holds") the other \(words(story.unexplained)) is not in the capture"
      return "\(symptom), with an owner_cnt of \(words(story.count))\(held)\(whose)."
    }
  }

  /// The line of the one call or listing that the headline names.
  private var at: LineReference? {
    switch cause {
    case .leak:
      story.leaked == 1 && unknown.max == 0 && ownerless == 0 && story.holdings.isEmpty
        ? story.leaks.first?.leak.use.entry.at : nil
    case .holder: story.holdings.count == 1 ? story.holdings.first?.witness.at : nil
    case .owner: story.refusal.ownerCall?.entry.at
    case .domain, .unknown, .nothing, .absent: nil
    }
  }

  private var holdersClause: String {
    let names = story.holdings.map { holding in
      "\(context.names.text(holding.device)) (\(context.text(holding.driver) ?? "a native driver"))"
    }
    guard names.count == 1, let holding = story.holdings.first else {
      return "\(context.some(names)) \(isOver ? "were" : "are") still bound natively and "
        + "\(isOver ? "held" : "hold") 1 reference each by right"
    }
    return
      "\(context.names.text(holding.device)) \(isOver ? "was" : "is") still bound to "
      + "\(context.text(holding.driver) ?? "a native driver"), which \(isOver ? "held" : "holds") 1 reference by right, "
      + since(holding)
  }

  private var leakClause: String {
    let leaks = story.leaks
    let tail = "and nobody will give back"
    if leaks.isEmpty {
      let least = unknown.max == 0 ? "" : "at least "
      return "\(least)\(references(ownerless)) that \(ownerless == 1 ? "belongs" : "belong") to nobody"
    }
    var clause: String
    if story.leaked == 1, let (device, leak) = leaks.first {
      clause =
        "1 reference that \(context.text(leak.use.driver) ?? "a driver") took for \(context.names.text(device))"
      clause += "\(context.when(leak.use)) \(tail)"
    } else {
      clause =
        "\(references(story.leaked)) that nobody will give back, taken by \(context.some(context.leakers(leaks)))"
    }
    if ownerless > 0 {
      clause += ", and \(ownerless) more that \(ownerless == 1 ? "belongs" : "belong") to nobody"
    }
    return clause
  }

  /// What neither leak nor holder accounts for.
  private var restClause: String? {
    guard unknown.max != 0, ownerless == 0 else { return nil }
    return "who holds the other \(words(unknown)) is not in the capture"
  }

  private func words(_ count: Count) -> String {
    if let exact = count.exact { return "\(exact)" }
    return count.max.map { "\(count.min) to \($0)" } ?? "at least \(count.min)"
  }

  // MARK: - The chain

  private var steps: [Answer.Step] {
    var steps = [symptom]
    if let told = group.toldRefusals.last {
      steps.append(context.step("the program that asked says so", told.witness))
    }
    steps += earlier
    if isDomain { return steps + granted }
    steps += leakSteps
    steps += story.holdings.prefix(4).map(step)
    if let owner = story.refusal.ownerCall, story.refusal.owner == .user {
      steps.append(
        context.step(
          "\(context.task(owner)) claims it\(context.when(owner))", owner.entry))
    }
    if ownerless > 0 {
      steps.append(
        Answer.Step(
          text:
            "\(story.whyOwnerless), and what took \(ownerless == 1 ? "it" : "them") came before the capture",
          at: (group.listing.first?.witness.at).map(context.order.place)))
    }
    steps += granted
    return steps + kernel
  }

  private var symptom: Answer.Step {
    let code = refusal.result.map { $0 < 0 ? ", with \(context.errno($0))" : "" } ?? ""
    let count = isDomain ? "" : ", when owner_cnt was \(words(story.count))"
    return context.step(
      "\(context.task(refusal)) was refused it\(context.when(refusal))\(code)\(count)",
      refusal.exit ?? refusal.entry)
  }

  /// Refusals before the one that is told.
  private var earlier: [Answer.Step] {
    let before = group.refusals.kept.filter { $0.call.entry.at < story.refusal.call.entry.at }
    guard let first = before.first else { return [] }
    let other = RefusalStory(first, in: summary)
    let count = before.reduce(group.refusals.dropped) { $0 + $1.count }
    var text = count == 1 ? "so it was once before" : "so it was \(count) times before, first"
    text += context.when(first.call)
    let gone = other.holdings.filter { holding in !story.holdings.contains { $0.device == holding.device } }
    if other.refusal.owner != .user, !gone.isEmpty {
      let names = context.some(gone.map { context.names.text($0.device) })
      text += ", then with \(names) bound natively as well"
    }
    return [context.step(text, first.call.exit ?? first.call.entry)]
  }

  private var leakSteps: [Answer.Step] {
    guard story.leaked == 1, let (device, leak) = story.leaks.first else {
      return context.leakers(story.leaks).prefix(4).compactMap { who in
        let own = story.leaks.filter { context.holder(driver: $0.leak.use.driver, device: $0.device) == who }
        return own.first.map { several(own, first: $0.leak) }
      }
    }
    var steps = [
      context.step(
        "\(context.deed(leak.use, of: device))\(context.when(leak.use))",
        leak.use.entry)
    ]
    if let lost = lost(leak) { steps.append(lost) }
    if let unuse = unuse(of: device, after: leak) {
      steps.append(
        context.step(
          "the unbind\(context.when(unuse)) gave back one of the two", unuse.entry))
    }
    return steps
  }

  /// The leaks of one driver on one device.
  private func several(_ leaks: [(device: NameID, leak: Leak)], first leak: Leak) -> Answer.Step {
    let count = leaks.map(\.leak).references
    var text = context.deed(leak.use, of: leaks[0].device, "left", "\(references(count)) behind")
    text += (count == 1 ? ", taken" : ", the first taken") + context.when(leak.use)
    if leak.cause.isTestRemove, let again = leak.again {
      text += " and again\(context.when(again)) by the test-remove re-probe"
      text += " with no dma_cleanup() in between"
    }
    return context.step(text, leak.use.entry)
  }

  /// How a reference lost its owner.
  private func lost(_ leak: Leak) -> Answer.Step? {
    let again = leak.again.map { ($0, context.when($0)) }
    switch leak.cause {
    case .testRemove:
      return again.map { call, moment in
        context.step(
          "the test-remove re-probe took another one\(moment), with no dma_cleanup() in between", call.entry)
      }
    case .testRemoveUnbound:
      return leak.remove.map {
        context.step(
          "the test-remove\(context.when($0)) ran without dma_cleanup(), and the second pass failed before it used "
            + "the group", $0)
      }
    case .probeFailure:
      return leak.window.map { context.step("its probe failed and did not give the reference back", $0) }
    case .unbind: return Answer.Step(text: "the driver was unbound to the end without giving it back")
    case .blocked: return Answer.Step(text: "its unuse was refused, because a PASID is attached")
    case .unexplained:
      return again.map { call, moment in
        context.step(
          "a later bind took another one\(moment), and how the first bind ended was not seen", call.entry)
      }
    }
  }

  /// The unbind that gave back the second of two references, before the refusal.
  private func unuse(of device: NameID, after leak: Leak) -> OwnershipCall? {
    guard leak.cause == .testRemove, !story.holdings.contains(where: { $0.device == device }) else {
      return nil
    }
    return group.changes.kept.last {
      $0.call.kind == .unuse && $0.call.device == device && $0.step > leak.step
        && $0.step < story.refusal.step
    }?.call
  }

  private func step(_ holding: RefusalStory.Holding) -> Answer.Step {
    let name = context.names.text(holding.device)
    let who = context.text(holding.driver).map { "\($0) holds 1 for \(name)" } ?? "\(name) holds 1"
    return context.step("\(who) by right, \(since(holding))", holding.witness)
  }

  private func since(_ holding: RefusalStory.Holding) -> String {
    if holding.isListed { return "since before the capture began, as the listing shows" }
    return holding.isFromBefore
      ? "since before the capture began and until it gave it back\(context.when(holding.witness))"
      : "taken\(context.when(holding.witness))"
  }

  /// The call that got it later on, or was told that it could.
  private var grant: OwnershipCall? { group.changes.grant }

  /// Nobody asked again, and by the end of the capture nothing holds it any more.
  private var isFreed: Bool {
    grant == nil && !isDomain && cause != .leak && group.owner != .user && summary.final.exact == 0
  }

  /// Whatever stood in the way is gone.
  private var isOver: Bool { grant != nil || isFreed }

  private var granted: [Answer.Step] {
    if let grant {
      let what =
        grant.kind == .query
        ? "told\(context.when(grant)) that it is viable" : "given it\(context.when(grant))"
      return [context.step("later \(context.task(grant)) was \(what)", grant.entry)]
    }
    guard isFreed, let last = group.changes.last?.call else { return [] }
    let isLast = group.changes.lastRequest?.entry.at == refusal.entry.at
    return [
      context.step("\(isLast ? "nobody asked again, and " : "")its count is 0 at the end", last.entry)
    ]
  }

  /// What the kernel has to do with it.
  private var kernel: [Answer.Step] {
    guard context.evidence.verdict == .unfixed, let clause = TestRemoveFix.clause(context) else { return [] }
    let last = Answer.Step(text: clause)
    if story.leaks.contains(where: \.leak.cause.isTestRemove) { return [last] }
    // A group that is given away was free: what had leaked would still be there.
    guard !isOver, ownerless > 0 || cause == .unknown && unknown.max != 0 else { return [] }
    return [context.habit(in: group), last]
  }

  // MARK: - What to do

  private var fix: String {
    switch cause {
    case .leak:
      let first =
        story.holdings.isEmpty
        ? ""
        : "unbinding \(context.some(story.holdings.map { context.names.text($0.device) })) is not enough; "
      return first + AnswerFix.leak(members: context.memberNames(of: group), leaks: story.leaks, context)
    case .holder where isOver:
      let names = context.some(story.holdings.map { context.names.text($0.device) })
      return
        "\(again); so that it can be had from the start, let vfio-pci come before the native driver of \(names)"
    case .holder:
      return AnswerFix.holder(story.holdings.map { ($0.device, $0.driver) }, context)
    case .owner where isOver: return again
    case .owner:
      return
        "let the other owner release the group, or open all of its devices through the same container or iommufd"
    case .domain:
      return
        "find who attached a domain of its own (vhost-vdpa, a graphics driver, SVA) and let it detach first; nothing "
        + "has leaked"
    case .unknown, .nothing, .absent: return AnswerFix.record(isOver: isOver, context)
    }
  }

  private var again: String {
    grant == nil
      ? "ask again, for nothing holds it when the capture ends" : "nothing now, for it could be had later on"
  }
}
