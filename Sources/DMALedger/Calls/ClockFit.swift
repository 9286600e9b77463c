/// How the windows of a trace and the probes of a kernel log fit on one clock: which line was printed in which window.
///
/// The debug line is printed right behind the entry of `really_probe()` and before the group is used, that of
/// `driver_bound()` right behind its entry, and `initcall_debug` prints the end. A line that is in the right place is
/// believed only if nothing else it tells contradicts the window.
struct ClockFit: Sendable {
  /// A probe that the log tells, in the order of their beginnings.
  struct Line: Sendable {
    /// On the log's clock, in nanoseconds.
    var time: Int64
    /// Its place in `LogBoot.probes`.
    var index: Int
    var isManaged: Bool
  }

  /// A line comes at most this much later than what it tells of, in nanoseconds.
  static let longestDelay: Int64 = 2_000_000
  /// The clocks of different CPUs may disagree by this much, in nanoseconds.
  static let skew: Int64 = 200_000
  private static let vicinity: Int64 = 50_000_000
  private static let mostCandidates = 64
  /// Chance is judged by how many lines stand within this much of a window, in nanoseconds.
  private static let surroundings: Int64 = 1_000_000_000

  let offset: Int64
  /// For each window the line that names it.
  private(set) var lines: [Int?]
  /// Windows whose line a second line confirms.
  private(set) var isConfirmed: [Bool]
  /// Windows that a line names.
  private(set) var pairs = 0
  /// Windows within the time of the log that no line fits although one must have been printed.
  private(set) var strangers = 0
  /// Lines between the first and the last window that no window fits.
  private(set) var strays = 0
  /// How unlikely it is that lines of something else fit as well: the binary logarithm of the odds.
  private(set) var weight = 0.0
  /// The greatest weight of a single window: a fitted offset has it for nothing.
  private(set) var greatestWeight = 0.0
  /// The shortest and the longest delay between entry and line, in nanoseconds.
  private(set) var delays: ClosedRange<Int64>?

  /// The fit of `windows` to the probes of `boot` where the log's clock is `offset` ahead of the trace's.
  init(_ windows: [SeenWindow], _ boot: LogBoot, _ sorted: [Line], offset: Int64) {
    self.offset = offset
    lines = Array(repeating: nil, count: windows.count)
    isConfirmed = Array(repeating: false, count: windows.count)
    var claims: [Int: [Claim]] = [:]
    for (place, window) in windows.enumerated() {
      guard let expected = moment(window.start), isWithin(boot, expected) else { continue }
      let candidates = candidates(of: window, expected, boot, sorted)
      for candidate in candidates {
        claims[candidate.line, default: []].append(Claim(window: place, isConfirmed: candidate.isConfirmed))
      }
      guard let first = candidates.first else {
        if window.mustBeTold { strangers += 1 }
        continue
      }
      let confirmed = candidates.filter(\.isConfirmed)
      let choice = candidates.count == 1 ? first : confirmed.count == 1 ? confirmed[0] : nil
      guard let choice else { continue }
      lines[place] = choice.line
      isConfirmed[place] = choice.isConfirmed
    }
    dropContested(claims)
    weigh(windows, boot, sorted)
    strays = countStrays(windows, sorted, claims)
    // From places in the sorted order to places in the log.
    for place in lines.indices { lines[place] = lines[place].map { sorted[$0].index } }
  }

  /// Leaves out what no second line confirms.
  mutating func keepConfirmed() {
    for place in lines.indices where !isConfirmed[place] { lines[place] = nil }
    pairs = lines.count { $0 != nil }
  }

  /// Windows that a second line confirms.
  var confirmed: Int { isConfirmed.count { $0 } }

  /// A window that a line may name.
  private struct Claim {
    var window: Int
    var isConfirmed: Bool
  }

  /// A line that may be of two windows is nobody's, unless another line says whose, or that the other one has its own.
  private mutating func dropContested(_ claims: [Int: [Claim]]) {
    let chosen = lines
    let wasConfirmed = isConfirmed
    for place in lines.indices {
      guard let line = lines[place], let all = claims[line], all.count > 1 else { continue }
      let isFree = all.allSatisfy { claim in
        if claim.window == place { return true }
        if let other = chosen[claim.window], other != line, wasConfirmed[claim.window] { return true }
        return wasConfirmed[place] && !claim.isConfirmed
      }
      if isFree { continue }
      lines[place] = nil
      isConfirmed[place] = false
    }
  }

  // MARK: - One window

  private func moment(_ time: Int64?) -> Int64? {
    guard let time else { return nil }
    let (sum, overflow) = time.addingReportingOverflow(offset)
    return overflow ? nil : sum
  }

  /// Whether the log was being written: a window outside shows nothing.
  private func isWithin(_ boot: LogBoot, _ time: Int64) -> Bool {
    guard let first = boot.firstTime?.value, let last = boot.lastTime?.value else { return false }
    return time >= first - Self.skew && time <= last + Self.skew
  }

  /// The line comes soon, and before the group is used.
  private func latest(_ window: SeenWindow, _ expected: Int64) -> Int64 {
    guard let use = moment(window.firstUse) else { return expected + Self.longestDelay }
    return min(expected + Self.longestDelay, max(use, expected) + Self.skew)
  }

  private func candidates(
    of window: SeenWindow, _ expected: Int64, _ boot: LogBoot, _ sorted: [Line]
  ) -> [(line: Int, isConfirmed: Bool)] {
    let latest = latest(window, expected)
    var found: [(line: Int, isConfirmed: Bool)] = []
    var place = Self.firstPlace(in: sorted, notBefore: expected - Self.skew)
    while place < sorted.count, sorted[place].time <= latest {
      // So many at once cannot be told apart.
      if found.count > Self.mostCandidates { break }
      let probe = boot.probes[sorted[place].index]
      // The window used its group, which no driver does that manages DMA itself.
      if !(sorted[place].isManaged && window.firstUse != nil),
        let isConfirmed = agreement(window, probe, boot)
      {
        found.append((place, isConfirmed))
      }
      place += 1
    }
    return found
  }

  /// Whether a second line of the log confirms that a probe is this window; `nil` where anything contradicts it.
  private func agreement(_ window: SeenWindow, _ probe: LogProbe, _ boot: LogBoot) -> Bool? {
    if let device = window.device, device != probe.device { return nil }
    if let driver = window.driver, let told = probe.driver, driver != told { return nil }
    if probe.caller >= 0, window.pid >= 0, probe.caller != window.pid { return nil }
    // At boot the first task probes everything.
    var isConfirmed = probe.caller > 1 && probe.caller == window.pid
    if let result = probe.result {
      if let own = window.result, own != result { return nil }
      if window.isBound, result != 0 { return nil }
    }
    if let bound = moment(window.bound), !boot.binds.isEmpty {
      if let told = probe.bound {
        guard told >= bound - Self.skew, told <= bound + Self.longestDelay else { return nil }
        isConfirmed = true
      } else if !boot.hasLoss, probe.end == nil, isWithin(boot, bound) {
        // Bound lines are on, and this one is missing.
        return nil
      }
    }
    if let duration = probe.duration, let start = window.start, let end = window.end {
      guard abs(end - start - duration) <= max(Self.longestDelay, duration / 50) else { return nil }
      isConfirmed = true
    }
    return isConfirmed
  }

  // MARK: - All windows

  /// Lines that could be of a window of this device by their time.
  private func rivals(
    of device: NameID?, around time: Int64, _ distance: Int64, _ boot: LogBoot, _ sorted: [Line]
  ) -> Int {
    var count = 0
    var place = Self.firstPlace(in: sorted, notBefore: time - distance)
    while place < sorted.count, sorted[place].time <= time + distance, count < 1000 {
      let own = boot.probes[sorted[place].index].device
      if device.map({ $0 == own }) ?? true { count += 1 }
      place += 1
    }
    return count
  }

  private mutating func weigh(_ windows: [SeenWindow], _ boot: LogBoot, _ sorted: [Line]) {
    for place in lines.indices {
      guard let line = lines[place], let expected = moment(windows[place].start) else { continue }
      pairs += 1
      let device = windows[place].device
      let few = rivals(of: device, around: expected, Self.surroundings, boot, sorted)
      let close = rivals(of: device, around: expected, Self.vicinity, boot, sorted)
      let span = Double(latest(windows[place], expected) - expected + Self.skew)
      var odds = Double(2 * Self.surroundings) / (Double(max(1, few)) * span)
      if close > 1 { odds = min(odds, Double(2 * Self.vicinity) / (Double(close) * span)) }
      var own = Self.binaryLogarithm(odds)
      // That a second moment fits says the more the longer the probe took.
      if isConfirmed[place], let start = windows[place].start {
        let length = (windows[place].bound ?? windows[place].end ?? start) - start
        own += min(6, Self.binaryLogarithm(Double(length) / Double(Self.longestDelay + Self.skew)))
      }
      weight += own
      greatestWeight = max(greatestWeight, own)
      let delay = sorted[line].time - expected
      delays = delays.map { min($0.lowerBound, delay)...max($0.upperBound, delay) } ?? delay...delay
    }
  }

  private func countStrays(_ windows: [SeenWindow], _ sorted: [Line], _ claims: [Int: [Claim]]) -> Int {
    let moments = windows.compactMap { moment($0.start) }
    guard let first = moments.min(), let last = moments.max() else { return 0 }
    var strays = 0
    var place = Self.firstPlace(in: sorted, notBefore: first)
    while place < sorted.count, sorted[place].time < last {
      if claims[place] == nil { strays += 1 }
      place += 1
    }
    return strays
  }

  private static func firstPlace(in lines: [Line], notBefore time: Int64) -> Int {
    var low = 0
    var high = lines.count
    while low < high {
      let middle = (low + high) / 2
      if lines[middle].time < time { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// As good as a straight line between powers of two makes it; 0 for what is less than 1.
  static func binaryLogarithm(_ number: Double) -> Double {
    number < 1 ? 0 : Double(number.exponent) + number.significand - 1
  }
}
