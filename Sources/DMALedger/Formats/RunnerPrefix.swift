/// What CI runners, terminals, relays and mailers put in front of every line, whatever the line says. Shapes: formats.md
/// 10.3. Their time is when somebody received the line, never the kernel's.
enum RunnerPrefix {
  struct Kinds: OptionSet {
    let rawValue: UInt16

    /// `2026-01-01T00:00:00.0000000Z `, also behind `job TAB step TAB`: GitHub, Azure, `kubectl logs --timestamps`
    static let utc = Kinds(rawValue: 1)
    /// `2026-07-21T18:06:18.101984Z 00O `: GitLab, with the stream and whether the line goes on from the last.
    static let gitLab = Kinds(rawValue: 2)
    /// `2026-11-22T08:15:26.654727123+01:00 stdout F `: Kubernetes' CRI
    static let container = Kinds(rawValue: 4)
    /// `[2026-01-01T00:00:00.000Z] `, `[2026-11-22 08:15:27.123] `: Jenkins, screen, minicom
    static let bracket = Kinds(rawValue: 8)
    /// `ESC_bk;t=1700000000000BEL`
    static let buildkite = Kinds(rawValue: 16)
    /// `@400000005bd2cd1a1e5d5b34 `: multilog
    static let tai64 = Kinds(rawValue: 32)
    /// `13:37:00.123  `, `00:00:01 `, `Nov 22 08:15:27 `, `1795335326.654727 `: ts(1), tuxrun
    static let clock = Kinds(rawValue: 64)
    /// `console@NAME: `: labgrid
    static let console = Kinds(rawValue: 128)
    /// `| `, `> `: test frameworks, mailers
    static let bar = Kinds(rawValue: 256)

    /// Shapes that other texts have as well: they count only in front of what is recognised by itself.
    static let weak: Kinds = [.clock, .console, .bar]
  }

  /// The part of a line that a runner sends now, and the rest later.
  enum Piece {
    case whole
    /// More of the line before (GitLab).
    case continuation(stream: UInt32)
    case start(stream: UInt32)
    /// CRI: the line goes on in the next.
    case partial
    case last
  }

  struct Match {
    var kind: Kinds
    var end: Int
    var piece = Piece.whole
  }

  /// The prefix at `start`, if one of these is there.
  static func match(_ line: Span<UInt8>, at start: Int) -> Match? {
    guard start < line.count else { return nil }
    var cursor = ByteCursor(line, at: start)
    switch line[start] {
    case 0x1B:
      guard cursor.take("\u{1B}_bk;t="), cursor.takeDecimal() != nil, cursor.take(0x07) else { return nil }
      return Match(kind: .buildkite, end: cursor.index)
    case 0x40:
      cursor.index += 1
      let digits = cursor.index
      while cursor.peek().hexValue != nil { cursor.index += 1 }
      guard cursor.index - digits == 24, cursor.take(" ") else { return nil }
      return Match(kind: .tai64, end: cursor.index)
    case 0x5B:
      cursor.index += 1
      guard let form = WallClock.take(&cursor), form == .iso || form == .isoUTC, cursor.take("]") else {
        return nil
      }
      _ = cursor.take(" ")
      return Match(kind: .bracket, end: cursor.index)
    case 0x7C, 0x3E:
      cursor.index += 1
      guard cursor.take(" ") || cursor.isAtEnd else { return nil }
      return Match(kind: .bar, end: cursor.index)
    case 0x63 where cursor.take("console@"):
      while cursor.peek().isWord || cursor.peek() == 0x2D || cursor.peek() == 0x2E { cursor.index += 1 }
      return cursor.take(": ") ? Match(kind: .console, end: cursor.index) : nil
    default: return time(&cursor)
    }
  }

  @_lifetime(cursor: copy cursor)
  private static func time(_ cursor: inout ByteCursor) -> Match? {
    let start = cursor.index
    if let form = WallClock.take(&cursor) {
      // A runner that flushes an empty line leaves out the blank.
      if form == .isoUTC, cursor.isAtEnd { return Match(kind: .utc, end: cursor.index) }
      guard cursor.take(" ") else { return nil }
      switch form {
      case .iso: return container(&cursor)
      case .isoUTC: return gitLab(&cursor) ?? container(&cursor) ?? Match(kind: .utc, end: cursor.index)
      case .syslog: return Match(kind: .clock, end: cursor.index)
      // function_graph's own time, of a clock that counts from 1970.
      case .unix: return cursor.peek() == 0x7C ? nil : Match(kind: .clock, end: cursor.index)
      case .isoComma, .full, .ctime, .minute: return nil
      }
    }
    if let clock = WallClock.takeClock(&cursor) {
      guard clock.hasSeconds, cursor.take(" ") else { return nil }
      // tuxrun writes two; a column of a trace may begin with the second.
      if cursor.peek() == 0x20, cursor.peek(1) == 0x3C || cursor.peek(1) == 0x5B { cursor.index += 1 }
      return Match(kind: .clock, end: cursor.index)
    }
    cursor.index = start
    return viewed(&cursor)
  }

  /// `job TAB step TAB 2026-01-01T00:00:00.0000000Z `
  @_lifetime(cursor: copy cursor)
  private static func viewed(_ cursor: inout ByteCursor) -> Match? {
    guard let first = cursor.bytes.firstIndex(of: 0x09, from: cursor.index), first - cursor.index < 128,
      first > cursor.index, let second = cursor.bytes.firstIndex(of: 0x09, from: first + 1),
      second - first < 128
    else { return nil }
    cursor.index = second + 1
    // The first line of a step begins with a byte order mark.
    if cursor.peek() == 0xEF, cursor.peek(1) == 0xBB, cursor.peek(2) == 0xBF { cursor.index += 3 }
    guard WallClock.take(&cursor) == .isoUTC else { return nil }
    guard cursor.take(" ") || cursor.isAtEnd else { return nil }
    return Match(kind: .utc, end: cursor.index)
  }

  /// `00O `, `01E+` behind the time: stream, output or error, and whether the line before goes on.
  @_lifetime(cursor: copy cursor)
  private static func gitLab(_ cursor: inout ByteCursor) -> Match? {
    guard let high = cursor.peek().hexValue, let low = cursor.peek(1).hexValue,
      cursor.peek(2) == 0x4F || cursor.peek(2) == 0x45,
      cursor.peek(3) == 0x20 || cursor.peek(3) == 0x2B || cursor.index + 3 == cursor.bytes.count
    else { return nil }
    let stream = UInt32(high) << 12 | UInt32(low) << 8 | UInt32(cursor.peek(2))
    let isContinuation = cursor.peek(3) == 0x2B
    return Match(
      kind: .gitLab, end: min(cursor.index + 4, cursor.bytes.count),
      piece: isContinuation ? .continuation(stream: stream) : .start(stream: stream))
  }

  @_lifetime(cursor: copy cursor)
  private static func container(_ cursor: inout ByteCursor) -> Match? {
    let start = cursor.index
    guard cursor.take("stdout ") || cursor.take("stderr ") else { return nil }
    let isPartial = cursor.take("P ")
    guard isPartial || cursor.take("F ") || cursor.take("F") && cursor.isAtEnd else {
      cursor.index = start
      return nil
    }
    return Match(kind: .container, end: cursor.index, piece: isPartial ? .partial : .last)
  }

  /// Whether the line from `start` on is recognised by itself, so that even a weak prefix in front of it is one.
  static func isRecognised(_ line: Span<UInt8>, from start: Int) -> Bool {
    let rest = line.extracting(start..<line.count)
    if rest.hasText("cpus=", at: 0) { return true }
    // The shortest that is worth a prefix; columns of a trace begin behind the ninth byte.
    if rest.count < 12 { return false }
    switch rest[0] {
    case 0x23: return rest.hasText("# tracer: ", at: 0) || rest.hasText("##### CPU ", at: 0)
    case 0x5B, 0x3C: return LogLine.parse(rest)?.time != nil
    case 0x43 where rest.hasText("CPU:", at: 0): return rest.contains("EVENTS")
    default: break
    }
    if rest.count > 24, rest[16] == 0x2D, RecordContext.fromDefault(rest) != nil { return true }
    if rest[8] == 0x2D, RecordContext.fromLatency(rest) != nil { return true }
    if rest[0].isDigit, let log = LogLine.parse(rest), log.sequence != nil { return true }
    if rest.hasText("/sys/", at: 0) || rest.hasText("IOMMU Group ", at: 0) || rest.hasText("qemu-", at: 0)
      || rest.hasText("vfio ", at: 0) || rest.hasText("EAL: ", at: 0) || rest.hasText("== ", at: 0)
    {
      return true
    }
    return GraphLine.parse(rest, needsColumns: true) != nil
  }
}
