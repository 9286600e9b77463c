/// Lines that tools print around the records.
enum SideNotes {
  static func opensBlock(_ line: Span<UInt8>) -> Bool {
    line.hasText("Kernel buffer statistics:", at: 0) || line.hasText("Events:", at: 0)
      || line.hasText("Buffer size in kilobytes", at: 0) || line.hasText("Buffer total size", at: 0)
      || line.hasText("Kprobe events:", at: 0)
  }

  static func isKnown(_ line: Span<UInt8>) -> Bool {
    line.hasText("version = ", at: 0) || line.hasText("registering plugin: ", at: 0)
      || line.hasText("overriding event (", at: 0) || line.hasText("Note: \"entries\"", at: 0)
      || line.hasText("recorded in the trace data", at: 0) || line.hasText("commit overrun: ", at: 0)
      || line.hasText("entries: ", at: 0) || line.hasText("bytes: ", at: 0)
      || line.hasText("oldest event ts: ", at: 0) || line.hasText("now ts: ", at: 0)
      || line.hasText("read events: ", at: 0) || line.hasText("Tracing is ", at: 0)
      || line.hasText("Error reading stack tracer", at: 0) || line.hasText("'trace' not valid for ", at: 0)
      || line.hasText("failed to open ", at: 0) || isRecordedAt(line) || isProbeDefinition(line)
  }

  /// `CPU0 data recorded at offset=0x1000` and `4096 bytes in size`.
  private static func isRecordedAt(_ line: Span<UInt8>) -> Bool {
    line.contains(" data recorded at offset=0x") || line.hasSuffix(" bytes in size")
  }

  /// A line of `dynamic_events`: `p:kprobes/kp_really really_probe dev=$arg1`, `r10:…`, `f:…`, `t:…`, `e:…`.
  private static func isProbeDefinition(_ line: Span<UInt8>) -> Bool {
    guard line.count > 4, [0x70, 0x72, 0x66, 0x74, 0x65, 0x73].contains(line[0]) else { return false }
    var cursor = ByteCursor(line, at: 1)
    _ = cursor.takeDecimal()
    guard cursor.take(":") else { return false }
    let start = cursor.index
    while !cursor.isAtEnd, cursor.peek().isWord { cursor.index += 1 }
    return cursor.index > start && cursor.peek() == 0x2F
  }
}
