/// How far one source has been read, and what is known of it.
struct SourcePass {
  /// Its place in the report.
  let index: Int
  var summary: SourceSummary
  var decoder: TraceDecoder
  /// What may be passed over behind the line read last.
  var sieve = GraphSieve.open
  /// The same for records of the usual layout; of the two at most one rejects anything.
  var recordSieve = RecordSieve.open
  /// Events at addresses whose function is not known yet, and those behind them.
  var nameless = NamelessProbes()
  /// The line read last that bears on anything.
  var last: Witness
  /// Reused for every line.
  var event = TraceEvent()

  /// Lines so far.
  var number = 0
  /// Bytes after decompression so far.
  var bytes = 0
  /// A line that has begun and not ended.
  var carry = LineReader.Carry()
  var isTerminated = true
  private var issues: [InputIssue] = []
  /// Lines that were too long, all of them.
  private var longLines = 0
  /// The hash of all bytes, where it is asked for.
  var contentHash: ContentHash.Value?
  /// Whether events are kept here instead of being taken: those of other files may come first.
  var isParking = false
  var parked: [(event: TraceEvent, line: [UInt8])] = []
  /// Whether it is one of several parts of a trace: what it lacks is in the others.
  var isPart = false
  /// What ended the bytes early.
  var sourceIssue: InputIssue?

  init(path: String, index: Int, fields: ProbeFields) {
    self.index = index
    summary = SourceSummary(path: path)
    decoder = TraceDecoder(fields: fields)
    last = Witness(at: LineReference(source: index, line: 0), time: nil, text: .none)
  }

  /// Lines that a sieve passed over.
  mutating func passOver(_ lines: Int) {
    number += lines
    summary.understoodLines += lines
    decoder.pass(lines)
  }

  /// What was wrong with the bytes of a part, whose lines that were too long are not all among the issues.
  mutating func note(_ found: [InputIssue], longLines count: Int = 0) {
    issues += found.prefix(max(0, LineReader.mostIssues - issues.count))
    longLines += count
  }

  /// Everything that was wrong with the bytes, in the order of the report.
  var allIssues: [InputIssue] {
    var all = issues
    if longLines > issues.count {
      all.append(InputIssue(kind: .moreLongLines(longLines - issues.count), offset: bytes))
    }
    if let sourceIssue { all.append(sourceIssue) }
    if !isTerminated { all.append(InputIssue(kind: .unterminatedLine, offset: bytes, line: number)) }
    return all
  }
}
