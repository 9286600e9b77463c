/// Says of lines whether they can be passed over unread.
protocol LineSieve {
  /// Whether the line of `length` bytes at `line` bears on nothing. At least 128 bytes can be read behind its end.
  func rejects(_ line: UnsafePointer<UInt8>, length: Int) -> Bool
}

/// Lets every line through.
struct OpenSieve: LineSieve {
  @inline(__always)
  func rejects(_ line: UnsafePointer<UInt8>, length: Int) -> Bool { false }
}
