/// Finds out which groups were asked for and has each of them answered.
struct AnswerBuilder {
  /// What the findings of each boot look at.
  let contexts: [FindingContext]
  let ledger: Ledger
  let incident: IncidentFacts
  let summaries: [GroupSummary]
  let reports: [GroupReport]
  let questions: [Question]

  /// Names and lines are the same whatever the boot.
  private var context: FindingContext { contexts[contexts.count - 1] }

  /// What was asked for by name first, in the order of the questions; then what was refused, by group.
  func answers() -> [Answer] {
    var answered: Set<Int> = []
    var answers: [Answer] = []
    for question in questions {
      let device = device(of: question)
      guard let index = group(of: question) else {
        answers.append(isGroupless(question) ? groupless(question) : absent(question))
        continue
      }
      guard answered.insert(index).inserted else { continue }
      answers.append(answer(index, device: device))
    }
    for index in summaries.indices where wasAsked(summaries[index].ledger) && !answered.contains(index) {
      answers.append(answer(index, device: nil))
    }
    if answers.isEmpty, let refusal = ledger.unattributedRefusals.last {
      answers.append(unplaced(refusal, ledger.unattributedRefusals.count))
    }
    return answers
  }

  private func wasAsked(_ group: GroupLedger) -> Bool {
    !group.refusals.isEmpty || !group.toldRefusals.isEmpty
  }

  private func answer(_ index: Int, device: String?) -> Answer {
    let summary = summaries[index]
    let context = contexts[summary.ledger.boot]
    var answer =
      if let story = RefusalAnswer(summary, context) {
        story.answer()
      } else if !summary.ledger.toldRefusals.isEmpty {
        LoggedAnswer(
          group: summary.ledger,
          lastRequest: ledger.lastUnattributedRequest ?? summary.ledger.changes.lastRequest,
          context: context
        ).answer()
      } else {
        StandingAnswer(summary: summary, report: reports[index], context: context).answer()
      }
    answer.group = summary.ledger.id.map(GroupID.init)
    answer.incarnation = summary.ledger.incarnation
    answer.device = device
    return answer
  }

  // MARK: - Questions

  private func device(of question: Question) -> String? {
    guard case .device(let name) = question else { return nil }
    let spellings = Question.spellings(of: name)
    return spellings.first(where: isKnown) ?? spellings.first(where: context.names.contains) ?? name
  }

  private func isKnown(_ device: String) -> Bool {
    knownDevices.contains { $0.name == device }
  }

  /// The last group of that number, or the last one that the device was in.
  private func group(of question: Question) -> Int? {
    switch question {
    case .group(let id): return summaries.lastIndex { $0.ledger.id == id }
    case .device(let name):
      let spellings = Question.spellings(of: name)
      return summaries.lastIndex { summary in
        context.memberNames(of: summary.ledger).contains { spellings.contains($0) }
      }
    }
  }

  /// Devices that calls, listings or logs name, with their groups.
  private var knownDevices: [(name: String, group: Int?)] {
    var known: [(name: String, group: Int?)] = []
    var told: Set<String> = []
    for group in ledger.groups {
      for name in context.memberNames(of: group) where told.insert(name).inserted {
        known.append((name, group.id))
      }
    }
    for id in incident.groups.keys.sorted() {
      for device in incident.groups[id] ?? [] {
        let name = context.names.text(device)
        if told.insert(name).inserted { known.append((name, id)) }
      }
    }
    return known.sorted { ($0.group ?? .max, $0.name) < ($1.group ?? .max, $1.name) }
  }

  private func absent(_ question: Question) -> Answer {
    let asked: String
    var device: String?
    var group: GroupID?
    switch question {
    case .device(let name):
      asked = "device \(name)"
      device = name
    case .group(let id):
      asked = "group \(id)"
      group = GroupID(id)
    }
    let steps = knownGroups
    let headline =
      "Nothing in what was given names \(asked)" + (steps.isEmpty ? ", nor any other group." : ".")
    return Answer(
      group: group, device: device, cause: .absent, certainty: .proved, headline: headline, steps: steps,
      fix:
        "look up the group in /sys/bus/pci/devices/…/iommu_group, and give the capture of the machine and boot that "
        + "it belongs to, or a listing (`find /sys/kernel/iommu_groups -type l`) beside it")
  }

  /// What can be asked for instead.
  private var knownGroups: [Answer.Step] {
    let known = knownDevices
    let listed = Set(ledger.groups.compactMap(\.id)).union(incident.groups.keys).sorted().map { id in
      let members = known.filter { $0.group == id }.map(\.name)
      return "\(id)" + (members.isEmpty ? "" : " (\(context.some(members)))")
    }
    return listed.isEmpty
      ? [] : [Answer.Step(text: "what it knows are the groups \(context.some(listed, most: 24))")]
  }

  /// A device that is named somewhere, and no group with it.
  private func isGroupless(_ question: Question) -> Bool {
    guard case .device(let name) = question else { return false }
    return Question.spellings(of: name).contains(where: context.names.contains)
  }

  private func groupless(_ question: Question) -> Answer {
    let name = device(of: question) ?? ""
    return Answer(
      device: name, cause: .unknown, certainty: .suspected,
      headline:
        "Device \(name) is named in what was given, and no group with it: it is in none and holds none, or "
        + "nothing says in which it is.",
      steps: knownGroups,
      fix: "give a listing of groups and devices (`find /sys/kernel/iommu_groups -type l`) in the same call")
  }

  // MARK: - Refusals without a group

  private func unplaced(_ refusal: OwnershipCall, _ times: Int) -> Answer {
    Answer(
      cause: .unknown, certainty: .suspected,
      headline: "VFIO asked for a group and was refused, and which group it was is not in the capture.",
      steps: [
        context.step(
          "\(context.task(refusal)) was told no\(context.when(refusal))"
            + (times > 1 ? ", the last of \(times) times" : ""), refusal.exit ?? refusal.entry)
      ],
      fix:
        "give the log of QEMU, libvirt or DPDK in the same call, which names the group, or record the group's id and "
        + "count as arguments of the probes")
  }
}

extension Question {
  /// How the kernel may spell a device: a PCI address without its domain is of domain 0000.
  static func spellings(of name: String) -> [String] {
    let bytes = Array(name.utf8)
    guard bytes.count == 7, PCIAddress.take(bytes.span, at: 0) != nil else { return [name] }
    return [name, "0000:" + name]
  }

  /// The group a listing or log shows for it.
  func group(in facts: IncidentFacts, _ names: borrowing NameTable) -> Int? {
    switch self {
    case .group(let id): return facts.groups[id] == nil ? nil : id
    case .device(let name):
      let spellings = Self.spellings(of: name)
      for id in facts.groups.keys.sorted() {
        for device in facts.groups[id] ?? [] where spellings.contains(names.text(device)) { return id }
      }
      return nil
    }
  }
}
