package import DMALedger

/// A report on a capture of a life, held against what really happened: everything in it that is not true.
package struct KernelTruth {
  let kernel: SimulatedKernel
  let capture: KernelCapture
  let text: KernelCapture.Text
  package let report: Report
  private(set) var complaints: [String] = []
  /// The first line of each file.
  private let starts: [Int]

  /// `isExact`: the capture shows everything, so nothing may be left open either.
  package init(_ kernel: SimulatedKernel, _ capture: KernelCapture, isExact: Bool) {
    self.kernel = kernel
    self.capture = capture
    let text = capture.text(of: kernel)
    self.text = text
    var analyzer = Analyzer()
    let parts = text.parts(capture.split)
    starts = parts.map(\.lowerBound)
    let inputs = parts.map { SourceInput.bytes(text.bytes(of: $0), name: "life \($0)") }
    _ = analyzer.read(inputs, heads: analyzer.heads(of: inputs))
    let listing = capture.hasListing ? capture.listing(of: kernel) : ""
    if !listing.isEmpty { analyzer.read(bytes: Array(listing.utf8), name: "listing") }
    report = analyzer.finish()
    judgeKernel()
    // Of what is missing and not marked no interval can know: only what is claimed must be true.
    if !capture.isSilent { judgeGroups(isExact: isExact) }
    judgeVerdict()
    if isExact { judgeLeaks() }
  }

  package var failures: [String] { complaints }

  private mutating func complain(_ isTrue: Bool, _ text: String) {
    if !isTrue { complaints.append(text) }
  }

  // MARK: - The kernel

  private mutating func judgeKernel() {
    let told = report.kernel.testDriverRemove
    switch kernel.rules.testRemove {
    case .off: complain(told != .unfixed && told != .fixed, "kernel: \(told) is off")
    case .unfixed: complain(told != .fixed, "kernel: fixed is unfixed")
    case .fixed: complain(told != .unfixed, "kernel: unfixed is fixed")
    }
  }

  // MARK: - Groups

  /// The calls that its changes are.
  func calls(of group: GroupReport) -> [Int?] {
    group.changes.map { change in
      text.records[starts[change.at.source] + change.at.line - 1].flatMap { kernel.records[$0].call }
    }
  }

  private mutating func judgeGroups(isExact: Bool) {
    for group in report.groups where !group.changes.isEmpty {
      let name = "group \(group.id.map { "\($0.value)" } ?? "?").\(group.incarnation)"
      let indices = calls(of: group)
      complain(indices.allSatisfy { $0 != nil }, "\(name): a change that is no call")
      let own = indices.compactMap { $0 }
      let lives = Set(own.compactMap { kernel.calls[$0].group })
      guard let life = lives.first, lives.count == 1 else {
        complain(lives.isEmpty, "\(name): is two groups, \(lives.sorted())")
        complain(!lives.isEmpty, "\(name): is no group")
        continue
      }
      judge(group, name, life, own, isExact: isExact)
    }
  }

  private mutating func judge(
    _ group: GroupReport, _ name: String, _ life: Int, _ own: [Int], isExact: Bool
  ) {
    let truth = kernel.groups[life]
    let ordered = own.compactMap { index in kernel.calls[index].order.map { ($0, index) } }.sorted { $0 < $1 }
    let first = ordered.first.map { kernel.calls[$0.1].before } ?? truth.count
    let starts = Set([first, startCount(of: life)])
    complain(starts.contains { group.initial.contains($0) }, "\(name): initial \(group.initial) is \(starts)")
    let ends = endCounts(of: life)
    // A capture of claims and queries alone is taken at its word.
    let showsDrivers = own.contains { kernel.calls[$0].kind == .use || kernel.calls[$0].kind == .unuse }
    let isTakenAtItsWord = capture.hiddenFunctions.count > 5 && !showsDrivers
    complain(
      isTakenAtItsWord || ends.contains { group.final.contains($0) },
      "\(name): final \(group.final) is \(ends)")
    if capture.damage == .none, truth.owner == 0, !truth.isFreed {
      let held = kernel.devices.filter { $0.group == life }.map(\.held).reduce(0, +)
      let excess = Swift.max(0, truth.count - held)
      complain(group.excess.contains(excess), "\(name): excess \(group.excess) is \(excess)")
    }
    let peaks = peaks(of: life, own)
    complain(
      group.peak.min <= peaks.upperBound && group.peak.max ?? .max >= peaks.lowerBound,
      "\(name): peak \(group.peak) is \(peaks)")
    for (change, index) in zip(group.changes, own) {
      let call = kernel.calls[index]
      // Where nobody watches the unuse, the counts of two uses show it, at the line of the second.
      if change.call == .unuse, call.kind == .use, capture.hiddenFunctions.contains("unuse") { continue }
      complain(change.call == call.kind, "\(name): \(change.call) is \(call.kind)")
      if change.result != nil {
        complain(change.result == call.result, "\(name): \(change.call) gave \(call.result ?? 0)")
      }
      guard !call.isOverlapped else { continue }
      complain(
        change.before.contains(call.before) && change.after.contains(call.after),
        "\(name): line \(change.at.line) \(change.call) is \(call.before) -> \(call.after), "
          + "not \(change.before) -> \(change.after)")
    }
    if !text.isIncomplete || capture.damage == .none, group.owner != .unknown {
      complain((group.owner == .user) == (truth.owner != 0), "\(name): owner \(group.owner)")
    }
    // Where no use or no unuse is seen at all, nothing says that any would be.
    let kinds = Set(text.kept.compactMap { kernel.records[$0].call }.map { kernel.calls[$0].kind })
    if isExact, !isOfUncertainIdentity(life), kinds.isSuperset(of: [.use, .unuse]) {
      complain(group.final.exact == truth.count, "\(name): final \(group.final) could be \(truth.count)")
      let seen = Set(text.kept.compactMap { kernel.records[$0].call }).filter {
        kernel.calls[$0].group == life
      }
      complain(Set(own) == seen && own.count == seen.count, "\(name): \(own.count) changes of \(seen.count)")
      if !seen.contains(where: { kernel.calls[$0].isOverlapped }) {
        complain(group.initial.exact == first, "\(name): initial \(group.initial) could be \(first)")
        complain(
          group.changes.allSatisfy { $0.before.exact != nil && $0.after.exact != nil },
          "\(name): open changes")
      }
    }
    if group.verdict == .balanced { complain(!isDefective(life), "\(name): balanced is false") }
    if group.verdict == .unbalanced { complain(mayBeDefective(life), "\(name): unbalanced is false") }
  }

  /// It was there before the capture and members have left it since: whether it died meanwhile nobody can tell.
  private func isOfUncertainIdentity(_ life: Int) -> Bool {
    kernel.startCounts.indices.contains(life)
      && kernel.records.contains {
        if case .event(let text) = $0.step.kind {
          text.hasPrefix("IOMMU: groupID=\(kernel.groups[life].id) ")
        } else {
          false
        }
      }
  }

  /// The highest count: that of the calls in the report at least, and of all others between the same lines at most.
  private func peaks(of life: Int, _ own: [Int]) -> ClosedRange<Int> {
    let first = text.kept.min() ?? 0
    let last = text.kept.max() ?? 0
    let seen =
      own.map { kernel.calls[$0] }.filter { $0.locked ?? .max <= last }.flatMap { [$0.before, $0.after] }

    let all =
      kernel.calls.filter { $0.group == life && $0.locked ?? -1 >= first && $0.locked ?? -1 <= last + 1 }
      .flatMap { [$0.before, $0.after] } + [startCount(of: life)]
    let least = seen.max() ?? 0
    return least...Swift.max(least, all.max() ?? 0)
  }

  private func startCount(of life: Int) -> Int {
    guard let first = text.kept.min() else { return 0 }
    return kernel.records[first].counts.indices.contains(life) ? kernel.records[first].counts[life] : 0
  }

  /// The count at the end; at an end that cuts calls in two, before and behind them.
  private func endCounts(of life: Int) -> Set<Int> {
    guard case .endedAt = capture.damage, let last = text.kept.max(), last + 1 < kernel.records.count else {
      return [kernel.groups[life].count]
    }
    // Between the last line and the next one that somebody watches anything may have happened unseen.
    let counts = kernel.records[last].counts
    var ends: Set<Int> = counts.indices.contains(life) ? [counts[life]] : [0]
    let next = kernel.records[last + 1].counts
    if next.indices.contains(life) { ends.insert(next[life]) }
    for call in kernel.calls where call.group == life && call.entered <= last && call.returned ?? .max > last
    {
      ends.insert(call.after)
      ends.insert(call.before)
    }
    return ends
  }

  /// Something went wrong that the capture covers, or something is wrong at its end.
  private func isDefective(_ life: Int) -> Bool {
    let group = kernel.groups[life]
    let first = text.kept.min() ?? 0
    let last = text.kept.max() ?? 0
    return group.defects.contains {
      !$0.isPast && $0.record > first && $0.record <= last && ($0.kind != .freed || isSeen(life))
    }
  }

  private func isSeen(_ life: Int) -> Bool {
    text.kept.contains { kernel.records[$0].call.map { kernel.calls[$0].group == life } ?? false }
  }

  private func mayBeDefective(_ life: Int) -> Bool {
    !kernel.groups[life].defects.isEmpty
  }

  // MARK: - The verdict and what is told

  private mutating func judgeVerdict() {
    let all = kernel.groups.indices
    if report.verdict == .balanced {
      complain(!all.contains(where: isDefective), "balanced is false")
      // What was left behind before the capture is still there.
      for group in report.groups where !group.changes.isEmpty {
        guard let life = calls(of: group).compactMap({ $0 }).compactMap({ kernel.calls[$0].group }).first
        else { continue }
        let last = text.kept.max() ?? 0
        let isLeaking = kernel.groups[life].defects.contains {
          ($0.kind == .testRemove || $0.kind == .pasidBlocked) && $0.record <= last
        }
        complain(!isLeaking || kernel.groups[life].owner != 0, "balanced with a leak")
      }
    }
    if report.verdict == .unbalanced { complain(all.contains(where: mayBeDefective), "unbalanced is false") }
    for finding in report.findings where finding.severity == .error { judge(finding) }
  }

  private mutating func judge(_ finding: Finding) {
    let kinds: [SimulatedKernel.Defect.Kind]
    switch finding.rule {
    case .testRemoveLeak: kinds = [.testRemove]
    case .overRelease: kinds = [.overRelease]
    case .stolenCount: kinds = [.stolen]
    case .swallowedUseError: kinds = [.swallowed]
    case .releaseUnowned: kinds = [.releaseUnowned]
    case .pasidBlockedUnuse: kinds = [.pasidBlocked]
    case .groupFreedWithCount: kinds = [.freed]
    // Where device_remove() is not watched, a second pass that fails early looks like a probe that fails.
    case .probeFailureLeak: kinds = capture.hiddenFunctions.contains("devrm") ? [.testRemove] : []
    case .excessCount, .notViable: kinds = [.testRemove, .pasidBlocked]
    default: kinds = []
    }
    let isTrue = kernel.groups.contains { group in
      group.id == finding.group?.value ?? group.id
        && group.defects.contains { defect in
          kinds.contains(defect.kind)
            && (kinds.count > 1 || finding.device == nil || defect.device == nil
              || defect.device == finding.device)
        }
    }
    complain(isTrue, "\(finding.rule.rawValue) is false: \(finding.message)")
  }

  private mutating func judgeLeaks() {
    var told: [String: Int] = [:]
    for finding in report.findings where finding.rule == .testRemoveLeak && finding.severity == .error {
      told["\(finding.device ?? "") \(finding.driver ?? "")", default: 0] += 1
    }
    var real: [String: Int] = [:]
    for defect in kernel.groups.flatMap(\.defects) where defect.kind == .testRemove && !defect.isPast {
      real["\(defect.device ?? "") \(defect.driver ?? "")", default: 0] += 1
    }
    // Where no unuse is seen at all, none can be missed.
    let seesUnuse = kernel.calls.contains { $0.kind == .unuse && $0.group != nil && $0.locked ?? 0 > 0 }
    complain(
      seesUnuse ? told == real : told.allSatisfy { real[$0.key] ?? 0 >= $0.value },
      "leaks \(told), really \(real)")
    let pairs: [(Rule, SimulatedKernel.Defect.Kind)] = [
      (.overRelease, .overRelease), (.pasidBlockedUnuse, .pasidBlocked), (.releaseUnowned, .releaseUnowned),
      (.swallowedUseError, .swallowed),
    ]
    for (rule, kind) in pairs {
      let found = report.findings.count { $0.rule == rule }
      let happened = kernel.groups.flatMap(\.defects).count { $0.kind == kind && !$0.isPast }
      complain(found == happened, "\(rule.rawValue): \(found) of \(happened)")
    }
    if kernel.rules.testRemove == .unfixed, !real.isEmpty, seesUnuse, report.kernel.reprobes > 0 {
      complain(
        report.kernel.testDriverRemove == .unfixed, "kernel: \(report.kernel.testDriverRemove) is unfixed")
    }
  }
}

extension Count {
  func contains(_ value: Int) -> Bool { min <= value && value <= max ?? .max }
}
