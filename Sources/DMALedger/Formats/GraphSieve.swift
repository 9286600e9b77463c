import CByteScan

// Safe: throughout this file. A line has at least `shortest` bytes where columns are loaded, and 128 can be read behind its end (`LineSieve`); tables are indexed by masked numbers below their size.

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
struct GraphSieve: LineSieve, Sendable {
  /// Where the columns end that every line has.
  struct Columns: Equatable, Sendable {
    /// The bracket behind the CPU.
    var cpuBracket: Int
    /// The bar behind the duration.
    var durationBar: Int
    /// Whether lines name their task. Then any task may go on on any CPU.
    var hasTask: Bool

    /// The columns of a line; `nil` where it has none to be told by.
    init?(_ graph: GraphLine) {
      guard graph.cpuBracket > 0, graph.durationBar > graph.cpuBracket else { return nil }
      cpuBracket = graph.cpuBracket
      durationBar = graph.durationBar
      hasTask = graph.pid >= 0
    }
  }

  /// Learns from lines that were read what may be passed over behind them; two in a row with the same columns make a sieve.
  struct Learner {
    private var last: Columns?
    private(set) var sieve = GraphSieve.open
    /// The greatest depth at which a function that matters was seen.
    private var deepestOurs: Int32 = -1

    mutating func learn(_ graph: GraphLine, _ line: Span<UInt8>) {
      let seen = Columns(graph)
      if let seen, seen == last, seen != sieve.columns { sieve = GraphSieve(seen, deepest: deepestOurs) }
      last = seen
      let isOurs = KernelFunction.named(line.extracting(graph.symbol)) != nil
      if isOurs { deepestOurs = max(deepestOurs, graph.depth) }
      sieve.learn(graph, isOurs: isOurs)
    }

    /// What follows is another trace.
    mutating func forget() { sieve = .open }
  }

  /// Rejects nothing.
  static let open = GraphSieve()

  /// `nil` where nothing is rejected.
  let columns: Columns?
  private var cpuBracket = 0
  private var durationBar = 0
  /// Where the CPU is loaded from, and how far its last digit has to be moved.
  private var cpuOffset = 0
  private var cpuShift: UInt32 = 0
  /// Shorter lines are read. Greater than any line where nothing is known of the columns.
  private var shortest = Int.max
  private let braces: OpenBraces
  private let beginnings = EightByteSet.beginnings
  private let endings = EightByteSet.endings

  private init() {
    columns = nil
    braces = OpenBraces(perCPU: false, deepest: -1)
  }

  /// For lines with these columns. What calls are open is not known, but that none of ours is deeper than `deepest`.
  init(_ columns: Columns, deepest: Int32) {
    self.columns = columns
    cpuBracket = columns.cpuBracket
    durationBar = columns.durationBar
    cpuOffset = max(0, cpuBracket - 3)
    cpuShift = UInt32(8 * (cpuOffset + 3 - cpuBracket))
    // The bar, two blanks, a brace. The CPU and the duration leave room for what is loaded before the end.
    shortest = max(durationBar + 4, 12)
    // A task may go on on any CPU, where lines name it; elsewhere a CPU stands for its task.
    braces = OpenBraces(perCPU: !columns.hasTask && cpuBracket <= 4, deepest: Int(deepest))
  }

  /// Takes note of a line that was read; `isOurs` where its symbol is one that matters.
  func learn(_ graph: GraphLine, isOurs: Bool) {
    guard columns != nil, graph.cpu >= 0 else { return }
    switch graph.shape {
    case .open where isOurs, .leaf where isOurs: braces.open(cpu: graph.cpu, at: Int(graph.depth))
    case .close where isOurs || graph.symbol.isEmpty: braces.close(cpu: graph.cpu, at: Int(graph.depth))
    case .taskSwitch: braces.forget(cpu: graph.cpu)
    default: break
    }
  }

  @inline(__always)
  func rejects(_ line: UnsafePointer<UInt8>, length: Int) -> Bool {
    guard length >= shortest else { return false }
    let bytes = unsafe UnsafeRawPointer(line)
    guard unsafe line[0] == 0x20,
      unsafe UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: cpuBracket, as: UInt16.self)) == 0x2029,
      unsafe UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: durationBar, as: UInt32.self)) << 8
        == 0x2020_7C00
    else { return false }
    // What stands at the end is loaded from the end: a search for the symbol would have to wait for the indentation.
    // ` }`, `();` and `() {`, read as little-endian words.
    let tail = unsafe UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: length &- 4, as: UInt32.self))
    if tail >> 16 == 0x7D20 { return unsafe rejectsBrace(line, length: length) }
    // Without a branch between the two: nothing predicts which of them a line is.
    let leaf = tail >> 8 ^ 0x3B_2928
    let opening = tail ^ 0x7B20_2928
    let nameEnd = length &- (opening == 0 ? 4 : 3)
    let name = unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: nameEnd &- 8, as: UInt64.self))
    // Behind a digit or a bracket the name may end otherwise than its function: `.isra.0`, ` [e1000e]`.
    guard min(leaf, opening) == 0, name >> 56 > 0x5D else { return unsafe rejectsOther(line, length: length) }
    return endings.difference(name) != 0
  }

  /// A brace without a name, deeper than any call of its CPU that may be open.
  @inline(__always)
  private func rejectsBrace(_ line: UnsafePointer<UInt8>, length: Int) -> Bool {
    let bytes = unsafe UnsafeRawPointer(line)
    let digits = unsafe bytes.loadUnaligned(fromByteOffset: cpuOffset, as: UInt32.self)
    let indent = length &- durationBar &- 4
    guard indent > 2 &* braces.depth(cpu: UInt32(littleEndian: digits) &<< cpuShift) &+ 1 else {
      return false
    }
    return unsafe Int(bytescan_run(line + durationBar + 3, 0x20)) >= min(indent, 64)
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

/// Sifts a part of a capture without knowing what stands before it.
struct GraphSifter: LineSifter {
  let sieve: GraphSieve

  init(_ columns: GraphSieve.Columns) {
    sieve = GraphSieve(columns, deepest: Int32.max)
  }

  func learn(_ line: Span<UInt8>) {
    guard let graph = GraphLine.parse(line, needsColumns: true) else { return }
    sieve.learn(graph, isOurs: KernelFunction.named(line.extracting(graph.symbol)) != nil)
  }
}

/// For each CPU the greatest depth at which a call that matters may be open: braces that lie deeper close nothing.
///
/// Nothing is known at first, and a brace of any depth may matter. One that was read closes all that is deeper, so from
/// then on only those matter that lie less deep: a few lines later hardly any brace does.
@safe private final class OpenBraces: @unchecked Sendable {
  /// As deep as anything.
  private static let unknown = Int(Int32.max)
  private static let slots = 0x1000

  /// Whether a brace says something about the others of its CPU.
  private let perCPU: Bool
  /// A slot for each CPU, its three digits four bits each.
  private let depths: UnsafeMutablePointer<Int>
  /// By slot, how deep calls of ours were opened before any brace was read. The first brace is read, however deep it lies: it
  /// shows that there are braces, and that means something for every call.
  private var opened: [Int: Int]? = [:]
  /// Whether the deepest call is known to be one of ours.
  private var isOurs = [Bool](repeating: false, count: OpenBraces.slots)

  init(perCPU: Bool, deepest: Int) {
    self.perCPU = perCPU
    unsafe depths = .allocate(capacity: OpenBraces.slots)
    unsafe depths.initialize(repeating: perCPU ? OpenBraces.unknown : deepest, count: OpenBraces.slots)
  }

  deinit { unsafe depths.deallocate() }

  /// `digits`: the bytes of the CPU, the last digit in the third byte; a blank stands for a 0.
  @inline(__always)
  func depth(cpu digits: UInt32) -> Int {
    // The product has the first digit in its bits 24 to 27, the second one in 20 to 23, the third one in 16 to 19.
    let product = UInt64(digits & 0x0F_0F0F) &* 0x100_1001
    return unsafe depths[Int(truncatingIfNeeded: product >> 16 & 0xFFF)]
  }

  private func slot(_ cpu: Int32) -> Int {
    let cpu = Int(cpu) % 1000
    return cpu / 100 << 8 | cpu / 10 % 10 << 4 | cpu % 10
  }

  func open(cpu: Int32, at depth: Int) {
    guard perCPU else {
      unsafe depths.update(repeating: max(depths[0], depth), count: OpenBraces.slots)
      return
    }
    if opened != nil { opened?[slot(cpu)] = depth } else { unsafe depths[slot(cpu)] = depth }
    isOurs[slot(cpu)] = true
  }

  func close(cpu: Int32, at depth: Int) {
    let slot = slot(cpu)
    if perCPU, let opened {
      for (slot, depth) in opened { unsafe depths[slot] = depth }
      self.opened = nil
    }
    guard perCPU, unsafe depth <= depths[slot] else { return }
    // A call whose brace has come may still wait for its return code.
    unsafe depths[slot] = isOurs[slot] && depth == depths[slot] ? depth : depth - 1
    isOurs[slot] = false
  }

  /// Another task runs there.
  func forget(cpu: Int32) {
    guard perCPU else { return }
    unsafe depths[slot(cpu)] = OpenBraces.unknown
    opened?[slot(cpu)] = nil
  }
}

/// A few words of eight bytes, asked for in one look.
@safe struct EightByteSet: @unchecked Sendable {
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
