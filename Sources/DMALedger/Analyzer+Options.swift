extension Analyzer {
  /// What the user knows about the capture and the capture does not say.
  public struct Options: Sendable {
    /// Devices and groups to be answered for, whatever the capture shows of them.
    public var questions: [Question] = []
    var probeFields = ProbeFields()
    var declaredProbes: [(name: [UInt8], function: KernelFunction)] = []
    var declaredAddresses: [(address: UInt64, function: KernelFunction)] = []
    /// How many threads may read a source; what is said does not depend on it.
    public var jobs = 1
    package var limits = ReadingLimits()

    /// The windows of zstd frames that are decoded at the same time take at most so many bytes, in all analyzers with these
    /// options together; a frame that asks for more is not read. 128 MiB, as the `zstd` command has it.
    public var memoryLimit: Int {
      get { limits.windows.limit }
      set { limits.windows = WindowMemory(limit: max(0, newValue)) }
    }

    /// Decompressed bytes of each source behind which nothing is read; `nil` reads to the end.
    public var maxBytes: Int? {
      get { limits.mostBytes }
      set { limits.mostBytes = newValue.map { max(0, $0) } }
    }

    /// Whether large plain files may be mapped instead of read, which saves a copy. Where such a file is cut off
    /// while it is read, the system sends SIGBUS: a handler is set once for the process that turns it into a diagnostic
    /// and hands on what comes from elsewhere.
    public var mapsFiles = false
    /// What printk's clock is ahead of the trace's, in nanoseconds; where it is not said, it is found out.
    var clockOffset: Int64?

    /// Says how far printk's clock is ahead of the trace's: seconds with at most nine digits behind the point, and a sign.
    /// False where the text is no such number.
    public mutating func setClockOffset(_ seconds: String) -> Bool {
      guard let offset = ClockOffset.nanoseconds(seconds) else { return false }
      clockOffset = offset
      return true
    }
    /// Whether ``Analyzer/captureID`` is wanted: every byte is hashed then.
    public var identifiesContent = false

    /// How much is kept of a capture.
    package var kept = Limits()

    /// Nothing but the usual names.
    public init() {}

    /// Maps a probe field to its meaning: `device`, `driver`, `group`, `id`, `count`, `owner`, `new-owner` or
    /// `result`. False where the meaning is none of these.
    public mutating func addField(meaning: String, name: String) -> Bool {
      guard let known = ProbeFields.meaning(inWords: meaning) else { return false }
      probeFields.extra.append((Array(name.utf8), known))
      return true
    }

    /// The meaning that somebody may have had in mind who wrote `word` for it: a meaning, or the usual name of a field.
    public static func fieldMeaning(of word: String) -> String? {
      let name = Array(word.utf8)
      let usual = ProbeFields().meaning(name.span)
      return
        (ProbeFields.meaning(inWords: word) ?? usual.flatMap { ProbeFields.meaning(inWords: $0.rawValue) })?
        .rawValue
    }

    /// Says which kernel function a probe watches whose text has no symbol; `name` is that of the event, or the address
    /// as the text prints it. False where the function is none that bears on ownership.
    public mutating func addProbe(name: String, function: String) -> Bool {
      let symbol = Array(function.utf8)
      guard let known = KernelFunction.named(symbol.span) else { return false }
      let digits = name.hasPrefix("0x") ? name.dropFirst(2) : name[...]
      if (8...16).contains(digits.utf8.count), let address = UInt64(digits, radix: 16) {
        declaredAddresses.append((address, known))
      }
      declaredProbes.append((Array(name.utf8), known))
      return true
    }
  }
}
