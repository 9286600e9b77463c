package import DMALedger

/// A report laid out along one axis: what every picture of it shows, whatever it is drawn with.
///
/// It adds no judgement of its own. Which reference is leaked and which is held by right is what the report says;
/// here its beginning and its end are only looked up among the changes.
package struct Timeline: Sendable {
  /// What the axis counts.
  package enum Axis: String, Sendable {
    /// Nanoseconds of the capture's own clock, or what else it counts.
    case time
    /// The order of lines, because the capture has no timestamps or its clock was started anew.
    case order
  }

  /// What the axis counts.
  package let axis: Axis
  /// Whether the capture's clock counts something else than time: then times are plain numbers.
  package let countsTicks: Bool
  /// The position where the axis begins; positions of events are counted from here.
  package let start: Int64
  /// The position of the last event.
  package let end: Int64
  /// Where the capture ends, at least a little behind the last event: up to there a viewer draws what lasts.
  package let captureEnd: Int64
  /// How many events there are in all groups; ranks go from 0 up to it.
  package let eventCount: Int
  /// The report's groups, in its order.
  package let groups: [GroupTimeline]

  /// A place a little before the first event, from where to draw what was there already.
  package var origin: Int64 {
    axis == .order ? -1 : max(0, start - Self.margin(start, end))
  }

  private static func margin(_ start: Int64, _ end: Int64) -> Int64 { max(1000, (end - start) / 100) }

  /// Lays out a report.
  package init(_ report: Report) {
    let axis = Self.axis(of: report)
    var groups = report.groups.map { GroupTimeline($0, report, axis) }
    // One order over all groups, so that they share an axis of even steps.
    let all = groups.indices.flatMap { group in groups[group].events.indices.map { (group, $0) } }
    let sorted = all.sorted { left, right in
      let a = groups[left.0].events[left.1]
      let b = groups[right.0].events[right.1]
      return (a.position, a.at, left.0, left.1) < (b.position, b.at, right.0, right.1)
    }
    // Events of a group stay in their order of effect, even where two lines say the same time the other way round.
    var next = [Int](repeating: 0, count: groups.count)
    for (rank, place) in sorted.enumerated() {
      groups[place.0].events[next[place.0]].rank = rank
      next[place.0] += 1
    }
    if axis == .order {
      for group in groups.indices {
        for event in groups[group].events.indices {
          groups[group].events[event].position = Int64(groups[group].events[event].rank)
        }
      }
    }
    let positions = groups.flatMap { $0.events.map(\.position) }
    self.axis = axis
    countsTicks = report.countsTicks
    start = positions.min() ?? 0
    end = positions.max() ?? 0
    captureEnd =
      axis == .order ? end + 1 : max(end + Self.margin(start, end), Self.lastTime(groups, report))
    eventCount = all.count
    self.groups = groups
  }

  private static func lastTime(_ groups: [GroupTimeline], _ report: Report) -> Int64 {
    let calls = groups.flatMap { $0.group.changes.map(\.at.source) }
    let times = Set(calls).compactMap { report.sources[$0].lastTime }.filter(\.isSane)
    return times.map(\.value).max() ?? .min
  }

  /// Time, unless nothing has a time or a clock steps far back: then a later event would stand before an earlier one.
  private static func axis(of report: Report) -> Axis {
    var hasTime = false
    for group in report.groups {
      var last: Nanoseconds?
      for change in group.changes {
        guard let time = change.time else { continue }
        guard time.isSane else { return .order }
        if let last, Nanoseconds.isFarBack(from: last, to: time) { return .order }
        last = time
        hasTime = true
      }
    }
    return hasTime ? .time : .order
  }
}

/// The life of a group along the axis.
package struct GroupTimeline: Sendable {
  /// Something that happened, at one place of the axis.
  package struct Event: Sendable {
    /// What it is.
    package var kind: Kind
    /// Where on the axis it is: nanoseconds, or the rank where the axis is the order of lines.
    package var position: Int64
    /// Its place among the events of all groups, from 0.
    package var rank = 0
    /// The line that shows it.
    package var at: LineReference
    /// The line's text, where a finding quotes it. Hostile text.
    package var text: String?
    /// What the findings say about the line.
    package var notes: [String] = []
    /// The count after it.
    package var count: Count
    /// The count right before it, where evidence is missing between the change before and this one: in between
    /// nothing is known, even if the count is the same on both sides.
    package var gap: Count?
    /// References that legitimate holders have after it, as far as the capture shows.
    package var held = 0
    /// Whether it deserves to be seen: a refusal, a leak, a kernel warning.
    package var mark: Mark = .none

    /// Where the change stands in `GroupReport.changes`.
    package var change: Int? {
      if case .change(let index) = kind { index } else { nil }
    }
  }

  /// What an event is.
  package enum Kind: Sendable {
    /// A call; the index into `GroupReport.changes`.
    case change(Int)
    /// A line that a finding quotes.
    case line
    /// Calls that are told as totals: the count behind them is what the next event has before it.
    case folded
    /// A place where the capture lost events.
    case loss
  }

  /// Why an event is marked.
  package enum Mark: String, Sendable, CaseIterable {
    /// It is not.
    case none
    /// The use that leaves an earlier reference behind.
    case leak
    /// VFIO was told no, or a driver was.
    case refusal
    /// The kernel warns here, or its log says that it did.
    case warning
    /// An owner takes the group or lets it go.
    case claim
    /// Another line that a finding quotes.
    case line
    /// Events are missing here.
    case loss
  }

  /// Where and when references are held, by whom.
  package struct Lane: Sendable {
    /// The device's name; `nil` for what is held by an owner or by nobody the capture shows.
    package var device: String?
    /// Its holdings, by their beginning.
    package private(set) var holdings: [Holding]
    /// How many rows they take.
    package private(set) var rows = 1

    /// A lane of holdings that are sorted by their beginning.
    init(device: String?, holdings: [Holding]) {
      self.device = device
      self.holdings = holdings
      // Where each row is free again; a holding without an end is out for good.
      var ends: [Int] = []
      for index in holdings.indices {
        let first = holdings[index].first ?? -1
        let row = first < 0 ? ends.count : ends.firstIndex { $0 <= first } ?? ends.count
        if row == ends.count { ends.append(0) }
        ends[row] = holdings[index].last ?? Int.max
        self.holdings[index].row = row
      }
      rows = max(1, ends.count)
    }

    /// What the lane is called.
    package var name: String {
      device ?? (holdings.contains { $0.kind == .owner } ? "owner" : "unknown holder")
    }
  }

  /// A reference from its acquisition to its release.
  package struct Holding: Sendable {
    /// Whose it is.
    package enum Kind: String, Sendable, CaseIterable {
      /// A driver took it and gave it back.
      case returned
      /// A driver has it still, by right.
      case bound
      /// Nobody will give it back.
      case leaked
      /// Perhaps leaked; the capture does not prove it.
      case suspected
      /// A user-space owner's.
      case owner
      /// Lost sight of, or taken outside what the capture shows.
      case unknown
    }

    /// Whose it is.
    package var kind: Kind
    /// How many references; `nil` where only some are known to exist.
    package var count: Int? = 1
    /// The driver that took it.
    package var driver: String?
    /// The event that takes it; `nil` where that was before the capture, or outside it.
    package var first: Int?
    /// The event that gives it back; `nil` where it is still out at the end.
    package var last: Int?
    /// Holdings of a lane that overlap stand in rows below each other, counted from 0.
    package var row = 0

    /// Whether somebody will give it back, or has.
    package var isRightful: Bool { kind == .returned || kind == .bound || kind == .owner }
  }

  /// What the report says of the group.
  package let group: GroupReport
  /// Findings about it, as indices into `Report.findings`.
  package let findings: [Int]
  /// What happened, in order of effect.
  package internal(set) var events: [Event]
  /// One for each device that held or holds something, then one for owners and one for what is unknown.
  package let lanes: [Lane]
  /// The count at the end, where nothing connects it with the last event: evidence is missing there.
  package let finalGap: Count?
  private let places: [LineReference: Int]

  init(_ group: GroupReport, _ report: Report, _ axis: Timeline.Axis) {
    self.group = group
    findings = report.findings.indices.filter { report.findings[$0].isAbout(group) }
    var events = Self.events(of: group, report, axis)
    lanes = Self.lanes(of: group, report, &events)
    self.events = events
    let last = events.last?.count ?? group.initial
    finalGap = group.final.isWithin(last) ? nil : group.final
    var places = Dictionary(events.enumerated().map { ($1.at, $0) }) { first, _ in first }
    // The line of a return leads to its call.
    for finding in findings.map({ report.findings[$0] }) {
      for (line, next) in zip(finding.evidence, finding.evidence.dropFirst()) where next.isReturn {
        if let place = places[line.at], places[next.at] == nil { places[next.at] = place }
      }
    }
    self.places = places
  }

  /// Whether a gap is one of the report and not of the capture: its calls are counted and not told one by one.
  package func isFold(_ gap: Range<Int>) -> Bool {
    gap.contains { index in
      if index >= 0, case .folded = events[index].kind { true } else { false }
    }
  }

  /// Where evidence is missing, or calls are not told one by one: behind each of these events, up to the next one, nothing is known of the count. -1 stands
  /// for the time before the first event; behind the last one the gap lasts to the end.
  package var gaps: [Range<Int>] {
    var gaps: [Range<Int>] = []
    var last = -1
    for (index, event) in events.enumerated() where event.change != nil {
      if event.gap != nil { gaps.append(last..<index) }
      last = index
    }
    if finalGap != nil { gaps.append(last..<events.count) }
    return gaps
  }

  /// References that legitimate holders have before the first event.
  package var heldBefore: Int {
    lanes.flatMap(\.holdings).filter { $0.isRightful && $0.first == nil }.reduce(0) { $0 + ($1.count ?? 0) }
  }

  /// The first event that a line shows.
  package func place(of at: LineReference) -> Int? { places[at] }

  /// The first event that a line shows, or else the call that took effect in that moment: a return that no finding quotes.
  package func place(of at: LineReference, _ time: Nanoseconds?) -> Int? {
    places[at]
      ?? time.flatMap { time in
        events.firstIndex { event in
          event.at.source == at.source && event.change.map { group.changes[$0].time } == time
        }
      }
  }
}

extension Finding {
  /// Whether it is about this group and no other of the same number.
  func isAbout(_ group: GroupReport) -> Bool {
    self.group != nil && self.group == group.id && incarnation == group.incarnation
  }

  /// Its lines as a reader wants them: a return says nothing that its code does not, so it goes into the line of its call.
  var story: [(line: Evidence, note: String)] {
    var story: [(line: Evidence, note: String)] = []
    for line in evidence {
      if line.isReturn, let last = story.last, last.line.at.source == line.at.source {
        story[story.count - 1].note += "; \(line.note) in line \(line.at.line)"
      } else {
        story.append((line, line.note))
      }
    }
    return story
  }

  /// Whether it says that a reference was left behind.
  var tellsOfLeak: Bool {
    switch rule {
    case .testRemoveLeak, .probeFailureLeak, .unbindLeak: true
    default: false
    }
  }
}

extension Evidence {
  /// Whether it is the return of a call whose entry stands before it.
  var isReturn: Bool { note.hasPrefix("it returns") }
}

extension Count {
  /// Whether every value possible here is possible there.
  func isWithin(_ other: Count) -> Bool { intersection(other) == self }
}
