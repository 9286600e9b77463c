/// Numbers the findings of one fingerprint: where a reader keeps one finding a fingerprint, two bugs that look alike
/// must not become one.
struct OccurrenceCounter {
  private var counts: [String: Int] = [:]

  /// The fingerprint with the number of this occurrence behind it, from 1.
  mutating func next(_ fingerprint: String) -> String {
    let number = (counts[fingerprint] ?? 0) + 1
    counts[fingerprint] = number
    return "\(fingerprint):\(number)"
  }
}
