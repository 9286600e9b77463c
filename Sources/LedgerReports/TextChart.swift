import DMALedger

/// A group's count as a step line of characters, and below it a bar for each reference.
///
/// Events stand at even distances, because in a terminal's few columns a second and a microsecond cannot both be seen.
struct TextChart {
  /// What a chart is drawn with.
  private struct Pen {
    var level: Character, wall: Character, frame: Character, haze: Character, blind: Character
    var upStart: Character, upEnd: Character, downStart: Character, downEnd: Character
    var begin: Character, body: Character, end: Character, open: Character
    var leakBegin: Character, leakBody: Character
    var leak: Character, refusal: Character, warning: Character, claim: Character, loss: Character

    static let unicode = Pen(
      level: "─", wall: "│", frame: "┤", haze: "░", blind: "╱", upStart: "┘", upEnd: "┌", downStart: "┐",
      downEnd: "└",
      begin: "├", body: "─", end: "┤", open: "▶", leakBegin: "┣", leakBody: "━", leak: "◆", refusal: "✕",
      warning: "!", claim: "○", loss: "≈")
    static let ascii = Pen(
      level: "-", wall: "|", frame: "|", haze: ":", blind: "/", upStart: "+", upEnd: "+", downStart: "+",
      downEnd: "+",
      begin: "|", body: "-", end: "|", open: ">", leakBegin: "#", leakBody: "#", leak: "L", refusal: "X",
      warning: "!", claim: "o", loss: "~")
  }

  /// A chart never takes more columns, however wide the terminal is: it goes into mails, too.
  private static let widest = 80
  /// Rows of the count, and of each device; more say nothing more to the eye.
  private static let mostLevels = 8
  private static let mostRows = 6

  private let life: GroupTimeline
  private let countsTicks: Bool
  /// Calls, warnings and losses; other lines that findings quote would only take their room.
  private let shown: [Int]
  /// By event, its place among those that are shown.
  private let places: [Int]
  private let pen: Pen
  /// Columns in front of the drawing, the frame included.
  private let left: Int
  /// Columns of the drawing.
  private let room: Int
  /// Counts that one row stands for.
  private let unit: Int
  /// The count that the lowest row stands for: 0, unless the count never comes near it.
  private let floor: Int
  private let levels: Int

  /// Draws what is worth seeing of a group.
  static func render(_ group: GroupReport, _ report: Report, _ canvas: inout TextCanvas) {
    guard canvas.style.charts != .none, !group.changes.isEmpty else { return }
    let life = GroupTimeline(group, report, .order)
    var style = canvas.style
    style.width = min(style.width, widest)
    let chart = TextChart(life, countsTicks: report.countsTicks, style)
    var drawing = TextCanvas(style: style)
    drawing.line()
    chart.marks(&drawing)
    chart.count(&drawing)
    chart.lanes(&drawing)
    chart.axis(&drawing)
    canvas.append(drawing)
  }

  private init(_ life: GroupTimeline, countsTicks: Bool, _ style: TextStyle) {
    self.countsTicks = countsTicks
    self.life = life
    shown = life.events.indices.filter { life.events[$0].mark != .line }
    var places: [Int] = []
    for event in life.events { places.append((places.last ?? -1) + (event.mark == .line ? 0 : 1)) }
    self.places = places
    pen = style.charts == .ascii ? .ascii : .unicode
    let names = life.lanes.map { Printable.text($0.name).count }.max() ?? 0
    left = min(14, max(9, names)) + 4
    room = style.width - left - 1
    let counts = [life.group.initial] + life.events.map(\.count)
    // What nothing bounds rises above what is known.
    let isBounded = counts.allSatisfy { $0.max != nil }
    let top = max(1, counts.map { $0.max ?? $0.min }.max() ?? 1) + (isBounded ? 0 : 1)
    let lowest = counts.map(\.min).min() ?? 0
    floor = lowest > 3 ? lowest - 1 : 0
    unit = (top - floor + Self.mostLevels - 1) / Self.mostLevels
    levels = (top - floor + unit - 1) / unit
  }

  /// The column of an event: the first one has room for the count before it.
  private func column(_ event: Int) -> Int {
    min(
      room - 2, 3 + max(0, places[event]) * (room - 5) / max(1, shown.count - 1 + (shown.count < 6 ? 2 : 0)))
  }

  private func lead(_ label: String) -> String {
    let safe = label.count <= left - 3 ? label : label.prefix(left - 4) + "~"
    return String(safe).leftPadded(left - 2) + " "
  }

  // MARK: - Marks

  private func marks(_ canvas: inout TextCanvas) {
    var row = [Character](repeating: " ", count: room)
    let rank: [GroupTimeline.Mark] = [.loss, .claim, .warning, .refusal, .leak]
    var taken: [Int: Int] = [:]
    for (index, event) in life.events.enumerated() {
      guard let weight = rank.firstIndex(of: event.mark) else { continue }
      let place = column(index)
      if let other = taken[place], other > weight { continue }
      taken[place] = weight
      row[place] = [pen.loss, pen.claim, pen.warning, pen.refusal, pen.leak][weight]
    }
    let inks = row.map { $0 == pen.leak ? Ink.bad : .plain }
    let drawn = painted(row, inks, canvas)
    canvas.line(drawn.isEmpty ? String(lead("owner_cnt").dropLast()) : lead("owner_cnt") + " " + drawn)
  }

  /// A row without the blanks at its end, each stretch in its ink.
  private func painted(_ row: [Character], _ inks: [Ink], _ canvas: TextCanvas) -> String {
    let length = trimmed(row).count
    var text = ""
    var start = 0
    while start < length {
      let end = (start..<length).first { inks[$0] != inks[start] } ?? length
      text += canvas.painted(String(row[start..<end]), inks[start])
      start = end
    }
    return text
  }

  private func trimmed(_ row: [Character]) -> String {
    var row = row
    while row.last == " " { row.removeLast() }
    return String(row)
  }

  // MARK: - The count

  private func level(_ count: Int) -> Int { max(0, min(levels, (count - floor + unit - 1) / unit)) }

  private func count(_ canvas: inout TextCanvas) {
    let grid = grid
    for row in stride(from: levels, through: 0, by: -1) {
      canvas.line(lead("\(floor + row * unit)") + String(pen.frame) + trimmed(grid[row]))
    }
  }

  /// The drawing of the count, from the lowest row to the highest.
  private var grid: [[Character]] {
    var grid = [[Character]](repeating: [Character](repeating: " ", count: room), count: levels + 1)
    // Where nothing is known there is no count.
    var now: Count? = life.group.initial
    var from = 0
    var gaps = life.gaps[...]
    for index in shown {
      while let gap = gaps.first, gap.upperBound <= index { gaps.removeFirst() }
      let to = column(index)
      let event = life.events[index]
      if event.gap != nil { now = nil }
      fill(from, to, now, &grid)
      // The first count behind a gap is seen right before the call, if at all.
      let before = event.gap.map { $0.exact == nil ? nil : $0 } ?? now
      let isStep = event.change != nil && before.map { level($0.min) != level(event.count.min) } ?? false
      if isStep, let before { step(at: to, level(before.min), level(event.count.min), &grid) }
      if to > from || index == shown.first { from = to + (isStep ? 1 : 0) }
      now = gaps.first.map { $0.contains(index) } ?? false ? nil : event.count
    }
    fill(from, room, now, &grid)
    return grid
  }

  /// The count between two events: the least as a line, up to the greatest as haze; hatched where it is not known.
  private func fill(_ from: Int, _ to: Int, _ count: Count?, _ grid: inout [[Character]]) {
    guard from < to else { return }
    guard let count else {
      for column in from..<to {
        for row in grid.indices where grid[row][column] == " " { grid[row][column] = pen.blind }
      }
      return
    }
    let low = level(count.min)
    let high = count.max.map(level) ?? levels
    for column in from..<to {
      if grid[low][column] == " " { grid[low][column] = pen.level }
      for row in low..<max(low, high) where grid[row + 1][column] == " " { grid[row + 1][column] = pen.haze }
    }
  }

  private func step(at column: Int, _ before: Int, _ after: Int, _ grid: inout [[Character]]) {
    guard grid[before][column] == " " || grid[before][column] == pen.level || grid[before][column] == pen.haze
    else {
      // Several events share the column: what they passed through is a wall.
      for row in min(before, after)...max(before, after) { grid[row][column] = pen.wall }
      return
    }
    for row in min(before, after)...max(before, after) { grid[row][column] = pen.wall }
    grid[before][column] = after > before ? pen.upStart : pen.downStart
    grid[after][column] = after > before ? pen.upEnd : pen.downEnd
  }

  // MARK: - Holdings

  private func lanes(_ canvas: inout TextCanvas) {
    for lane in life.lanes where !lane.holdings.isEmpty {
      for row in 0..<min(lane.rows, Self.mostRows) {
        let own = lane.holdings.filter { $0.row == row }
        var cells = [Character](repeating: " ", count: room)
        var inks = [Ink](repeating: .plain, count: room)
        for holding in own { bar(holding, &cells, &inks) }
        canvas.line(lead(row == 0 ? Printable.text(lane.name) : "") + " " + painted(cells, inks, canvas))
      }
      if lane.rows > Self.mostRows {
        let rest = lane.holdings.count { $0.row >= Self.mostRows }
        canvas.line(lead("") + " and \(rest) more", .dim)
      }
    }
  }

  private func bar(_ holding: GroupTimeline.Holding, _ cells: inout [Character], _ inks: inout [Ink]) {
    let from = holding.first.map(column) ?? 0
    let to = holding.last.map(column) ?? room - 1
    let isLeak = holding.kind == .leaked
    let body = isLeak ? pen.leakBody : pen.body
    for place in from...max(from, to) {
      cells[place] = body
      inks[place] = isLeak ? .bad : .plain
    }
    if holding.first != nil { cells[from] = isLeak ? pen.leakBegin : pen.begin }
    if to > from { cells[to] = holding.last == nil ? pen.open : pen.end }
    let label = Array(" " + Self.words(holding) + " ")
    guard label.count + 3 <= to - from else { return }
    for (offset, character) in label.enumerated() { cells[from + 2 + offset] = character }
  }

  private static func words(_ holding: GroupTimeline.Holding) -> String {
    let count = holding.count.map { $0 == 1 ? "" : "\($0) x " } ?? ""
    switch holding.kind {
    case .returned, .bound: return count + Printable.text(holding.driver ?? "held")
    case .leaked: return count + "leaked"
    case .suspected: return count + "perhaps leaked"
    case .owner: return count + "owner"
    case .unknown: return count + "whose?"
    }
  }

  // MARK: - The axis

  /// As many times, or lines, as fit below their events.
  private func axis(_ canvas: inout TextCanvas) {
    var row = [Character](repeating: " ", count: room)
    var free = 0
    let hasTimes = shown.contains { life.events[$0].change.flatMap { life.group.changes[$0].time } != nil }
    for index in shown {
      let event = life.events[index]
      let time = event.change.flatMap { life.group.changes[$0].time }
      let label = Array(time.map { ReportSentence.clock($0, countsTicks) } ?? "line \(event.at.line)")
      let place = column(index)
      guard place >= free, place + label.count <= room else { continue }
      for (offset, character) in label.enumerated() { row[place + offset] = character }
      free = place + label.count + 2
    }
    canvas.line(lead(hasTimes ? countsTicks ? "ticks" : "seconds" : "") + " " + trimmed(row), .dim)
    legend(&canvas)
  }

  private func legend(_ canvas: inout TextCanvas) {
    let marks = Set(life.events.map(\.mark))
    var words: [String] = []
    if marks.contains(.leak) { words.append("\(pen.leak) the leak happens") }
    if marks.contains(.refusal) { words.append("\(pen.refusal) refused") }
    if marks.contains(.warning) { words.append("\(pen.warning) the kernel warns") }
    if marks.contains(.claim) { words.append("\(pen.claim) an owner claims or lets go") }
    if marks.contains(.loss) { words.append("\(pen.loss) events lost") }
    let drawn = Set(grid.joined())
    if drawn.contains(pen.blind) {
      words.append(
        "\(pen.blind) \(life.gaps.contains(where: life.isFold) ? "not told" : "evidence is missing")")
    }
    if drawn.contains(pen.haze) { words.append("\(pen.haze) the count may be as high") }
    let distances = "\(shown.count) \(shown.count == 1 ? "event" : "events at even distances")"
    canvas.paragraph((words + [distances]).joined(separator: ", "), indent: left + 1, .dim)
  }
}
