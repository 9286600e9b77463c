/// Lines of several sources that are one trace, numbered in the order of their times, as if they stood in its first source:
/// whatever compares places of lines compares moments. Reports ask for the real places.
struct MergedLines: Sendable {
  /// The source in whose name the lines are numbered.
  let lead: Int
  /// Lines in a row of one source: from this number on, and where it really stands.
  private var runs: [(number: Int, at: LineReference)] = []
  private var last = 0

  /// Runs that are kept, with 16 bytes each.
  static let most = 1 << 18

  init(lead: Int) {
    self.lead = lead
  }

  /// The number of the line that comes next; `nil` where no more runs are kept.
  mutating func number(_ at: LineReference) -> Int? {
    if let run = runs.last, run.at.source == at.source, at.line > run.at.line {
      last = run.number + at.line - run.at.line
    } else {
      guard runs.count < Self.most else { return nil }
      last += 1
      runs.append((last, at))
    }
    return last
  }

  /// Where a numbered line really stands.
  func place(of number: Int) -> LineReference {
    var low = 0
    var high = runs.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if runs[middle].number <= number { low = middle } else { high = middle }
    }
    guard low < runs.count, runs[low].number <= number else {
      return LineReference(source: lead, line: max(1, number))
    }
    return LineReference(source: runs[low].at.source, line: runs[low].at.line + number - runs[low].number)
  }
}
