/// What the first lines of a file show that may be the part of one CPU: `per_cpu/cpuN/trace`.
///
/// The kernel prints the numbers of all CPUs in the header of each such file, so parts of one trace that was not
/// running any more have the same header, and each has lines of one CPU only.
package struct TraceHead: Sendable {
  /// The tracer and the numbers of entries, as they are printed.
  private var header: [UInt8] = []
  private var hasEntries = false
  /// The CPU of the first record; absent where there is none.
  private(set) var cpu: Int32?

  /// Lines that are looked at: a header has about a dozen.
  private static let mostLines = 64

  /// Looks at a regular file, or at bytes in memory; `nil` where it is none, cannot be read, or is no trace with such a
  /// header and with times.
  init?(of input: SourceInput, limits: ReadingLimits) {
    guard let opened = input.openToLook() else { return nil }
    let workspace = Workspace(block: 16 << 10)
    var reader = LineReader(opened.source(limits: limits, in: workspace), in: workspace)
    var decoder = TraceDecoder(fields: ProbeFields())
    var event = TraceEvent()
    var names = NameTable()
    var addresses = AddressBook()
    while reader.advance(), reader.number <= Self.mostLines {
      let line = reader.line
      let isEntries =
        line.firstIndex(of: "entries-in-buffer/entries-written: ") != nil
        || line.hasText("# latency: ", at: 0)
      if line.hasText("# tracer: ", at: 0) || isEntries {
        header += [UInt8](copying: line)
        hasEntries = hasEntries || isEntries
      }
      _ = decoder.decode(line, number: reader.number, into: &event, names: &names, addresses: &addresses)
      if decoder.records > 0, event.cpu >= 0 {
        // Without times nothing tells how parts go together.
        guard event.time != nil else { return nil }
        cpu = event.cpu
        break
      }
    }
    guard hasEntries else { return nil }
  }

  /// Whether two files have the same header, number for number.
  func hasHeader(of other: TraceHead) -> Bool { header == other.header }
}
