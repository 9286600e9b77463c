/// What stands around the lines of a source, line by line: the prefixes and JSON of runners around anything, the records
/// of a journal around kernel messages. Formats: formats.md 8.3, 8.6 and 10.3.
///
/// A prefix that nothing else looks like is taken off where it stands. One that other texts have as well is taken off
/// once what follows it was recognised by itself, and given up when most lines lack it.
struct LogEnvelope {
  enum Content {
    /// Nothing stands around the line.
    case plain
    /// The line proper stands here.
    case inner(Range<Int>)
    /// A line that was put together or unescaped, and the number of its first part.
    case text([UInt8], line: Int)
    /// A message with its members.
    case entry(LogEntry)
    /// Understood, and says nothing.
    case structure
    /// Blank, or part of what comes later.
    case held
  }

  /// Lines that are looked at even if none was wrapped before.
  private static let firstLines = 32
  /// The longest line that is put together from pieces.
  private static let longestText = 256 << 10

  private var adopted: RunnerPrefix.Kinds = []
  private var linesSeen = 0
  private var hits = 0
  private var misses = 0
  private var isJSON = false
  private var document = LogDocument()
  /// Lines that may go on in the next of the same stream.
  private var held: [(stream: UInt32, text: [UInt8], line: Int)] = []
  private var partial: (text: [UInt8], line: Int)?

  /// Whether lines must be handed to ``open(_:number:)`` before anything else looks at them.
  var isWatching: Bool {
    linesSeen < Self.firstLines || !adopted.isEmpty || isJSON || document.isOpen
  }

  mutating func open(_ line: Span<UInt8>, number: Int) -> Content {
    linesSeen += 1
    if let content = document.read(line, number: number) { return content }
    if let content = object(line, number: number) {
      isJSON = true
      return content
    }
    return prefixed(line, number: number)
  }

  /// What was still waiting for its rest at the end of the source, one piece a call.
  mutating func drain() -> Content? {
    if let entry = document.finish() { return .entry(entry) }
    if !held.isEmpty {
      let first = held.removeFirst()
      return .text(first.text, line: first.line)
    }
    defer { partial = nil }
    return partial.map { .text($0.text, line: $0.line) }
  }

  // MARK: - Prefixes

  /// Another wrapping inside the text that an object or the pieces of a line made up.
  mutating func openText(_ text: Span<UInt8>, number: Int) -> Content {
    prefixed(text, number: number, isInner: true)
  }

  private mutating func prefixed(_ line: Span<UInt8>, number: Int, isInner: Bool = false) -> Content {
    var start = 0
    var piece = RunnerPrefix.Piece.whole
    // A runner in a runner, and a test framework in both.
    for _ in 0..<4 {
      guard let match = RunnerPrefix.match(line, at: start), isBelieved(match, line) else { break }
      adopted.insert(match.kind)
      start = match.end
      piece = match.piece
      // What follows may be the middle of a line.
      guard case .whole = piece else { break }
    }
    guard start > 0 else {
      // A colour around the whole line: no column of a trace begins so.
      if line.hasText("\u{1B}[", at: 0) { return .text(ConsoleBytes.cleaned(line), line: number) }
      if !adopted.isEmpty, !isInner { miss() }
      return .plain
    }
    hits += 1
    if line.hasText("section_start:", at: start) || line.hasText("section_end:", at: start) { return .held }
    let content = join(line, from: start, piece, number: number)
    // Containers log JSON, and their runner wraps that.
    if case .inner(let range) = content, let object = object(line.extracting(range), number: number) {
      return object
    }
    return content
  }

  private func isBelieved(_ match: RunnerPrefix.Match, _ line: Span<UInt8>) -> Bool {
    if RunnerPrefix.Kinds.weak.isDisjoint(with: match.kind) || adopted.contains(match.kind) { return true }
    if RunnerPrefix.isRecognised(line, from: match.end) { return true }
    guard let next = RunnerPrefix.match(line, at: match.end) else { return false }
    return RunnerPrefix.Kinds.weak.isDisjoint(with: next.kind)
      || RunnerPrefix.isRecognised(line, from: next.end)
  }

  private mutating func miss() {
    misses += 1
    if misses > 64 + hits { adopted = [] }
  }

  private mutating func join(
    _ line: Span<UInt8>, from start: Int, _ piece: RunnerPrefix.Piece, number: Int
  ) -> Content {
    switch piece {
    case .whole: return rest(line, from: start)
    case .start(let stream):
      let text = [UInt8](copying: line.extracting(start..<line.count))
      guard let index = held.firstIndex(where: { $0.stream == stream }) else {
        held.append((stream, text, number))
        return .held
      }
      let before = held.remove(at: index)
      held.append((stream, text, number))
      return before.text.isEmpty ? .held : .text(before.text, line: before.line)
    case .continuation(let stream):
      guard let index = held.firstIndex(where: { $0.stream == stream }) else {
        return rest(line, from: start)
      }
      if held[index].text.count < Self.longestText {
        held[index].text += [UInt8](copying: line.extracting(start..<line.count))
      }
      return .held
    case .partial:
      if partial?.text.count ?? 0 >= Self.longestText { return .held }
      var whole = takePartial(number)
      whole.text += [UInt8](copying: line.extracting(start..<line.count))
      partial = whole
      return .held
    case .last:
      if partial == nil { return rest(line, from: start) }
      let before = takePartial(number)
      return .text(before.text + [UInt8](copying: line.extracting(start..<line.count)), line: before.line)
    }
  }

  /// What came of a line so far, to grow: left where it is it would be copied with every piece.
  private mutating func takePartial(_ number: Int) -> (text: [UInt8], line: Int) {
    defer { partial = nil }
    return partial ?? ([], number)
  }

  private func rest(_ line: Span<UInt8>, from start: Int) -> Content {
    let end = ConsoleBytes.end(of: line)
    return start < end ? .inner(start..<end) : .held
  }

  // MARK: - Objects

  /// An object on one line: `journalctl -o json`, `json-sse`, `json-seq`, docker, LAVA, programs that log JSON.
  private mutating func object(_ line: Span<UInt8>, number: Int) -> Content? {
    var start = 0
    if line.hasText("data: {", at: 0) { start = 6 }
    if line.count > 1, line[0] == 0x1E { start = 1 }
    let isItem = line.hasText("- {\"", at: 0)
    if isItem { start = 2 }
    guard line.hasText("{\"", at: start) else { return nil }
    var entry = LogEntry()
    var isOfJournal = false
    var console: [UInt8]?
    var isConsole = true
    var json = LogJSON(line, at: start)
    while let (range, value) = json.next() {
      let key = line.extracting(range)
      if key.hasText("__", at: 0) || key.is("_TRANSPORT") || key.is("MESSAGE") { isOfJournal = true }
      if key.is("log"), case .text(let text) = value { console = text }
      if isItem, key.is("lvl"), case .text(let text) = value {
        isConsole = text.span.is("target") || text.span.is("feedback")
      }
      entry.take(key, value, line: number)
    }
    if let console { return docker(console, number: number) }
    if isItem { return isConsole && entry.hasText ? .text(entry.text, line: number) : .structure }
    if entry.hasText { return .entry(entry) }
    return isOfJournal ? .structure : nil
  }

  /// docker cuts lines longer than 16 KiB: only the last piece ends in a newline.
  private mutating func docker(_ text: [UInt8], number: Int) -> Content {
    var whole = takePartial(number)
    let goesOn = text.last != 0x0A && whole.text.count < Self.longestText
    whole.text += text
    guard goesOn else { return .text(whole.text, line: whole.line) }
    partial = whole
    return .held
  }
}
