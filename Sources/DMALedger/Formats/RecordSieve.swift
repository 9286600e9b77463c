import CByteScan

// Safe: throughout this file. A line has `body` bytes and more where columns are looked at, and 128 can be read behind its end (`LineSieve`).

/// Passes over records of the usual layout that bear on nothing, with a look at their columns and at the word behind them.
///
///     `            bash-112     [000] d....    34.497897: mutex_lock <-uart_ioctl`
///     `          <idle>-0       [000] d..2.    34.498011: sched_switch: prev_comm=swapper/0 prev_pid=0 …`
///
/// Functions of other names, and tracepoints that nobody here knows. Whatever has a probe's bracket behind its name is
/// read, because probes are known by what is in it.
struct RecordSieve: LineSieve, Sendable {
  /// Where the columns of a record stand. Small, because it is handed on behind every line that is read.
  struct Columns: Equatable, Sendable {
    /// The bracket before the CPU; 0 where nothing is known.
    private(set) var bracket: UInt8 = 0
    /// What stands behind the time.
    private(set) var body: UInt8 = 0

    /// Those of no line.
    static let none = Columns()

    private init() {}

    /// The columns of a line that was read; `nil` where it has not the usual ones.
    init?(_ line: Span<UInt8>, body: Int) {
      guard let bracket = line.firstIndex(of: 0x5B, from: Self.dash), (25...27).contains(bracket),
        body >= bracket + Self.shortestTail, body <= Self.furthest, body < line.count
      else { return nil }
      self.bracket = UInt8(bracket)
      self.body = UInt8(body)
    }

    /// Whether a record that was read, whose body begins at `body`, may have these: what matters is looked at elsewhere.
    func fit(_ line: Span<UInt8>, body: Int) -> Bool {
      bracket > 0 && body == Int(self.body) && line[Int(bracket)] == 0x5B
    }

    /// The kernel pads the name of a task to sixteen bytes; `-`, the pid and blanks follow.
    static let dash = 16
    /// `[000] d.... 1.234567: `, at least.
    private static let shortestTail = 21
    private static let furthest = 64
  }

  /// Learns from records that were read; two in a row with the same columns make a sieve.
  struct Learner {
    private var last = Columns.none
    private(set) var sieve = RecordSieve.open

    /// `body` is where the body of the record begins; `nil` where something stands before it that is not usual.
    mutating func learn(_ line: Span<UInt8>, body: Int?) {
      guard let body else {
        last = .none
        return
      }
      if last.fit(line, body: body), last == sieve.columns { return }
      let seen = Columns(line, body: body) ?? .none
      if seen == last { sieve = RecordSieve(seen) }
      last = seen
    }
  }

  /// Rejects nothing.
  static let open = RecordSieve(.none)

  let columns: Columns
  private let beginnings = EightByteSet.beginnings

  init(_ columns: Columns) { self.columns = columns }

  /// Whether anything may be rejected.
  var isOpen: Bool { columns.bracket == 0 }

  private var bracket: Int { Int(columns.bracket) }
  private var body: Int { Int(columns.body) }

  /// The lengths of tracepoints' names among which those that matter are.
  private static let lengths: UInt64 = [7, 8, 14, 15, 19, 23, 24].reduce(0) { $0 | 1 << $1 }
  /// `kernel_s`, of `kernel_stack`, as a little-endian word.
  private static let stack: UInt64 = 0x735F_6C65_6E72_656B

  @inline(__always)
  func rejects(_ line: UnsafePointer<UInt8>, length: Int) -> Bool {
    // What is cheap comes first: most lines of a capture of probes alone are kept.
    guard !isOpen, length > body &+ 2, unsafe hasIdleBody(line + body, length &- body) else {
      return false
    }
    // A carriage return is no part of a line, and elsewhere.
    return unsafe line[length &- 1] != 0x0D && hasColumns(line)
  }

  /// Whether what stands behind the time is a function or a tracepoint that bears on nothing.
  @inline(__always)
  private func hasIdleBody(_ text: UnsafePointer<UInt8>, _ length: Int) -> Bool {
    let blank = unsafe Self.distance(text, to: 0x20)
    guard blank > 1, blank < 63, blank &+ 2 < length else { return false }
    let next = unsafe text[blank &+ 1]
    let word = unsafe UInt64(littleEndian: UnsafeRawPointer(text).loadUnaligned(as: UInt64.self))
    // A bracket in front may hold the time since the record before.
    if unsafe text[0] == 0x28 || beginnings.difference(word) == 0 { return false }
    let colon = unsafe Self.distance(text, to: 0x3A)
    if colon &+ 1 == blank {
      // `name: `, and no bracket of a probe or a second blank behind it.
      return next != 0x28 && next != 0x5F && next != 0x20 && Self.lengths >> UInt64(colon) & 1 == 0
        && word != Self.stack
    }
    return unsafe colon > blank && next == 0x3C && text[blank &+ 2] == 0x2D
  }

  /// How many of 64 bytes come before the first that is `byte`.
  @inline(__always)
  private static func distance(_ bytes: UnsafePointer<UInt8>, to byte: UInt8) -> Int {
    unsafe bytescan_mask(bytes, byte).trailingZeroBitCount
  }

  /// Whether task, CPU, flags and time stand where they stood, and are what they should be.
  @inline(__always)
  private func hasColumns(_ line: UnsafePointer<UInt8>) -> Bool {
    // The kernel keeps fifteen bytes of a task's name. What begins without a blank is a line number, a header or a
    // marker, ` => ` a frame of a stack, ` -----` a line between two tasks.
    guard unsafe line[0] == 0x20 && line[1] != 0x3D && line[1] != 0x2D else { return false }
    guard unsafe line[Columns.dash] == 0x2D, unsafe line[Columns.dash + 1].isDigit else { return false }
    var index = Columns.dash &+ 2
    while index < bracket, unsafe line[index].isDigit { index &+= 1 }
    while index < bracket, unsafe line[index] == 0x20 { index &+= 1 }
    guard
      unsafe index == bracket && line[index] == 0x5B && line[index &+ 1].isDigit && line[index &+ 2].isDigit,
      unsafe line[index &+ 3].isDigit && line[index &+ 4] == 0x5D && line[index &+ 5] == 0x20
    else { return false }
    index &+= 6
    let flags = index
    while unsafe line[index].isFlag { index &+= 1 }
    guard index &- flags >= 4, index &- flags <= 8, unsafe line[index] == 0x20 else { return false }
    let point = body &- 9
    while index < point, unsafe line[index] == 0x20 { index &+= 1 }
    // More digits may be more seconds than there can be.
    guard index < point, point &- index < 10 else { return false }
    while index < point, unsafe line[index].isDigit { index &+= 1 }
    guard unsafe index == point && line[index] == 0x2E else { return false }
    index &+= 1
    while index < point &+ 7, unsafe line[index].isDigit { index &+= 1 }
    return unsafe index == point &+ 7 && line[index] == 0x3A && line[index &+ 1] == 0x20
  }
}

extension UInt8 {
  fileprivate var isFlag: Bool { isLetter || isDigit || self == 0x2E || self == 0x23 || self == 0x2D }
}
