/// What a reader of the report must know about how a source was read.
enum SourceRemarks {
  static func remarks(on source: SourceSummary, index: Int, _ decoder: TraceDecoder) -> [Diagnostic] {
    var remarks: [Diagnostic] = []
    if decoder.rawLines.isProved(records: decoder.records) {
      remarks.append(
        Diagnostic(
          level: .error, source: index, line: decoder.rawLines.firstLine,
          message: "this trace was printed with the option raw, hex or bin and cannot be read; "
            + "`echo noraw nohex nobin > trace_options` and read the trace again"))
    }
    if decoder.countsTicks {
      remarks.append(
        Diagnostic(
          level: .note, source: index,
          message:
            "its clock counts ticks and not time (counter, x86-tsc, uptime), so times are plain numbers of that clock. `echo global > trace_clock` before the next capture gives seconds"
        ))
    }
    if decoder.continued.count > 0 {
      let count = decoder.continued.count
      remarks.append(
        Diagnostic(
          level: .note, source: index, line: decoder.continued.firstLine,
          message:
            "\(counted(count, "line is", "lines are")) text without context (messages of several lines, "
            + "printk-msg-only); nothing was read from \(count == 1 ? "it" : "them")"))
    }
    if decoder.foreign.count > 0 {
      remarks.append(
        Diagnostic(
          level: .note, source: index, line: decoder.foreign.firstLine,
          message:
            "\(counted(decoder.foreign.count, "line is", "lines are")) not the kernel's "
            + "(firmware, programs on the console)"))
    }
    remarks += decoder.logNotes.remarks(source: index)
    let unparsed = source.unparsed.reduce(0) { $0 + $1.count }
    if unparsed > 0, let first = source.unparsed.map(\.firstLine).min() {
      remarks.append(
        Diagnostic(
          level: .warning, source: index, line: first,
          message:
            "\(unparsed) of \(counted(source.lines, "line")) \(unparsed == 1 ? "was" : "were") not understood, the first of them here"
        ))
    }
    return remarks
  }
}
