/// The order in which a report names its sources: traces, kernel logs, logs of programs, listings, and what was not
/// recognised; by name within a kind, standard input last. It does not depend on the order in which they were read.
struct SourceOrder: Sendable {
  /// Places in the report by places in the order read.
  private let ranks: [Int]
  private let merged: [MergedLines]

  /// `traces` are the sources with events of a trace, `merged` those that were read as one.
  init(_ sources: [SourceSummary], traces: Set<Int>, merged: [MergedLines] = []) {
    self.merged = merged
    let sorted = sources.indices.sorted { left, right in
      let one = (Self.kind(sources[left], isTrace: traces.contains(left)), sources[left].path == "-" ? 1 : 0)
      let other = (
        Self.kind(sources[right], isTrace: traces.contains(right)), sources[right].path == "-" ? 1 : 0
      )
      if one != other { return one < other }
      if sources[left].path != sources[right].path {
        return sources[left].path.utf8.lexicographicallyPrecedes(sources[right].path.utf8)
      }
      return left < right
    }
    var ranks = Array(repeating: 0, count: sources.count)
    for (rank, index) in sorted.enumerated() { ranks[index] = rank }
    self.ranks = ranks
  }

  /// Where a source that was read as number `index` stands.
  func rank(_ index: Int) -> Int {
    ranks.indices.contains(index) ? ranks[index] : index
  }

  /// A line by the place of its source in the report.
  func place(_ at: LineReference) -> LineReference {
    let real = real(at)
    return LineReference(source: rank(real.source), line: real.line)
  }

  /// Where a line stands, as its source was read.
  func real(_ at: LineReference) -> LineReference {
    merged.first { $0.lead == at.source }?.place(of: at.line) ?? at
  }

  /// A remark on a line of a trace.
  func real(_ remark: Diagnostic) -> Diagnostic {
    guard let source = remark.source, let line = remark.line else { return remark }
    let place = real(LineReference(source: source, line: line))
    var remark = remark
    remark.source = place.source
    remark.line = place.line
    return remark
  }

  /// The sources, or what belongs to them, in the order of the report.
  func arranged<Element>(_ elements: [Element]) -> [Element] {
    elements.indices.sorted { rank($0) < rank($1) }.map { elements[$0] }
  }

  /// Remarks by their sources; those on no source, or on all, at the end.
  func arranged(_ diagnostics: [Diagnostic]) -> [Diagnostic] {
    let placed = diagnostics.map { diagnostic in
      var diagnostic = diagnostic
      diagnostic.source = diagnostic.source.map(rank)
      return diagnostic
    }
    return placed.enumerated().sorted {
      ($0.element.source ?? .max, $0.offset) < ($1.element.source ?? .max, $1.offset)
    }.map(\.element)
  }

  /// Whether a source is known to be no trace: a log or a listing.
  static func isBesideTrace(_ source: SourceSummary) -> Bool {
    (1...3).contains(kind(source, isTrace: false))
  }

  private static func kind(_ source: SourceSummary, isTrace: Bool) -> Int {
    if isTrace { return 0 }
    return switch source.format {
    case "kernel log": 1
    case "user-space log": 2
    case "group listing": 3
    case "unknown": 4
    default: 0
    }
  }
}
