import DMALedger

/// One group: its chart, the same as a table, who holds it, and what was found.
enum HTMLGroup {
  /// Events in the table from the beginning; the script adds the rest when asked.
  private static let shownRows = 300
  /// Holders in the list; the chart and the JSON report have them all.
  private static let shownHolders = 40
  /// Findings of the same kind behind the first one.
  private static let shownAgain = 20

  static func render(_ index: Int, _ report: Report, _ timeline: Timeline, _ page: inout HTMLCanvas) {
    let life = timeline.groups[index]
    let group = life.group
    let name = TextGroup.shortName(group)
    let attributes: [(StaticString, String)] = [
      ("class", "group"), ("id", "group-\(index)"), ("aria-labelledby", "title-\(index)"),
    ]
    page.element("section", attributes, isBlock: true) { page in
      let title = group.id == nil ? "A group without known number" : "Group \(name)"
      let spoken = "\(title): \(group.verdict.rawValue), \(spokenCounts(group))"
      page.element("h2", [("id", "title-\(index)"), ("aria-label", spoken)], isBlock: true) { page in
        page.words(title + " ")
        HTMLAnswer.verdict(group.verdict, &page)
        page.element("span", [("class", "counts")], " " + counts(group))
      }
      if !group.reasons.isEmpty {
        page.element("ul", [("class", "reasons")], isBlock: true) { page in
          for reason in group.reasons { page.element("li", reason + ".") }
        }
      }
      if life.isCharted {
        chart(index, life, name, &page)
        table(index, life, report, &page)
      }
      holders(group, report, timeline, index, &page)
      findings(life, report, timeline, &page)
    }
  }

  /// The second leak of a group happened as the first one did: it may be opened, but does not stand in the way.
  private static func findings(
    _ life: GroupTimeline, _ report: Report, _ timeline: Timeline, _ page: inout HTMLCanvas
  ) {
    let own = life.findings.map { report.findings[$0] }
    for (number, finding) in own.enumerated()
    where !own[..<number].contains(where: { $0.rule == finding.rule }) {
      HTMLFinding.render(finding, report, timeline, &page)
      let others = own[(number + 1)...].filter { $0.rule == finding.rule }
      guard !others.isEmpty else { continue }
      page.element("details", [("class", "again")], isBlock: true) { page in
        page.element(
          "summary",
          "\(finding.rule.rawValue) once more" + (others.count == 1 ? "" : ", \(others.count) times"))
        for other in others.prefix(shownAgain) { HTMLFinding.render(other, report, timeline, &page) }
        if others.count > shownAgain {
          page.element("p", isBlock: true, "and \(others.count - shownAgain) more, in the JSON report")
        }
      }
    }
  }

  private static func counts(_ group: GroupReport) -> String {
    var text = "count \(TextGroup.count(group.initial)) → \(TextGroup.count(group.final))"
    if group.peak.max != nil { text += ", at most \(TextGroup.count(group.peak))" }
    return text
  }

  /// The same for ears, which do not hear an arrow.
  private static func spokenCounts(_ group: GroupReport) -> String {
    func word(_ count: Count) -> String {
      if let exact = count.exact { return "\(exact)" }
      if let max = count.max { return "between \(count.min) and \(max)" }
      return count.min == 0 ? "unknown" : "at least \(count.min)"
    }
    var text = "count \(word(group.initial)) at the beginning, \(word(group.final)) at the end"
    if let max = group.peak.max { text += ", never more than \(max)" }
    return text
  }

  // MARK: - The chart

  private static func chart(_ index: Int, _ life: GroupTimeline, _ name: String, _ page: inout HTMLCanvas) {
    let leaks = life.lanes.flatMap(\.holdings).count { $0.kind == .leaked }
    let refusals = life.events.count { $0.mark == .refusal }
    let calls = life.group.changeCount
    let gaps = life.gaps.count { !life.isFold($0) }
    var label =
      "Chart of group \(name): \(spokenCounts(life.group)), \(counted(calls, "call"))"
    if leaks > 0 { label += ", \(counted(leaks, "reference")) leaked" }
    if refusals > 0 { label += ", refused \(refusals == 1 ? "once" : "\(refusals) times")" }
    if gaps > 0 { label += ", evidence is missing in \(counted(gaps, "place"))" }
    label += ". The arrow keys step through its events; a table follows."
    // A slider is what screen readers hand the arrow keys to, and they say its value when it changes.
    page.element(
      "div",
      [
        ("class", "chart needs-script"), ("data-group", "\(index)"), ("tabindex", "0"), ("role", "slider"),
        ("aria-roledescription", "chart"), ("aria-label", label), ("aria-valuemin", "0"),
        ("aria-valuemax", "\(life.events.count)"), ("aria-valuenow", "0"),
        ("aria-valuetext", "no event chosen, \(life.events.count) to step through"),
      ], isBlock: true, "")
    page.element("div", [("class", "readout needs-script"), ("id", "readout-\(index)")], isBlock: true, "")
  }

  // MARK: - The table

  private static func table(_ index: Int, _ life: GroupTimeline, _ report: Report, _ page: inout HTMLCanvas) {
    page.element("details", [("class", "events")], isBlock: true) { page in
      page.element(
        "summary", "The chart as a table, \(counted(life.events.count, "row"))")
      page.markup("<div class=\"scroll\">")
      page.element(
        "table", [("id", "table-\(index)"), ("data-shown", "\(min(shownRows, life.events.count))")]
      ) { page in
        page.element(
          "caption", [("class", "hidden")],
          "Events of group \(TextGroup.shortName(life.group)) in order of effect")
        page.markup("<thead><tr><th scope=\"col\">")
        page.words(report.countsTicks ? "tick" : "time")
        page.markup(
          """
          </th><th scope="col">event</th><th scope="col">device</th><th scope="col">driver</th>\
          <th scope="col">task</th><th scope="col">count</th><th scope="col">by right</th><th scope="col">line</th></tr></thead>

          """)
        page.element("tbody") { page in
          for number in life.events.indices.prefix(shownRows) { row(index, number, life, report, &page) }
        }
      }
      if life.events.count > shownRows {
        page.element(
          "button", [("type", "button"), ("class", "more needs-script"), ("data-table", "\(index)")],
          "Show the other \(life.events.count - shownRows) rows")
      }
      page.markup("</div>")
    }
  }

  private static func row(
    _ index: Int, _ number: Int, _ life: GroupTimeline, _ report: Report, _ page: inout HTMLCanvas
  ) {
    let event = life.events[number]
    let change = event.change.map { life.group.changes[$0] }
    let time = change?.time ?? (change == nil ? lineTime(event, report) : nil)
    page.element(
      "tr", [("id", "e\(index)-\(number)"), ("class", event.mark.rawValue)], isBlock: true
    ) { page in
      page.element("td", time.map { ReportSentence.clock($0, report.countsTicks) } ?? "")
      page.element("td", what(event, change))
      page.element("td", change?.device ?? "")
      page.element("td", change?.driver ?? "")
      page.element("td", change.map(task) ?? "")
      page.element("td", count(event, change))
      page.element("td", "\(event.held)")
      page.element("td", TextPlace.short(event.at, report))
    }
  }

  private static func lineTime(_ event: GroupTimeline.Event, _ report: Report) -> Nanoseconds? {
    // Lines without a time have no place on a time axis and are no events there.
    report.findings.lazy.flatMap(\.evidence).first { $0.at == event.at }?.time
  }

  private static func what(_ event: GroupTimeline.Event, _ change: Change?) -> String {
    var text = change.map(TextChanges.name) ?? ""
    if event.mark == .leak { text += " ← leak" }
    let notes = event.notes.joined(separator: "; ")
    return text.isEmpty ? notes : notes.isEmpty ? text : text + ": " + notes
  }

  private static func task(_ change: Change) -> String {
    guard let comm = change.comm else { return change.pid.map { "pid \($0)" } ?? "" }
    return comm + (change.pid.map { " (\($0))" } ?? "")
  }

  private static func count(_ event: GroupTimeline.Event, _ change: Change?) -> String {
    guard let change, change.before != change.after else { return TextGroup.count(event.count) }
    return "\(TextGroup.count(change.before)) → \(TextGroup.count(change.after))"
  }

  // MARK: - Holders

  private static func holders(
    _ group: GroupReport, _ report: Report, _ timeline: Timeline, _ index: Int, _ page: inout HTMLCanvas
  ) {
    page.element("h3", isBlock: true, "Held at the end")
    guard !group.holders.isEmpty else {
      page.element("p", isBlock: true, "Nobody holds the group.")
      return
    }
    page.element("ul", [("class", "holders")], isBlock: true) { page in
      for holder in group.holders.prefix(shownHolders) {
        page.element("li", [("class", holder.kind.rawValue)], isBlock: true) { page in
          page.element("b", ReportSentence.kind(holder))
          page.words(" " + ReportSentence.holder(holder, report))
          if let at = holder.at {
            page.words(", ")
            HTMLFinding.place(at, report, timeline.groups[index], index, &page)
          }
        }
      }
      if group.holders.count > shownHolders {
        page.element(
          "li", "and \(group.holders.count - shownHolders) more, in the chart and in the JSON report")
      }
    }
  }
}
