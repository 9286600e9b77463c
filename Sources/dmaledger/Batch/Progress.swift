import LedgerReports

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How far a run is, on standard error: a bar that is drawn again and again on a terminal, a line every so often
/// elsewhere, nothing where it is not wanted.
struct Progress {
  private let total: Int
  private let isSilent: Bool
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let began = Clock.seconds
  private var lastShown = Clock.seconds
  private var done = 0
  /// Taken over from an earlier run, so that the rate is that of this one.
  private var skipped = 0
  private var counts: [CaptureRecord.Outcome: Int] = [:]
  private var isShown = false
  /// Often enough to be lively, and in a log seldom enough to be read.
  private var interval: Double { isTerminal ? 0.1 : 10 }

  init(total: Int, isSilent: Bool) {
    self.total = total
    self.isSilent = isSilent
  }

  mutating func note(_ outcome: CaptureRecord.Outcome, isNew: Bool = true) {
    done += 1
    if !isNew { skipped += 1 }
    counts[outcome, default: 0] += 1
    guard !isSilent, Clock.seconds - lastShown >= interval else { return }
    lastShown = Clock.seconds
    show()
  }

  /// Takes the bar off the terminal, before the results come.
  mutating func clear() {
    if isShown { put("\r\u{1B}[K") }
    isShown = false
  }

  private mutating func show() {
    let rate = Double(done - skipped) / max(Clock.seconds - began, 0.001)
    var words = "\(done)/\(total)  \(Int(rate))/s"
    if rate > 0 { words += "  " + Self.duration(Double(total - done) / rate) + " left" }
    for outcome in CaptureRecord.Outcome.allCases where outcome != .balanced {
      if let count = counts[outcome] { words += "  \(count) \(outcome.rawValue)" }
    }
    if isTerminal {
      let width = 24
      let filled = total > 0 ? done * width / total : width
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
      put("\r" + bar + " " + words + "\u{1B}[K")
      isShown = true
    } else {
      put("dmaledger: " + words + "\n")
    }
  }

  private func put(_ text: String) {
    try? Standard.put(Array(text.utf8), STDERR_FILENO, "standard error")
  }

  /// `7 s`, `12 min`, `3 h 5 min`.
  static func duration(_ seconds: Double) -> String {
    let whole = Int(min(seconds.rounded(.up), 1e9))
    if whole < 120 { return "\(whole) s" }
    if whole < 7200 { return "\(whole / 60) min" }
    return "\(whole / 3600) h \(whole % 3600 / 60) min"
  }
}

/// A clock that only goes forward.
enum Clock {
  static var seconds: Double {
    var time = timespec()
    // Safe: The time is ours and lends its address for the call.
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}
