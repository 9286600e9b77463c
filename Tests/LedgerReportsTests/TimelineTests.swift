import DMALedger
import LedgerReports
import TestSupport
import Testing

@Suite("The timeline that pictures are drawn from")
struct TimelineTests {
  static let nic = "0000:00:03.0"
  static let disk = "0000:00:04.0"

  /// The seed bug: two uses in one bind, one unuse, a refusal.
  static var seedBug: Scenario {
    let story = Scenario()
    story.group(45, nic)
    story.probe(nic, "e1000e") {
      $0.use(); $0.remove(); $0.use(); $0.bound()
    }
    story.unbind(nic)
    story.query(45)
    return story
  }

  private func timeline(_ story: Scenario, _ evidence: Scenario.Evidence = .arguments) -> GroupTimeline? {
    Timeline(story.report(evidence)).groups.first
  }

  @Test("the seed bug is one holding that never ends and one that was given back")
  func seedBug() throws {
    let life = try #require(timeline(Self.seedBug))
    let lane = try #require(life.lanes.first { $0.device == Self.nic })
    #expect(lane.holdings.map(\.kind) == [.leaked, .returned])
    let uses = life.events.indices.filter { life.call($0) == .use }
    #expect(uses.count == 2)
    #expect(lane.holdings[0].first == uses[0] && lane.holdings[0].last == nil)
    #expect(lane.holdings[1].first == uses[1])
    #expect(lane.holdings[1].last == life.events.indices.first { life.call($0) == .unuse })
    #expect(life.events[uses[1]].mark == .leak)
    #expect(life.events.filter { $0.mark == .refusal }.map { life.call($0) } == [.query])
  }

  @Test("what is held by right is what bound drivers have")
  func heldByRight() throws {
    let life = try #require(timeline(Self.seedBug))
    let held = life.events.indices.compactMap { index in
      life.call(index).map { ($0, life.events[index].held) }
    }
    // The first use is the one that stays: only the second one will be given back.
    #expect(held.map(\.1) == [0, 1, 0, 0])
  }

  @Test("a driver that stays bound has a holding that is open and no leak")
  func boundHolder() throws {
    let story = Scenario()
    story.group(7, Self.disk, Self.nic)
    story.probe(Self.disk, "nvme") {
      $0.use(); $0.bound()
    }
    story.query(7)
    let life = try #require(timeline(story))
    let holdings = life.lanes.flatMap(\.holdings)
    #expect(holdings.map(\.kind) == [.bound])
    #expect(holdings[0].last == nil && holdings[0].driver == "nvme")
    #expect(life.events.last?.held == 1)
  }

  @Test("an owner's claim is a holding from claim to release")
  func owner() throws {
    let story = Scenario()
    story.group(7, Self.nic)
    story.claim(7)
    story.release(7)
    let life = try #require(timeline(story))
    let holdings = life.lanes.flatMap(\.holdings)
    #expect(holdings.map(\.kind) == [.owner])
    #expect(holdings[0].first != nil && holdings[0].last != nil)
    #expect(life.lanes.last?.device == nil)
  }

  @Test("what was out before the capture has no beginning")
  func heldBefore() throws {
    let story = Scenario()
    story.group(7, Self.nic, count: 1)
    story.alreadyBound(Self.nic, "e1000e")
    story.unbind(Self.nic)
    story.query(7)
    let life = try #require(timeline(story))
    let holdings = life.lanes.flatMap(\.holdings)
    #expect(holdings.map(\.kind) == [.returned])
    #expect(holdings[0].first == nil && holdings[0].last != nil)
  }

  @Test("lost events leave a gap where the count may be anything, and a mark")
  func loss() throws {
    let story = Scenario()
    story.group(7, Self.nic)
    story.probe(Self.nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.lost(12)
    story.useUnseen(Self.nic)
    story.query(7)
    let life = try #require(timeline(story))
    #expect(life.events.contains { $0.mark == .loss })
    let query = try #require(life.events.first { life.call($0) == .query })
    #expect(query.gap != nil || query.count.max == nil)
  }

  /// Two drivers bind; events are lost in between, and the second one finds the count that the first one left.
  static var lossBetweenBinds: Scenario {
    let story = Scenario()
    story.group(7, nic, disk)
    story.probe(nic, "e1000e") {
      $0.use(); $0.bound()
    }
    story.lost(12)
    story.probe(disk, "nvme") {
      $0.use(); $0.bound()
    }
    story.query(7)
    return story
  }

  @Test("where events were lost nothing is known in between, even if the count is the same on both sides")
  func lossBetweenEqualCounts() throws {
    let life = try #require(timeline(Self.lossBetweenBinds))
    let uses = life.events.indices.filter { life.call($0) == .use }
    #expect(life.events[uses[0]].count.exact == 1 && life.events[uses[1]].gap?.exact == 1)
    #expect(life.gaps.contains(uses[0]..<uses[1]))
    #expect(life.events[uses[1]].notes.last == "evidence is missing before this")
    #expect(!life.events[uses[0]].notes.contains("evidence is missing before this"))
  }

  @Test("calls that are only counted begin where the first of them is, and no count is drawn through them")
  func fold() throws {
    var report = Self.seedBug.report(.arguments)
    let changes = report.groups[0].changes
    // The last call of the seed bug, the query, stands behind two that are folded.
    report.groups[0].changes = [changes[0], changes[3]]
    report.groups[0].foldedChanges = FoldedChanges(
      place: 1, count: 2, calls: CallTally(), effective: CallTally(), firstTime: changes[1].time,
      firstAt: changes[1].at, lastTime: changes[2].time, lastAt: changes[2].at)
    let life = try #require(Timeline(report).groups.first)
    let fold = try #require(
      life.events.indices.first { if case .folded = life.events[$0].kind { true } else { false } })
    #expect(life.events[fold].position == changes[1].time?.value)
    let gap = try #require(life.gaps.first { $0.contains(fold) })
    #expect(life.isFold(gap) && life.call(gap.upperBound) == .query)
  }

  @Test("a loss that takes nothing from a group is not told with it")
  func foreignLoss() throws {
    var report = Self.seedBug.report(.arguments)
    let whole = try #require(Timeline(report).groups.first)
    report.findings.append(
      Finding(
        rule: .evidenceLost, severity: .note, certainty: .proved, message: "", remedy: "", fingerprint: "",
        evidence: [
          Evidence(at: LineReference(source: 0, line: 1), time: nil, note: "another group's", text: "x")
        ]))
    let life = try #require(Timeline(report).groups.first)
    #expect(life.events.count == whole.events.count && !life.events.contains { $0.mark == .loss })
  }

  @Test("without timestamps the axis is the order of lines, and with them it is time")
  func axis() {
    #expect(Timeline(Self.seedBug.report(.arguments)).axis == .time)
    let bare = """
       0)               |  iommu_device_use_default_domain() {
       0)   0.500 us    |  } /* iommu_device_use_default_domain ret=0x0 */

      """
    #expect(Timeline(report(on: bare)).axis == .order)
  }

  @Test("a clock that is started anew makes the axis the order of lines")
  func reboot() {
    let story = Scenario()
    story.group(7, Self.nic)
    story.wait(seconds: 60)
    story.probe(Self.nic, "e1000e") {
      $0.use(); $0.bound()
    }
    let first = Change(
      time: Nanoseconds(90_000_000_000), call: .use, before: .unknown, after: .unknown, certainty: .proved,
      at: LineReference(source: 0, line: 1))
    var second = first
    second.time = Nanoseconds(2_000_000_000)
    second.at.line = 2
    var report = story.report(.arguments)
    report.groups[0].changes = [first, second]
    report.findings = []
    let timeline = Timeline(report)
    #expect(timeline.axis == .order)
    #expect(timeline.groups[0].events.map(\.position) == [0, 1])
  }

  @Test(
    "events of a group never go back on the axis, and every rank is taken once",
    arguments: Scenario.Evidence.allCases)
  func order(_ evidence: Scenario.Evidence) {
    let timeline = Timeline(Self.seedBug.report(evidence))
    for life in timeline.groups {
      #expect(life.events.map(\.position) == life.events.map(\.position).sorted())
      #expect(life.events.map(\.rank) == life.events.map(\.rank).sorted())
    }
    #expect(timeline.groups.flatMap { $0.events.map(\.rank) }.sorted() == Array(0..<timeline.eventCount))
  }

  @Test("every holder of every sample is a holding that is open at the end", arguments: SampleFiles.captures)
  func samples(_ name: String) throws {
    let report = report(on: try SampleFiles.bytes(name))
    for (group, life) in zip(report.groups, Timeline(report).groups) {
      let open = life.lanes.flatMap(\.holdings).filter { $0.last == nil }
      for kind in [Holder.Kind.bound, .leaked, .owner] {
        let told = group.holders.count { $0.kind == kind }
        let drawn = open.count { $0.kind.rawValue == kind.rawValue }
        #expect(told == drawn, "\(name), group \(TextName.of(group)): \(kind)")
      }
      for holding in life.lanes.flatMap(\.holdings) {
        if let first = holding.first, let last = holding.last { #expect(first < last) }
      }
    }
  }
}

private enum TextName {
  static func of(_ group: GroupReport) -> String { group.id.map { "\($0.value)" } ?? "?" }
}

extension GroupTimeline {
  fileprivate func call(_ index: Int) -> OwnershipCallKind? { call(events[index]) }

  fileprivate func call(_ event: Event) -> OwnershipCallKind? {
    event.change.map { group.changes[$0].call }
  }
}
