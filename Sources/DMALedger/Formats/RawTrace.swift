/// Lines of a trace that was printed with the kernel's option `raw`, `hex` or `bin`: not readable, and said so once.
///
///     110 0 12959724129 type: 354                         raw
///     0000006e 00000000 0000000329e8c459 type: 354        hex
///
/// With `bin` they are no text. Such a line looks like a damaged one of a trace that can be read, so only what stands
/// where records should begin is taken for it, and for nothing once a record was read behind it.
struct RawTrace {
  private(set) var count = 0
  /// The first of them, counted from 1; 0 where there is none.
  private(set) var firstLine = 0
  /// Whether one of them was `raw` or `hex`, which nothing else looks like.
  private var isCertain = false

  /// Whether the trace was printed so; `records`, those that were read since its header.
  func isProved(records: Int) -> Bool { isCertain || count > 0 && records == 0 }

  /// Takes note of the line if it is one; `isTrace` where a header of ftrace stands above it.
  mutating func take(_ line: Span<UInt8>, number: Int, isTrace: Bool, records: Int) -> Bool {
    let hasType = Self.hasType(line)
    guard hasType || isTrace && records == 0 && line.firstIndex(of: 0) != nil else { return false }
    if count == 0 { firstLine = number }
    count += 1
    isCertain = isCertain || hasType
    return true
  }

  private static func hasType(_ line: Span<UInt8>) -> Bool {
    guard let place = line.firstIndex(of: " type: "), place > 0, place < 48 else { return false }
    for index in 0..<place where line[index] != 0x20 && line[index].hexValue == nil { return false }
    return true
  }
}
