/// Says of lines whether they can be passed over unread.
protocol LineSieve {
  /// Whether the line of `length` bytes at `line` bears on nothing. At least 128 bytes can be read behind its end.
  func rejects(_ line: UnsafePointer<UInt8>, length: Int) -> Bool
}

/// A sieve that learns from the lines it lets through what may be passed over behind them.
protocol LineSifter: SendableMetatype {
  associatedtype Sieve: LineSieve
  var sieve: Sieve { get }
  /// A line that was kept.
  mutating func learn(_ line: Span<UInt8>)
}

/// Lets every line through.
struct OpenSieve: LineSieve {
  @inline(__always)
  func rejects(_ line: UnsafePointer<UInt8>, length: Int) -> Bool { false }
}
