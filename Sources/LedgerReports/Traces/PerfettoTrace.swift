public import DMALedger

/// The report as a trace for ui.perfetto.dev: below "IOMMU groups" one track a group with its count, a track for each
/// device with a slice for each reference, and instants for what was asked and refused.
///
/// A reference that is still out at the end is a slice without an end. An arrow leads from a leaked one to the refusal
/// that it caused. Packets follow each other without looking back, so that the trace can be appended to another one.
public enum PerfettoTrace {
  /// The trace as the bytes of a `Trace` message.
  public static func render(_ report: Report) -> [UInt8] {
    var bytes: [UInt8] = []
    write(report) { bytes += $0 }
    return bytes
  }

  /// Hands the trace on, a packet at a time.
  public static func write<Failure: Error>(
    _ report: Report, into sink: ([UInt8]) throws(Failure) -> Void
  ) throws(Failure) {
    let timeline = Timeline(report)
    var trace = PerfettoPackets(timeline)
    try sink(trace.beginning())
    for index in timeline.groups.indices {
      for packet in trace.packets(of: index, report) { try sink(packet) }
    }
  }
}

/// Numbers the tracks and flows of one trace and writes its packets.
private struct PerfettoPackets {
  private typealias Fields = PerfettoFields

  /// Perfetto wants numbers that no other trace uses: these begin with "dmal".
  private static let firstTrack: UInt64 = 0x646D_616C_0000_0000
  /// In an axis of even steps an event takes a microsecond: viewers show nothing shorter well.
  private static let step: Int64 = 1000

  private let timeline: Timeline
  private var lastTrack = PerfettoPackets.firstTrack
  private var isFirst = true

  init(_ timeline: Timeline) {
    self.timeline = timeline
  }

  // MARK: Packets

  private mutating func packet(_ content: (inout ProtobufWriter) -> Void) -> [UInt8] {
    var trace = ProtobufWriter()
    let flags = isFirst
    isFirst = false
    trace.message(Fields.packet) { packet in
      content(&packet)
      packet.varint(Fields.Packet.sequence, 1)
      // The sequence begins here and refers to nothing before.
      if flags { packet.varint(Fields.Packet.sequenceFlags, 1) }
    }
    return trace.bytes
  }

  private mutating func newTrack() -> UInt64 {
    lastTrack += 1
    return lastTrack
  }

  private mutating func track(
    _ uuid: UInt64, _ name: String, parent: UInt64?, rank: Int = 0, description: String? = nil,
    isCounter: Bool = false
  ) -> [UInt8] {
    packet { packet in
      packet.message(Fields.Packet.trackDescriptor) { track in
        track.varint(Fields.Track.uuid, uuid)
        track.string(Fields.Track.name, name)
        if let parent { track.varint(Fields.Track.parent, parent) }
        if isCounter {
          track.message(Fields.Track.counter) { counter in
            counter.string(Fields.Counter.unitName, "references")
            counter.string(Fields.Counter.shareKey, "owner_cnt")
          }
        } else {
          track.varint(Fields.Track.childOrdering, Fields.Track.explicitOrdering)
        }
        track.int64(Fields.Track.rank, Int64(rank))
        if let description { track.string(Fields.Track.description, description) }
      }
    }
  }

  private func time(_ position: Int64) -> UInt64 {
    UInt64(clamping: timeline.axis == .order ? (position - timeline.origin) * Self.step : position)
  }

  private mutating func event(
    _ type: UInt64, _ track: UInt64, at time: UInt64, _ content: (inout ProtobufWriter) -> Void = { _ in }
  ) -> [UInt8] {
    packet { packet in
      packet.varint(Fields.Packet.timestamp, time)
      packet.varint(Fields.Packet.timestampClock, Fields.bootTime)
      packet.message(Fields.Packet.trackEvent) { event in
        event.varint(Fields.Event.type, type)
        event.varint(Fields.Event.track, track)
        content(&event)
      }
    }
  }

  // MARK: The whole

  /// The clock and the root. ftrace's clocks run with the kernel's own, which begin with it and, until the machine
  /// sleeps, agree; a viewer that puts another trace beside this one needs to be told so.
  mutating func beginning() -> [UInt8] {
    var bytes: [UInt8] = []
    let start = time(timeline.origin)
    bytes += packet { packet in
      packet.message(Fields.Packet.clockSnapshot) { snapshot in
        for clock in [Fields.bootTime, Fields.monotonic] {
          snapshot.message(Fields.Snapshot.clocks) { entry in
            entry.varint(Fields.Snapshot.clockID, clock)
            entry.varint(Fields.Snapshot.clockTimestamp, start)
          }
        }
        snapshot.varint(Fields.Snapshot.primaryClock, Fields.bootTime)
      }
    }
    bytes += track(
      Self.firstTrack, "IOMMU groups", parent: nil,
      description: timeline.axis == .order
        ? "The capture has no usable clock: a microsecond here is one event, in the order of lines." : nil)
    return bytes
  }

  mutating func packets(of index: Int, _ report: Report) -> [[UInt8]] {
    let life = timeline.groups[index]
    let group = newTrack()
    let name =
      life.group.id == nil ? "group without known number" : "group \(TextGroup.shortName(life.group))"
    var packets = [
      track(group, "\(name): \(life.group.verdict.rawValue)", parent: Self.firstTrack, rank: index)
    ]
    packets += counters(of: life, in: group)
    packets += gaps(of: life, in: group, rank: 3)
    var flows: [Int: [UInt64]] = [:]
    for (rank, lane) in life.lanes.enumerated() {
      packets += slices(of: lane, in: group, rank: rank + 4, life, report, &flows)
    }
    packets += instants(of: life, in: group, rank: life.lanes.count + 4, report, flows)
    return packets
  }

  // MARK: Counters

  private mutating func counters(of life: GroupTimeline, in group: UInt64) -> [[UInt8]] {
    let isExact = life.group.initial.exact != nil && life.events.allSatisfy { $0.count.exact != nil }
    var packets = counter(
      isExact ? "owner_cnt" : "owner_cnt, at least", in: group, rank: 0,
      "iommu_group::owner_cnt: VFIO gets the group only while it is 0", first: life.group.initial.min,
      life.events.map(\.count.min), life)
    if !isExact {
      // Where nothing bounds the count, the counter stays where it was: there is no number to show.
      var last = life.group.initial.max ?? life.group.initial.min
      let greatest = life.events.map { event in
        last = event.count.max ?? last
        return last
      }
      packets += counter(
        "owner_cnt, at most", in: group, rank: 1,
        "The greatest owner_cnt that the capture allows; where it sets no limit, the last one that it set",
        first: life.group.initial.max ?? life.group.initial.min, greatest, life)
    }
    packets += counter(
      "held by right", in: group, rank: 2,
      "References that bound drivers and owners will give back: what owner_cnt has above it is leaked, or somebody's "
        + "whom the capture does not show",
      first: life.heldBefore, life.events.map(\.held), life)
    return packets
  }

  private mutating func counter(
    _ name: String, in group: UInt64, rank: Int, _ description: String, first: Int, _ values: [Int],
    _ life: GroupTimeline
  ) -> [[UInt8]] {
    let uuid = newTrack()
    var packets = [
      track(uuid, name, parent: group, rank: rank, description: description, isCounter: true)
    ]
    packets.append(value(first, uuid, at: time(timeline.origin)))
    var last = first
    for (event, next) in zip(life.events, values) where next != last {
      packets.append(value(next, uuid, at: time(event.position)))
      last = next
    }
    // A step in the last instant of a trace would not be seen.
    packets.append(value(last, uuid, at: time(timeline.captureEnd)))
    return packets
  }

  private mutating func value(_ value: Int, _ track: UInt64, at time: UInt64) -> [UInt8] {
    event(Fields.Event.counter, track, at: time) { $0.int64(Fields.Event.counterValue, Int64(value)) }
  }

  // MARK: Gaps

  /// A counter goes on through a gap as if nothing were missing: a slice says that something is.
  private mutating func gaps(of life: GroupTimeline, in group: UInt64, rank: Int) -> [[UInt8]] {
    let gaps = life.gaps
    guard !gaps.isEmpty else { return [] }
    let uuid = newTrack()
    var packets = [
      track(
        uuid, "count not known", parent: group, rank: rank,
        description: "Here nothing is known of owner_cnt, whatever the counters show")
    ]
    for gap in gaps {
      let start = gap.lowerBound < 0 ? timeline.origin : life.events[gap.lowerBound].position
      packets.append(
        event(Fields.Event.sliceBegin, uuid, at: time(start)) { event in
          event.string(Fields.Event.name, EventWords.name(ofGap: gap, in: life))
          event.string(Fields.Event.categories, "loss")
        })
      guard gap.upperBound < life.events.count else { continue }
      packets.append(
        event(Fields.Event.sliceEnd, uuid, at: time(life.events[gap.upperBound].position)))
    }
    return packets
  }

  // MARK: Slices

  private mutating func slices(
    of lane: GroupTimeline.Lane, in group: UInt64, rank: Int, _ life: GroupTimeline, _ report: Report,
    _ flows: inout [Int: [UInt64]]
  ) -> [[UInt8]] {
    let device = newTrack()
    var packets = [track(device, Printable.text(lane.name), parent: group, rank: rank)]
    // Slices of one track must lie within each other; holdings overlap as they like, so each row has its own.
    var rows: [UInt64] = [device]
    for row in 1..<max(2, lane.rows) where row < lane.rows {
      rows.append(newTrack())
      packets.append(track(rows[row], "\(Printable.text(lane.name)) (\(row + 1))", parent: device, rank: row))
    }
    for holding in lane.holdings {
      let row = rows[holding.row]
      let start = holding.first.map { life.events[$0].position } ?? timeline.origin
      let flow = EventWords.refusal(after: holding, in: life).map { refusal in
        let flow = newTrack()
        flows[refusal, default: []].append(flow)
        return flow
      }
      packets.append(
        event(Fields.Event.sliceBegin, row, at: time(start)) { event in
          event.string(Fields.Event.name, EventWords.name(holding))
          event.string(Fields.Event.categories, holding.kind.rawValue)
          if let first = holding.first {
            Self.annotate(life.events[first], life, report, &event)
          } else {
            Self.annotate("since", "before the capture, or outside what it shows", &event)
          }
          if let flow { event.fixed64(Fields.Event.flows, flow) }
        })
      if let last = holding.last {
        packets.append(
          event(Fields.Event.sliceEnd, row, at: time(life.events[last].position)) { event in
            Self.annotate("given back in line", life.events[last].at.line, &event)
          })
      }
    }
    return packets
  }

  // MARK: Instants

  private mutating func instants(
    of life: GroupTimeline, in group: UInt64, rank: Int, _ report: Report, _ flows: [Int: [UInt64]]
  ) -> [[UInt8]] {
    let told = life.events.indices.filter { life.events[$0].mark != .none }
    guard !told.isEmpty else { return [] }
    let uuid = newTrack()
    var packets = [track(uuid, "events", parent: group, rank: rank)]
    for index in told {
      let happening = life.events[index]
      packets.append(
        event(Fields.Event.instant, uuid, at: time(happening.position)) { event in
          event.string(Fields.Event.name, EventWords.name(happening, in: life))
          event.string(Fields.Event.categories, happening.mark.rawValue)
          Self.annotate(happening, life, report, &event)
          for flow in flows[index] ?? [] { event.fixed64(Fields.Event.endingFlows, flow) }
        })
    }
    return packets
  }

  private static func annotate(
    _ event: GroupTimeline.Event, _ life: GroupTimeline, _ report: Report, _ writer: inout ProtobufWriter
  ) {
    annotate("source", Printable.text(report.sources[event.at.source].path), &writer)
    annotate("line", event.at.line, &writer)
    if let text = event.text { annotate("text", Printable.text(text), &writer) }
    if !event.notes.isEmpty {
      annotate("notes", Printable.text(event.notes.joined(separator: "; ")), &writer)
    }
    if let change = event.change.map({ life.group.changes[$0] }), let comm = change.comm {
      annotate("task", Printable.text(comm) + (change.pid.map { " (pid \($0))" } ?? ""), &writer)
    }
  }

  private static func annotate(_ name: String, _ value: Int, _ writer: inout ProtobufWriter) {
    writer.message(PerfettoFields.Event.annotations) { annotation in
      annotation.string(PerfettoFields.Annotation.name, name)
      annotation.int64(PerfettoFields.Annotation.int, Int64(value))
    }
  }

  private static func annotate(_ name: String, _ value: String, _ writer: inout ProtobufWriter) {
    writer.message(PerfettoFields.Event.annotations) { annotation in
      annotation.string(PerfettoFields.Annotation.name, name)
      annotation.string(PerfettoFields.Annotation.string, value)
    }
  }
}
