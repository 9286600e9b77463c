import DMALedger

/// What a report says of a life, with calls in the place of lines and without times: the same in all dialects that carry
/// the same facts.
extension KernelTruth {
  package var facts: [String] {
    [
      "\(report.verdict), \(report.kernel.testDriverRemove), \(report.kernel.windows), \(report.kernel.reprobes)"
    ]
      + report.groups.flatMap(facts) + report.findings.map(facts)
      + ["without group \(report.unattributed)"]
  }

  private func facts(_ group: GroupReport) -> [String] {
    let name = "group \(group.id.map { "\($0.value)" } ?? "?").\(group.incarnation)"
    let counts =
      "\(group.initial) \(group.peak) \(group.final), excess \(group.excess), owner \(group.owner)"
    let holders = group.holders.map { holder in
      "\(name) \(holder.kind) \(holder.count.map(String.init) ?? "?") \(holder.device ?? "") \(holder.driver ?? "")"
    }
    let changes = zip(group.changes, calls(of: group)).map { change, call in
      let who = "\(change.device ?? "") \(change.driver ?? "")"
      let result = change.result.map(String.init) ?? ""
      return "\(name) call \(call ?? -1) \(change.call) \(who) \(result) \(change.before) \(change.after) "
        + "\(change.certainty) \(change.isAfterGap)"
    }
    return ["\(name) \(group.verdict) \(counts)"] + holders + changes
  }

  private func facts(_ finding: Finding) -> String {
    "\(finding.rule) \(finding.severity) \(finding.certainty) \(finding.group?.value ?? -1).\(finding.incarnation ?? -1) "
      + "\(finding.device ?? "") \(finding.driver ?? "") \(finding.excess ?? -1) \(finding.cause ?? "") "
      + finding.fingerprint
  }
}
