import DMALedger
@testable import LedgerReports

/// Files of records that somebody hands to `merge`, or as a baseline.
///
/// Input: the bytes of the file.
enum Records {
  private struct Reading {
    var captures: [CaptureRecord] = []
    var error: RecordsError?
    var completeBytes = 0
  }

  static func check(_ input: [UInt8]) {
    let whole = read(input, skipsChanges: false)
    var random = SplitMix(state: UInt64(input.count))
    let portions = read(input, skipsChanges: false, &random)
    require(describe(whole) == describe(portions), "portions change what is read")
    let short = read(input, skipsChanges: true)
    require(short.captures.count >= whole.captures.count, "captures without changes are fewer")
    require(whole.completeBytes <= input.count, "more is complete than there is")
    if let error = whole.error {
      require(error.offset <= input.count && error.line >= 1, "trouble outside of the file")
    }
    // What a torn file keeps is a file of its own.
    let kept = read(Array(input.prefix(whole.completeBytes)), skipsChanges: false)
    if whole.error?.isTornEnd != false {
      require(kept.error == nil, "the complete captures of a torn file cannot be read")
      require(kept.captures.count == whole.captures.count, "captures of a torn file are lost")
    }
    if !whole.captures.isEmpty { Collections.check(whole.captures) }
    for pair in zip(whole.captures, whole.captures.dropFirst()) {
      let comparison = CaptureComparison(good: pair.0.report, bad: pair.1.report)
      Outputs.checkText(ComparisonText.render(comparison, good: pair.0, bad: pair.1))
    }
  }

  private static func describe(_ reading: Reading) -> String {
    "\(reading.captures) \(reading.error.map { "\($0)" } ?? "") \(reading.completeBytes)"
  }

  private static func read(_ input: [UInt8], skipsChanges: Bool) -> Reading {
    var reading = Reading()
    var reader = RecordsReader(skipsChanges: skipsChanges)
    do throws(RecordsError) {
      try reader.read(input.span, into: &reading.captures)
      try reader.finish()
    } catch {
      reading.error = error
    }
    reading.completeBytes = reader.completeBytes
    return reading
  }

  private static func read(_ input: [UInt8], skipsChanges: Bool, _ random: inout SplitMix) -> Reading {
    var reading = Reading()
    var reader = RecordsReader(skipsChanges: skipsChanges)
    var place = 0
    do throws(RecordsError) {
      while place < input.count {
        let size = min(input.count - place, 1 + Int(random.next() % 300))
        try reader.read(input.span.extracting(place..<place + size), into: &reading.captures)
        place += size
      }
      try reader.finish()
    } catch {
      reading.error = error
    }
    reading.completeBytes = reader.completeBytes
    return reading
  }
}
