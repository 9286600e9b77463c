/// The answer about a group that only the log of a program says was refused: no call shows when, or at what count.
struct LoggedAnswer {
  private let group: GroupLedger
  private let context: FindingContext
  private let story: LoggedStory
  /// Leaks that came before somebody was last seen asking: they may be what stood in the way.
  private let leaks: [(device: NameID, leak: Leak)]

  /// `lastRequest` is the last query or claim in the trace that may have been for this group.
  init(group: GroupLedger, lastRequest: OwnershipCall?, context: FindingContext) {
    self.group = group
    self.context = context
    let story = LoggedStory(group)
    self.story = story
    leaks = story.leaks.filter { _, leak in lastRequest.map { leak.use.entry.at < $0.entry.at } ?? true }
  }

  func answer() -> Answer {
    Answer(
      cause: cause, certainty: story.holders.isEmpty ? .suspected : .consistent, headline: headline,
      steps: steps,
      legitimate: story.holders.map(context.holder),
      leaked: cause == .leak ? leaks.map { context.holder($0.device, $0.leak) } : [],
      unexplained: cause == .unknown ? .unknown : nil, fix: fix)
  }

  private var cause: Answer.Cause {
    if !story.holders.isEmpty { return .holder }
    // A group that is given away was free: what had leaked would still be there.
    return leaks.isEmpty || grant != nil ? .unknown : .leak
  }

  private var headline: String {
    let isPast = grant != nil
    let symptom = "\(context.name(group).capitalizedFirst) \(isPast ? "was" : "is") not viable"
    switch cause {
    case .holder:
      let names = story.holders.map {
        "\(context.names.text($0.device)) (\(context.text($0.driver) ?? "a driver"))"
      }
      guard story.holders.count == 1, let holder = story.holders.first else {
        return
          "\(symptom) because \(context.some(names)) are bound natively and hold 1 reference each by right."
      }
      return "\(symptom) because \(context.names.text(holder.device)) is bound to "
        + "\(context.text(holder.driver) ?? "a native driver"), which holds 1 reference by right."
    case .leak:
      return
        "\(symptom), most likely because it still carries \(references(leaks.map(\.leak).references)) that nobody will "
        + "give back, taken by \(context.some(context.leakers(leaks)))."
    default:
      if story.moved == nil, story.knowsDrivers {
        return
          "\(symptom) although no member has a driver that holds a reference: what is counted was leaked, "
          + "or another owner has the group."
      }
      return "\(symptom), and nothing in what was given shows who \(isPast ? "held" : "holds") it."
    }
  }

  private var steps: [Answer.Step] {
    var steps: [Answer.Step] = []
    if let told = group.toldRefusals.last {
      let device = context.text(told.device).map { " that asked for \($0)" } ?? ""
      let times = group.toldRefusals.count > 1 ? ", \(group.toldRefusals.count) times" : ""
      steps.append(context.step("the log of the program\(device) says so\(times)", told.witness))
    }
    if let moved = story.moved {
      let driver = context.text(moved.driver) ?? "a native driver"
      steps.append(
        context.step(
          "the listing is of another moment, for it shows \(context.names.text(moved.device)) bound to \(driver), and "
            + "does not tell who held the group then", moved.witness))
    } else {
      steps += (story.holders.isEmpty ? group.listing : story.holders).prefix(6).map(context.step)
    }
    if cause == .leak {
      steps += leaks.prefix(3).map { context.step(left($0.leak, $0.device), $0.leak.use.entry) }
    }
    if let grant {
      steps.append(context.step("after that a program was given it, so nothing stayed behind", grant))
    }
    return steps + kernel
  }

  /// A line behind the last refusal that says that a program got the group.
  private var grant: Witness? {
    guard let grant = group.toldGrant, let told = group.toldRefusals.last?.witness,
      grant.at.source == told.at.source, grant.at > told.at
    else { return nil }
    return grant
  }

  private func left(_ leak: Leak, _ device: NameID) -> String {
    "\(context.deed(leak.use, of: device, "left", "1 reference behind"))\(context.when(leak.use))"
  }

  private var kernel: [Answer.Step] {
    guard cause != .holder, grant == nil, context.evidence.verdict == .unfixed,
      let clause = TestRemoveFix.clause(context)
    else {
      return []
    }
    return (cause == .leak ? [] : [context.habit(in: group)]) + [Answer.Step(text: clause)]
  }

  private var fix: String {
    switch cause {
    case .holder: AnswerFix.holder(story.holders.map { ($0.device, $0.driver) }, context)
    case .leak:
      AnswerFix.leak(
        members: context.memberNames(of: group), leaks: leaks, context)
    default: AnswerFix.record(isOver: grant != nil, context)
    }
  }
}
