/// Offsets between two clocks that nothing names, found by the anchors that both sides have: each pair of a window and a
/// line that may be the same probe votes for the difference of their times, and the true offset gets a vote of every
/// window.
enum ClockVote {
  /// Offsets worth a closer look.
  static let finalists = 16

  /// Offsets by their votes, and how many were considered. At most about `limit` pairs vote: of longer captures a part
  /// of the windows does.
  static func offsets(
    _ windows: [SeenWindow], _ boot: LogBoot, _ lines: [ClockFit.Line], limit: Int
  ) -> (offsets: [Int64], tried: Int) {
    let voters = windows.indices.filter { windows[$0].mustBeTold && windows[$0].start != nil }
    guard !lines.isEmpty, voters.count > 1 else { return ([], 0) }
    let most = max(8, limit / lines.count)
    let step = max(1, voters.count / most)
    var votes: [(difference: Int64, window: Int)] = []
    for place in stride(from: 0, to: voters.count, by: step) {
      let window = windows[voters[place]]
      guard let start = window.start else { continue }
      for line in lines.prefix(limit) {
        let probe = boot.probes[line.index]
        if let device = window.device, device != probe.device { continue }
        if let driver = window.driver, let told = probe.driver, driver != told { continue }
        if line.isManaged, window.firstUse != nil { continue }
        votes.append((line.time - start, voters[place]))
      }
    }
    votes.sort { ($0.difference, $0.window) < ($1.difference, $1.window) }
    return (best(votes), votes.count)
  }

  /// The beginnings of the spans, as long as the longest delay, that hold votes of the most windows.
  private static func best(_ votes: [(difference: Int64, window: Int)]) -> [Int64] {
    var counts: [Int: Int] = [:]
    var spans: [(windows: Int, offset: Int64)] = []
    var first = 0
    for last in votes.indices {
      counts[votes[last].window, default: 0] += 1
      while votes[last].difference - votes[first].difference > ClockFit.longestDelay {
        let left = (counts[votes[first].window] ?? 1) - 1
        counts[votes[first].window] = left > 0 ? left : nil
        first += 1
      }
      let offset = votes[first].difference
      if let span = spans.last, offset - span.offset <= ClockFit.longestDelay {
        if counts.count > span.windows { spans[spans.count - 1] = (counts.count, offset) }
      } else {
        spans.append((counts.count, offset))
      }
    }
    let ranked = spans.enumerated().sorted {
      ($1.element.windows, $0.offset) < ($0.element.windows, $1.offset)
    }
    return ranked.prefix(finalists).map { $0.element.offset }
  }
}
