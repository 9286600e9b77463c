/// A clock offset as people write it.
enum ClockOffset {
  /// `-0.011303`, `+12`, `3.000000001`: seconds to nanoseconds, exactly; `nil` where it is no such number, or more than
  /// a century.
  static func nanoseconds(_ text: String) -> Int64? {
    var digits = text.utf8[...]
    let isNegative = digits.first == 0x2D
    if isNegative || digits.first == 0x2B { digits = digits.dropFirst() }
    let parts = digits.split(separator: 0x2E, maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = parts.first, !whole.isEmpty, let seconds = number(whole) else { return nil }
    var nanoseconds: Int64 = 0
    if parts.count == 2 {
      guard !parts[1].isEmpty, parts[1].count <= 9, var fraction = number(parts[1]) else { return nil }
      for _ in parts[1].count..<9 { fraction *= 10 }
      nanoseconds = fraction
    }
    guard seconds < 3_000_000_000 else { return nil }
    let value = seconds * 1_000_000_000 + nanoseconds
    return isNegative ? -value : value
  }

  private static func number(_ digits: Substring.UTF8View.SubSequence) -> Int64? {
    var value: Int64 = 0
    guard digits.count <= 10 else { return nil }
    for digit in digits {
      guard digit >= 0x30, digit <= 0x39 else { return nil }
      value = value * 10 + Int64(digit - 0x30)
    }
    return value
  }
}
