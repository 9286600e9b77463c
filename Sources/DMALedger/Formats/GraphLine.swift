/// A line of the function_graph tracer, with whatever columns its options gave it.
///
///     ` 1) ! 209.454 us  |    mutex_lock();`
///     `   29.257452 |   1)    bash-110    |  ...1. |   6.792 us    |    mutex_lock();`
///     ` 0)     really_probe() {`
struct GraphLine {
  enum Shape {
    case open, leaf, close, comment
    /// Overruns, interrupt arrows.
    case other
    /// ` 0)    bash-110    =>   kworker-9   `
    case taskSwitch
  }

  var shape = Shape.other
  /// Where the bracket behind the CPU and the bar behind the duration stand; -1 without such a column.
  var cpuBracket = -1
  var durationBar = -1
  var cpu: Int32 = -1
  var pid: Int32 = -1
  var previousPid: Int32 = -1
  var commStart = 0
  var commEnd = 0
  /// Seconds with `funcgraph-abstime`; exit time on a closing line, entry time elsewhere.
  var time: Nanoseconds?
  var depth: Int32 = 0
  /// No task nests deeper; a number that is greater is damaged.
  static let deepest = 1 << 20
  /// The symbol of an opening, leaf or named closing line.
  var symbol = 0..<0
  /// Between the parentheses of a call with `funcgraph-args`.
  var arguments = 0..<0
  /// The event inside a comment.
  var comment = 0..<0
  /// With `funcgraph-retval`.
  var result: Int64?

  /// Reads columns and body. `needsColumns` refuses lines that are nothing but a body: those only mean
  /// function_graph when a header or an option says so.
  static func parse(_ line: Span<UInt8>, needsColumns: Bool) -> GraphLine? {
    var graph = GraphLine()
    var cursor = ByteCursor(line)
    let hasColumns = graph.readColumns(&cursor)
    if needsColumns, !hasColumns { return nil }
    if graph.shape == .taskSwitch { return graph }
    return graph.readBody(&cursor) ? graph : nil
  }

  @_lifetime(cursor: copy cursor)
  private mutating func readColumns(_ cursor: inout ByteCursor) -> Bool {
    var found = takeAbsoluteTime(&cursor)
    if takeCPU(&cursor) {
      found = true
      if takeTaskSwitch(cursor) { return true }
    }
    // Task, flags and duration end in a bar each; the body may hold bars too, so only the first few bytes count.
    for _ in 0..<3 {
      guard let bar = cursor.bytes.firstIndex(of: 0x7C, from: cursor.index), bar - cursor.index < 28 else {
        break
      }
      if takeDuration(&cursor, bar: bar) { return true }
      guard let end = takeTask(cursor, bar: bar) ?? (isFlags(cursor, bar: bar) ? bar : nil) else { break }
      found = true
      cursor.index = end + 1
      if cursor.peek() == 0x20 { cursor.index += 1 }
    }
    return found
  }

  @_lifetime(cursor: copy cursor)
  private mutating func takeAbsoluteTime(_ cursor: inout ByteCursor) -> Bool {
    let start = cursor.index
    cursor.skipBlanks()
    if let (time, isSeconds) = cursor.takeTime(), isSeconds, cursor.take(" |  ") {
      self.time = time
      return true
    }
    cursor.index = start
    // Latency tracers print microseconds since their start instead.
    cursor.skipBlanks()
    if let micros = cursor.takeDecimal(), micros < 9_000_000_000_000_000, cursor.take(" us |  ") {
      time = Nanoseconds(Int64(micros) * 1000)
      return true
    }
    cursor.index = start
    return false
  }

  @_lifetime(cursor: copy cursor)
  private mutating func takeCPU(_ cursor: inout ByteCursor) -> Bool {
    let start = cursor.index
    cursor.skipBlanks()
    guard cursor.index > start, let cpu = cursor.takeDecimal(), cpu < 1 << 20, cursor.take(") ") else {
      cursor.index = start
      return false
    }
    self.cpu = Int32(cpu)
    cpuBracket = cursor.index - 2
    return true
  }

  /// `    bash-110    =>   kworker-9   ` behind the CPU column.
  private mutating func takeTaskSwitch(_ cursor: ByteCursor) -> Bool {
    // Cheap first: hardly any other line has this byte so early.
    guard let equals = cursor.bytes.firstIndex(of: 0x3D, from: cursor.index), equals - cursor.index < 40,
      equals > cursor.index, cursor.bytes.hasText(" => ", at: equals - 1)
    else { return false }
    let arrow = equals - 1
    guard let old = Self.task(cursor.bytes, in: cursor.index..<arrow),
      let new = Self.task(cursor.bytes, in: arrow + 4..<cursor.bytes.count)
    else { return false }
    shape = .taskSwitch
    previousPid = old.pid
    pid = new.pid
    commStart = new.comm.lowerBound
    commEnd = new.comm.upperBound
    return true
  }

  /// The bar behind the task; a comm may hold bars itself.
  private mutating func takeTask(_ cursor: ByteCursor, bar: Int) -> Int? {
    var end = bar
    while end - cursor.index < 28 {
      if let task = Self.task(cursor.bytes, in: cursor.index..<end) {
        pid = task.pid
        commStart = task.comm.lowerBound
        commEnd = task.comm.upperBound
        return end
      }
      guard let next = cursor.bytes.firstIndex(of: 0x7C, from: end + 1) else { return nil }
      end = next
    }
    return nil
  }

  /// `  kworker-26   `: the comm is cut to seven bytes and may itself hold dashes.
  private static func task(_ bytes: Span<UInt8>, in range: Range<Int>) -> (pid: Int32, comm: Range<Int>)? {
    var end = range.upperBound
    while end > range.lowerBound, bytes[end - 1] == 0x20 { end -= 1 }
    var dash = end
    while dash > range.lowerBound, bytes[dash - 1].isDigit { dash -= 1 }
    guard dash < end, end - dash < 10, dash > range.lowerBound, bytes[dash - 1] == 0x2D else { return nil }
    var number = ByteCursor(bytes, at: dash)
    guard let pid = number.takeDecimal() else { return nil }
    var start = range.lowerBound
    while start < dash - 1, bytes[start] == 0x20 { start += 1 }
    return (Int32(pid), start..<dash - 1)
  }

  private func isFlags(_ cursor: ByteCursor, bar: Int) -> Bool {
    guard bar - cursor.index >= 5, bar - cursor.index <= 12 else { return false }
    for index in cursor.index..<bar {
      let byte = cursor.bytes[index]
      guard byte == 0x20 || byte == 0x2E || byte.isLetter || byte.isDigit else { return false }
    }
    return true
  }

  /// `! 209.454 us  |  ` or blanks; the two blanks behind the bar are part of the column.
  @_lifetime(cursor: copy cursor)
  private mutating func takeDuration(_ cursor: inout ByteCursor, bar: Int) -> Bool {
    var end = bar
    while end > cursor.index, cursor.bytes[end - 1] == 0x20 { end -= 1 }
    if end > cursor.index {
      guard end - cursor.index >= 4, cursor.bytes[end - 1] == 0x73, cursor.bytes[end - 2] == 0x75 else {
        return false
      }
    } else if bar - cursor.index < 5 {
      return false
    }
    durationBar = bar
    cursor.index = bar + 1
    if cursor.peek() == 0x20 { cursor.index += 1 }
    if cursor.peek() == 0x20 { cursor.index += 1 }
    return true
  }

  /// Indentation and what follows; also used for the records of `trace-cmd report`, which bring their own columns.
  @_lifetime(cursor: copy cursor)
  mutating func readBody(_ cursor: inout ByteCursor) -> Bool {
    let start = cursor.index
    cursor.skipBlanks()
    depth = Int32(clamping: (cursor.index - start) / 2)
    let bytes = cursor.bytes
    switch cursor.peek() {
    case 0x7D:
      cursor.index += 1
      shape = .close
      readTail(cursor, namesSymbol: true)
      return true
    case 0x2F where cursor.peek(1) == 0x2A:
      var end = bytes.count
      if bytes.hasSuffix(" */") { end -= 3 }
      shape = .comment
      comment = min(cursor.index + 3, end)..<end
      return true
    case 0x28:
      return bytes.hasText("(Overruns: ", at: cursor.index)
    case 0x3D:
      return bytes.hasText("==========> |", at: cursor.index)
    case 0x3C:
      return bytes.hasText("<========== |", at: cursor.index)
    default:
      return readCall(&cursor)
    }
  }

  @_lifetime(cursor: copy cursor)
  private mutating func readCall(_ cursor: inout ByteCursor) -> Bool {
    let bytes = cursor.bytes
    let start = cursor.index
    while !cursor.isAtEnd, cursor.peek().isSymbol { cursor.index += 1 }
    guard cursor.index > start else { return false }
    symbol = start..<cursor.index
    // Modules: `e1000_probe [e1000e]() {`
    if cursor.take(" [") { guard cursor.skip(to: 0x5D), cursor.take("]") else { return false } }
    guard cursor.take("(") else { return false }
    let open = cursor.index
    // Arguments are not escaped: the call ends at the last `) {` or `);`.
    var end = bytes.count
    var isOpen = false
    var found: Int?
    while end > open {
      end -= 1
      guard bytes[end] == 0x29 else { continue }
      if bytes.hasText(") {", at: end) {
        isOpen = true
        found = end
      } else if bytes.hasText(");", at: end) {
        isOpen = false
        found = end
      }
      if let found, !bytes.hasText("() ", at: found - 1) || found == open { break }
    }
    guard let found else { return false }
    arguments = open..<found
    cursor.index = found + (isOpen ? 3 : 2)
    shape = isOpen ? .open : .leaf
    readTail(cursor, namesSymbol: false)
    return true
  }

  /// ` /* really_probe = 0x0 */`, ` /* ret=-16 */`, ` /* <-caller+0x7f/0x380 ret=0x0 */`, ` (ret=0x0)`.
  private mutating func readTail(_ cursor: ByteCursor, namesSymbol: Bool) {
    let bytes = cursor.bytes
    if cursor.index >= bytes.count { return }
    var tail = ByteCursor(bytes, at: cursor.index)
    if tail.take(" /* "), namesSymbol {
      let start = tail.index
      while !tail.isAtEnd, tail.peek().isSymbol { tail.index += 1 }
      symbol = start..<tail.index
    }
    if let place = bytes.firstIndex(of: "ret=", from: cursor.index) {
      result = ProbeFields.number(bytes, at: place + 4)
    } else if let place = bytes.firstIndex(of: " = ", from: cursor.index)
      ?? equalsAtStart(bytes, cursor.index)
    {
      result = ProbeFields.number(bytes, at: place + 3)
    }
  }

  /// A leaf prints `/* = 0x0 */`: the blank before `=` belongs to the comment's opening.
  private func equalsAtStart(_ bytes: Span<UInt8>, _ start: Int) -> Int? {
    bytes.hasText(" /* = ", at: start) ? start + 3 : nil
  }
}
