import DMALedger
import Testing
import TestSupport

// The histories of groups that everything else is measured against, numbered from 1 to 54; every suite below plays
// some of them:
//
//     1-17, 46            ProbeScenarioTests        binds, the test-remove, probes that fail
//     18-21, 50, 53       HolderScenarioTests       who holds a group by right
//     22-28, 42, 44, 52   OwnerScenarioTests        claims, releases, refusals
//     29-32, 38-41, 45, 47-49  MembershipScenarioTests  groups that begin, end, or begin too late
//     33-37, 43, 51       PartialEvidenceTests      captures that begin late or have gaps
//
// 23 and 54 are about what other logs say of a second open and of a second bind: no ownership call is made, so they are
// played beside the logs.

let nic = "0000:03:00.0"
let audio = "0000:03:00.1"
let bridge = "0000:00:1c.0"

extension Count {
  func contains(_ value: Int) -> Bool { intersection(Count(exactly: value)) != nil }
}

/// A finding without its words.
struct Told: Equatable, CustomStringConvertible {
  var rule: Rule
  var device: String?
  var driver: String?
  var cause: String?

  init(_ rule: Rule, _ device: String? = nil, _ driver: String? = nil, cause: String? = nil) {
    self.rule = rule
    self.device = device
    self.driver = driver
    self.cause = cause
  }

  var description: String {
    ([rule.rawValue] + [device, driver, cause].map { $0 ?? "-" }).joined(separator: " ")
  }
}

/// A holder without its times.
struct Held: Equatable {
  var kind: Holder.Kind
  var count: Int?
  var device: String?
  var driver: String?

  init(_ kind: Holder.Kind, _ count: Int? = 1, _ device: String? = nil, _ driver: String? = nil) {
    self.kind = kind
    self.count = count
    self.device = device
    self.driver = driver
  }
}

extension Report {
  func group(_ id: Int, incarnation: Int = 0) -> GroupReport? {
    groups.first { $0.id == GroupID(id) && $0.incarnation == incarnation }
  }

  /// All findings but those on the kernel and on the input.
  var told: [Told] {
    findings.filter { $0.rule != .testRemoveActive && $0.rule != .evidenceLost }
      .map { Told($0.rule, $0.device, $0.driver, cause: $0.cause) }
  }

  func has(_ rule: Rule) -> Bool { findings.contains { $0.rule == rule } }
}

extension Scenario {
  /// The report on the history as a trace shows it, and on a log or listing beside it.
  func report(_ evidence: Evidence, beside other: String) -> Report {
    var analyzer = Analyzer()
    analyzer.read(bytes: Array(text(evidence).utf8), name: "trace.txt")
    analyzer.read(bytes: Array(other.utf8), name: "other.txt")
    return analyzer.finish()
  }
}

extension GroupReport {
  var held: [Held] { holders.map { Held($0.kind, $0.count, $0.device, $0.driver) } }
}

/// Plays nothing, but checks what must hold of every history: with arguments the counts are the true ones, with
/// less evidence they include the true ones, and a verdict gets weaker and never turns. Returns the report with all
/// arguments. A history is not regular where the kernel warns and changes nothing: without the count before a call
/// nobody can tell.
@discardableResult
func check(
  _ story: Scenario, isExact: Bool = true, isRegular: Bool = true, statesTellAll: Bool = true,
  sourceLocation: SourceLocation = #_sourceLocation
) -> Report {
  let full = story.report(.arguments)
  expectTruth(full, story, "arguments", isExact: isExact, sourceLocation)
  let states = story.report(.states)
  if isRegular, statesTellAll {
    expectTruth(states, story, "states", isExact: isExact, sourceLocation)
    #expect(states.told == full.told, "states", sourceLocation: sourceLocation)
    #expect(states.verdict == full.verdict, "states", sourceLocation: sourceLocation)
  }
  for evidence in [Scenario.Evidence.numbers, .groups, .returnCodes, .names]
  where evidence != .numbers || !story.needsPointer {
    expectWeaker(
      story.report(evidence), than: full, story, "\(evidence)", isRegular: isRegular, sourceLocation)
  }
  return full
}

private func expectTruth(
  _ report: Report, _ story: Scenario, _ level: String, isExact: Bool, _ location: SourceLocation
) {
  for life in story.lives where life.calls > 0 {
    guard let group = report.group(life.id, incarnation: life.incarnation) else {
      Issue.record("\(level): group \(life.id).\(life.incarnation) is missing", sourceLocation: location)
      continue
    }
    if isExact {
      #expect(group.initial.exact == life.initial, "\(level)", sourceLocation: location)
      #expect(group.final.exact == life.count, "\(level)", sourceLocation: location)
      #expect(group.peak.exact == life.peak, "\(level)", sourceLocation: location)
    }
    expect(group, includes: life, location)
  }
  #expect(
    report.groups.count == story.lives.count { $0.calls > 0 }, "\(level): a group too many",
    sourceLocation: location)
}

private func expect(_ group: GroupReport, includes life: Scenario.Life, _ location: SourceLocation) {
  #expect(group.initial.contains(life.initial), "initial", sourceLocation: location)
  #expect(group.final.contains(life.count), "final", sourceLocation: location)
  #expect(group.peak.contains(life.peak), "peak", sourceLocation: location)
  if group.owner != .unknown {
    #expect((group.owner == .user) == (life.owner != 0), "owner", sourceLocation: location)
  }
}

private func expectWeaker(
  _ report: Report, than full: Report, _ story: Scenario, _ level: String, isRegular: Bool,
  _ location: SourceLocation
) {
  #expect(
    report.verdict == full.verdict || report.verdict == .inconclusive, "\(level): \(report.verdict.rawValue)",
    sourceLocation: location)
  for group in report.groups {
    guard let id = group.id,
      let life = story.lives.first(where: { $0.id == id.value && $0.incarnation == group.incarnation })
    else {
      Issue.record("\(level): a group that does not exist", sourceLocation: location)
      continue
    }
    if isRegular { expect(group, includes: life, location) }
    let known = full.group(life.id, incarnation: life.incarnation)
    #expect(
      group.verdict == known?.verdict || group.verdict == .inconclusive,
      "\(level): group \(life.id) is \(group.verdict.rawValue)", sourceLocation: location)
  }
  let kernel = report.kernel.testDriverRemove
  #expect(
    // The function tracer shows passes that use nothing; the probes do not watch driver_sysfs_add().
    [full.kernel.testDriverRemove, .unknown].contains(kernel) || full.kernel.testDriverRemove == .unknown,
    "\(level): \(kernel.rawValue)", sourceLocation: location)
  for finding in report.findings where finding.severity == .error {
    let isKnown = full.findings.contains {
      $0.severity == .error && $0.group == finding.group
        && (finding.device == nil || $0.device == finding.device)
    }
    #expect(isKnown, "\(level): \(finding.message)", sourceLocation: location)
  }
}
