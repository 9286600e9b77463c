import CByteScan

/// Passes over the lines of function_graph that bear on nothing, without reading them.
///
///     ` 1)   3.869 us    |      mutex_lock();`                  a leaf
///     ` 1)               |      uart_ioctl() {`                   a call that opens
///     ` 1) + 34.994 us   |        }`                              a call that ends, deeper than any that is followed
///     ` 1) + 34.994 us   |        } /* uart_ioctl ret=0x0 */`     a call that ends and says which
///
/// In a capture of everything below really_probe() only one line in three thousand is anything else. A line is told by
/// its form: columns where the lines before it had them, a symbol that does not begin like one of ours, and the end of
/// a call. What stands between is not looked at, so this asks less of a line than ``GraphLine`` does.
struct GraphSieve: LineSieve {
  /// Where the columns end that every line has.
  struct Columns: Equatable {
    /// The bracket behind the CPU.
    var cpuBracket: Int
    /// The bar behind the duration.
    var durationBar: Int
    var hasTask: Bool

    /// The columns of a line; `nil` where it has none to be told by.
    init?(_ graph: GraphLine) {
      guard graph.cpuBracket > 0, graph.durationBar > graph.cpuBracket else { return nil }
      cpuBracket = graph.cpuBracket
      durationBar = graph.durationBar
      hasTask = graph.pid >= 0
    }
  }

  /// Rejects nothing.
  static let open = GraphSieve()

  private var cpuBracket = 0
  private var durationBar = 0
  /// Shorter lines are read. Greater than any line where nothing is known of the columns.
  private var shortest = Int.max
  /// Whether lines name their task. Then any task may go on on any CPU.
  private(set) var hasTask = false
  private let closes = CloseLengths()
  private let beginnings = EightByteSet.beginnings
  private let endings = EightByteSet.endings

  private init() {}

  /// For lines with these columns, where no call is followed.
  init(_ columns: Columns) {
    cpuBracket = columns.cpuBracket
    durationBar = columns.durationBar
    hasTask = columns.hasTask
    // The bar, two blanks, a brace. The CPU and the duration leave room for what is loaded before the end.
    shortest = max(durationBar + 4, 12)
    follow([])
  }

  /// Whether it rejects nothing, whatever is followed.
  var isOpen: Bool { shortest == Int.max }

  /// The state of the open calls that was followed last.
  var followed: Int {
    get { closes.followed }
    nonmutating set { closes.followed = newValue }
  }

  /// Calls are followed down to these depths, so braces that close there matter.
  func follow(_ depths: [(cpu: Int32, depth: Int32)]) {
    closes.set(all: closeLength(followedTo: -1))
    for (cpu, depth) in depths { closes.raise(cpu: cpu, to: closeLength(followedTo: depth)) }
  }

  /// Calls are followed down to `depth` on any CPU.
  func follow(everywhereTo depth: Int32) {
    closes.set(all: closeLength(followedTo: depth))
  }

  /// A brace without a name that ends a line of this length, or a longer one, lies deeper than `depth`.
  private func closeLength(followedTo depth: Int32) -> Int {
    durationBar + 4 + 2 * (Int(depth) + 1)
  }

  @inline(__always)
  func rejects(_ line: UnsafePointer<UInt8>, length: Int) -> Bool {
    guard length >= shortest else { return false }
    let bytes = unsafe UnsafeRawPointer(line)
    let bracket = unsafe bytes.loadUnaligned(fromByteOffset: cpuBracket, as: UInt16.self)
    let bar = unsafe bytes.loadUnaligned(fromByteOffset: durationBar, as: UInt32.self)
    let columns =
      unsafe UInt32(line[0] ^ 0x20) | UInt32(UInt16(littleEndian: bracket) ^ 0x2029)
      | (UInt32(littleEndian: bar) ^ 0x20_207C) & 0xFF_FFFF
    guard columns == 0 else { return false }
    // What stands at the end is loaded from the end: a search for the symbol would have to wait for the indentation.
    // `();`, `() {` and ` }`, read as little-endian words.
    let tail = unsafe UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: length &- 4, as: UInt32.self))
    let leaf = tail >> 8 ^ 0x3B_2928
    let opening = tail ^ 0x7B20_2928
    let brace = tail >> 16 ^ 0x7D20
    guard min(leaf, opening, brace) == 0 else { return unsafe rejectsOther(line, length: length) }
    // Without branches from here on: nothing predicts which of the three a line is.
    let nameEnd = length &- (opening == 0 ? 4 : 3)
    let name = unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: nameEnd &- 8, as: UInt64.self))
    // `e1000_probe [e1000e]();`
    if name >> 56 == 0x5D { return unsafe rejectsOther(line, length: length) }
    // A compiler suffix, `.isra.0`, hides the ending: one or two digits behind a dot.
    let dots = min(name >> 48 & 0xFF ^ 0x2E, name >> 40 & 0xFF ^ 0x2E)
    let differs = min(endings.difference(name), dots)
    let cpu = unsafe bytes.loadUnaligned(fromByteOffset: cpuBracket &- 2, as: UInt16.self)
    let isDeep = length >= closes.length(cpu: UInt16(littleEndian: cpu))
    return (brace == 0 ? UInt64(isDeep ? 1 : 0) : differs) != 0
  }

  /// Lines with arguments, modules, return values or the names of calls that end.
  @inline(never)
  private func rejectsOther(_ line: UnsafePointer<UInt8>, length: Int) -> Bool {
    let bytes = unsafe UnsafeRawPointer(line)
    let body = durationBar &+ 3
    var indent = unsafe Int(bytescan_run(line + body, 0x20))
    if indent == 64 {
      // Thirty-two levels; the kernel's stack does not hold a hundred.
      unsafe indent += Int(bytescan_run(line + body + 64, 0x20))
    }
    let text = body &+ indent
    guard text < length else { return false }
    let closes = unsafe line[text] == 0x7D
    let symbol = unsafe bytes.loadUnaligned(fromByteOffset: closes ? text &+ 5 : text, as: UInt64.self)
    let tail = unsafe UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: length &- 4, as: UInt32.self))
    // `);`, `) {` and `*/`.
    let isCall = tail >> 16 == 0x3B29 || tail >> 8 == 0x7B_2029 || tail >> 16 == 0x2F2A
    let isComment = unsafe line[text] == 0x2F
    return isCall && !isComment && beginnings.difference(UInt64(littleEndian: symbol)) != 0
  }
}

/// For each CPU, by its last two digits, the length from which a line that ends in a bare brace bears on nothing.
@safe private final class CloseLengths: @unchecked Sendable {
  var followed = -1
  private let lengths: UnsafeMutablePointer<Int>

  init() {
    unsafe lengths = .allocate(capacity: 256)
    unsafe lengths.initialize(repeating: Int.max, count: 256)
  }

  deinit { unsafe lengths.deallocate() }

  func set(all length: Int) {
    unsafe lengths.update(repeating: length, count: 256)
  }

  func raise(cpu: Int32, to length: Int) {
    let slot = Int(cpu) % 100 / 10 << 4 | Int(cpu) % 10
    unsafe lengths[slot] = max(lengths[slot], length)
  }

  /// `digits`: the two bytes before the bracket; a blank stands for a 0.
  @inline(__always)
  func length(cpu digits: UInt16) -> Int {
    unsafe lengths[Int((digits & 15) << 4 | digits >> 8 & 15)]
  }
}

/// A few words of eight bytes, asked for in one look.
@safe private struct EightByteSet: @unchecked Sendable {
  /// How the names that ``KernelFunction/named(_:)`` knows begin, and how they end. The multipliers spread the words
  /// over sixteen slots without two in one; they were found by trial.
  static let beginnings = EightByteSet(KernelFunction.beginnings, multiplier: 0x20A5_3983_3E70_5FEF)
  static let endings = EightByteSet(KernelFunction.endings, multiplier: 0x44B1_0F66_03CB_1F3D)

  private let multiplier: UInt64
  /// 0, in slots without a word, is no text. Behind a pointer, because an array in place is copied at each look;
  /// written to before anybody can see it, and kept for the life of the process.
  private let slots: UnsafePointer<UInt64>

  private init(_ words: [StaticString], multiplier: UInt64) {
    self.multiplier = multiplier
    let room = UnsafeMutablePointer<UInt64>.allocate(capacity: 16)
    unsafe room.initialize(repeating: 0, count: 16)
    for text in words {
      let word = unsafe UnsafeRawPointer(text.utf8Start).loadUnaligned(as: UInt64.self).littleEndian
      let slot = Int((word &* multiplier) >> 60)
      precondition(unsafe room[slot] == 0, "two words in one slot: find another multiplier")
      unsafe room[slot] = word
    }
    unsafe slots = UnsafePointer(room)
  }

  /// 0 where the word is among them.
  @inline(__always)
  func difference(_ word: UInt64) -> UInt64 { unsafe slots[Int((word &* multiplier) >> 60)] ^ word }
}
