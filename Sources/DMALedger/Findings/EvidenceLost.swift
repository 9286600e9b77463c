/// Part of what happened is not in the capture.
enum EvidenceLost {
  static let explanation = Explanation(
    title: "Part of the evidence is missing",
    meaning: """
      The capture has a gap: the ring buffer overran and events were overwritten or dropped, tracing was off \
      for a while, return probes were missed, the clock was reset, or the file is truncated or damaged. \
      Calls that change owner_cnt may have happened there unseen. From the start of the gap the count of \
      every group it may touch is unknown, until an observation pins it again: a fetched count, a successful \
      claim, a decisive return code. Verdicts that would have to reach across the gap become inconclusive, \
      and no leak is claimed from it. Where a checksum says that a file is not what was written, nobody knows \
      which of its lines are, and nothing in the whole file proves anything.
      """,
    evidence: """
      The tracer's own marks ("CPU:N [LOST n EVENTS]", a header in which fewer entries are in the buffer \
      than were written, or more than there are lines), a time that goes backwards, a compressed frame whose checksum fails, a last line \
      cut in the middle, the log's line about an unstable clock before the trace begins. These are facts about the input, so the finding is proved where the tracer or the \
      decoder says so. It is consistent where a call without its return agrees with misses counted \
      elsewhere, and suspected where only an impossible sequence of calls suggests a gap.
      """,
    lookAlikes: """
      A capture that begins after devices were bound has lost nothing; its counts start unknown and are \
      narrowed by what is seen. Two boots in one file, or a persistent buffer with the previous boot in it, \
      look like a clock reset but are two histories, each with its own counts. function_graph cuts a call in \
      two when its task moves to another CPU, and both halves are there. A call that has not returned when \
      recording stops is open and not lost. A kernel that switches its clock at boot clears the buffer, and \
      everything before that is really gone.
      """,
    remedy: """
      Record again with less and with more room: filter to the ownership functions, really_probe, \
      device_remove and driver_bound, enlarge the buffer (trace_buf_size= at boot, buffer_size_kb or \
      trace-cmd -b later), and name the clock (trace_clock=global) so that it is not switched at boot. Fetch \
      the group's id and count as arguments: each such event ends the uncertainty for its group. For damaged \
      files, get the original again and compare its size and hash. Do not take an inconclusive verdict for a \
      clean one, and do not join two captures over the gap by hand.
      """)
}

extension EvidenceLost {
  /// One finding a capture, with the first places where something is missing.
  static func find(_ context: FindingContext, header: Int, resets: [Witness] = []) -> [Finding] {
    guard !context.losses.isEmpty || header > 0 || !resets.isEmpty else { return [] }
    var parts: [String] = []
    if !resets.isEmpty {
      parts.append(
        "the kernel found its clock unstable and emptied the trace buffers at boot, so whatever was traced before is gone"
      )
    }
    if header > 0 {
      parts.append(
        "\(counted(header, "event was", "events were")) overwritten or dropped before the capture was read")
    }
    let marked = context.losses.filter { $0.kind == .lost }
    if !marked.isEmpty {
      let places = counted(marked.reduce(0) { $0 + $1.times }, "place")
      let known = marked.reduce(0) { $0.clampedSum($1.count) }
      parts.append(
        known > 0
          ? "the tracer lost \(counted(known, "event")) in \(places)" : "the tracer lost events in \(places)")
    }
    let partial = context.losses.filter { $0.kind == .partial }
    if !partial.isEmpty {
      let missing = partial.reduce(0) { $0.clampedSum($1.count) }
      parts.append(
        missing > 0
          ? "\(counted(missing, "entry that the header counts has", "entries that the header counts have")) no line, "
            + "so the trace was cut off or filtered, or is the part of one CPU"
          : "a file of the trace could not be opened")
    }
    for (kind, words) in [
      (Loss.Kind.bufferStarted, "a CPU's buffer begins later than the capture"),
      (.restarted, "the file holds more than one capture"), (.damaged, "part of the file could not be read"),
      (.misread, "a checksum says that the file is not what was written"),
      (.overlapping, "two traces cover the same time, so what came last is in neither"),
      (.timeWentBack, "the clock steps back"),
      (.simultaneous, "CPUs show the same time for what depends on its order"),
      (.missingUse, "a second pass shows no use although the first one did"),
      (.givenUp, "more was open at once than is followed"),
      (.tangled, "calls of tasks that no line names run into each other"),
    ] {
      let count = context.losses.reduce(0) { $0 + ($1.kind == kind ? $1.times : 0) }
      if count > 0 { parts.append(count == 1 ? words : "\(words) (\(count) times)") }
    }
    return [
      Finding(
        rule: .evidenceLost, severity: .note, certainty: .proved,
        message: "Evidence is missing: " + parts.joined(separator: "; ")
          + ". What a group's count was after that is only claimed where a later line shows it.",
        remedy: remedy(context, header: header, resets: resets),
        fingerprint: context.fingerprint(.evidenceLost, driver: nil, device: nil, chain: "lost"),
        evidence: context.losses.prefix(6).map { context.evidence($0.witness, note($0, context)) }
          + resets.prefix(2).map { context.evidence($0, "the trace buffers were emptied here") })
    ]
  }

  private static func remedy(_ context: FindingContext, header: Int, resets: [Witness]) -> String {
    let hasTangles = context.losses.contains { $0.kind == .tangled }
    let naming = "Record again with lines that name their task (`echo 1 > options/context-info`)."
    if hasTangles, header == 0, resets.isEmpty, context.losses.allSatisfy({ $0.kind == .tangled }) {
      return naming
    }
    if header == 0, resets.isEmpty, context.losses.allSatisfy({ $0.kind == .simultaneous }) {
      return
        "Read the file `trace` instead of those of one CPU each: it has the events of all CPUs in their order."
    }
    if header == 0, resets.isEmpty, context.losses.allSatisfy(\.isDamage) {
      return "Get the file again from where it came, and compare its size and hash."
    }
    return
      "Record again with a larger buffer (`buffer_size_kb`, `trace_buf_size=` at boot) or fewer functions "
      + "in the filter, and read it with `cat trace` after `echo 0 > tracing_on`."
      + (hasTangles ? " \(naming)" : "")
  }

  private static func note(_ loss: Loss, _ context: FindingContext) -> String {
    switch loss.kind {
    case .lost:
      loss.cpu >= 0 ? "events of CPU \(loss.cpu) are missing before this" : "events are missing here"
    case .bufferStarted: "nothing is known of CPU \(loss.cpu) before this"
    case .restarted: "another capture begins"
    case .damaged: "the last line that could be read"
    case .misread: "the last line that was read, and any before it may be another than was written"
    case .overlapping: "the last line of a trace that begins before another one ends"
    case .partial: "the last line; the others may be missing anywhere before it"
    case .timeWentBack: "earlier than the line before"
    case .simultaneous: "another CPU has lines of the same time"
    case .givenUp: "more was open at once than is followed"
    case .tangled: "nobody knows which of the calls returns first"
    case .missingUse:
      "this bind of \(context.text(loss.device) ?? "a device") ends without its second use"
    }
  }
}
