/// Everything that a renderer sees: plain values, complete, in a fixed order.
public struct Report: Sendable {
  /// The verdict over all groups.
  public var verdict: Verdict
  /// Why the verdict is inconclusive; empty otherwise.
  public var reasons: [String]
  /// What the capture shows of the kernel that made it.
  public var kernel: KernelSummary
  /// What was read, in the order given.
  public var sources: [SourceSummary]
  /// Every group that a call could be named for, by number and incarnation.
  public var groups: [GroupReport]
  /// Calls that no group can be named for.
  public var unattributed: CallTally
  /// One answer for each group that was asked for: by name first, then by what was refused, by group.
  public var answers: [Answer] = []
  /// Findings, gravest first.
  public var findings: [Finding]
  /// Remarks about the input.
  public var diagnostics: [Diagnostic]
  /// What to record to settle an inconclusive verdict: lines for a shell. Empty where nothing is open.
  public var recipe: [String] = []

  /// A report with everything it says.
  public init(
    verdict: Verdict, reasons: [String], kernel: KernelSummary, sources: [SourceSummary],
    groups: [GroupReport], unattributed: CallTally, findings: [Finding], diagnostics: [Diagnostic]
  ) {
    self.verdict = verdict
    self.reasons = reasons
    self.kernel = kernel
    self.sources = sources
    self.groups = groups
    self.unattributed = unattributed
    self.findings = findings
    self.diagnostics = diagnostics
  }

  /// Bytes of all sources after decompression. A file of records may claim any number.
  package var inputBytes: Int { sources.reduce(0) { $0.clampedSum($1.bytes) } }

  /// Whether times are the plain numbers of a clock that counts something else.
  public var countsTicks: Bool { sources.contains(where: \.countsTicks) }

  /// Whether any line of any source was understood. Where not, there is nothing to judge.
  public var understoodAnything: Bool {
    sources.contains { $0.understoodLines > 0 }
  }
}

/// What the capture shows of the kernel that made it.
public struct KernelSummary: Sendable {
  /// `uname -r`, where a header or a log line names it.
  public var release: String?
  /// Whether drivers are probed twice, and whether the cleanup in between is there.
  public var testDriverRemove: TestDriverRemove
  /// Whether it has the fix of the test-remove leak.
  public var fix = FixStanding.unknown
  /// `really_probe()` windows seen.
  public var windows: Int
  /// Windows in which `iommu_device_use_default_domain()` ran again after the test-remove.
  public var reprobes: Int

  /// A summary with everything it says.
  public init(
    release: String? = nil, testDriverRemove: TestDriverRemove = .unknown, windows: Int = 0, reprobes: Int = 0
  ) {
    self.release = release
    self.testDriverRemove = testDriverRemove
    self.windows = windows
    self.reprobes = reprobes
  }
}

/// One input and what was made of it.
public struct SourceSummary: Sendable {
  /// The path as given; `-` for standard input.
  public var path: String
  /// What it was recognised as, for example `ftrace function_graph`.
  public var format: String
  /// `none` or `zstd`.
  public var compression: String
  /// Bytes after decompression.
  public var bytes: Int
  /// Lines after decompression.
  public var lines: Int
  /// Lines that a reader understood, whether they matter or not.
  public var understoodLines: Int
  /// Records that bear on ownership.
  public var events: Int
  /// Time of the first record with a time.
  public var firstTime: Nanoseconds?
  /// Time of the last record with a time.
  public var lastTime: Nanoseconds?
  /// Events that the tracer says it lost; a marker without a number counts as one.
  public var lostEvents: Int
  /// Whether its clock counts something else than time: then its times are plain numbers and no nanoseconds.
  public var countsTicks = false
  /// Lines that no reader understood, by shape.
  public var unparsed: [UnparsedShape]

  /// A summary with everything it says.
  public init(
    path: String, format: String = "unknown", compression: String = "none", bytes: Int = 0, lines: Int = 0,
    understoodLines: Int = 0, events: Int = 0, firstTime: Nanoseconds? = nil, lastTime: Nanoseconds? = nil,
    lostEvents: Int = 0, unparsed: [UnparsedShape] = []
  ) {
    self.path = path
    self.format = format
    self.compression = compression
    self.bytes = bytes
    self.lines = lines
    self.understoodLines = understoodLines
    self.events = events
    self.firstTime = firstTime
    self.lastTime = lastTime
    self.lostEvents = lostEvents
    self.unparsed = unparsed
  }

  /// Counts a record of a trace.
  mutating func note(_ event: TraceEvent) {
    if event.kind != .closed, event.kind != .switched { events += 1 }
    guard let time = event.time else { return }
    if firstTime == nil { firstTime = time }
    lastTime = max(lastTime ?? time, time)
  }
}

/// Lines that no reader understood and that look alike: digits and words collapsed.
public struct UnparsedShape: Sendable, Equatable {
  /// The shape: `9` for a number, `x` for a word, other bytes as they are; cut to 60 bytes.
  public var shape: String
  /// How many lines have it.
  public var count: Int
  /// The first of them.
  public var firstLine: Int

  /// A shape with its count.
  public init(shape: String, count: Int, firstLine: Int) {
    self.shape = shape
    self.count = count
    self.firstLine = firstLine
  }
}

/// Calls by kind that no group could be named for; refused ones are counted too.
public struct CallTally: Sendable, Equatable {
  private var counts = [Int](repeating: 0, count: OwnershipCallKind.allCases.count)

  /// No calls.
  public init() {}

  /// Calls of one kind.
  public subscript(kind: OwnershipCallKind) -> Int {
    get { counts[kind.ordinal] }
    set { counts[kind.ordinal] = newValue }
  }

  /// Adds other calls.
  package mutating func add(_ other: CallTally) {
    for index in counts.indices { counts[index] += other.counts[index] }
  }

  /// All calls together.
  public var total: Int { counts.reduce(0, +) }
}

extension OwnershipCallKind {
  /// Position among all cases, for tables.
  package var ordinal: Int {
    switch self {
    case .use: 0
    case .unuse: 1
    case .claim: 2
    case .release: 3
    case .deviceClaim: 4
    case .deviceRelease: 5
    case .query: 6
    }
  }
}
