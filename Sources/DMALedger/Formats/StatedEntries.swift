/// What the header of a trace says of the records below it: `entries-in-buffer/entries-written: 130/130`, or
/// `#130/130` in the latency format.
///
/// `trace` prints a line for each entry in the buffer, so fewer lines than entries show that the text is not the whole
/// trace: cut off, filtered, or the part of one CPU (`per_cpu/cpuN/trace` has the numbers of all CPUs in its header).
/// As many lines prove nothing: what was dropped is counted nowhere here. function_graph prints two entries on one line,
/// and latency tracers print a copy of the buffer, so only of `nop` and `function` is this known.
struct StatedEntries {
  /// Entries written and not in the buffer any more.
  private(set) var overwritten = 0
  /// Entries that the headers count, in all sections of the source.
  private(set) var entries = 0
  /// How many of them have a line.
  private(set) var present = 0

  /// Entries of the section at hand, where its header says it.
  private var section: Int?
  /// Lines that are no records of a known form and may stand for one.
  private var doubtfulLines = 0

  /// Entries that have no line.
  var missing: Int { entries - present }
  /// Whether the source has all that its headers count, and nothing was overwritten.
  var isWhole: Bool { entries > 0 && missing == 0 && overwritten == 0 }

  /// Reads `130/230` at a place of a header.
  mutating func read(_ line: Span<UInt8>, at place: Int, countsLines: Bool) {
    var cursor = ByteCursor(line, at: place)
    // More in the buffer than was ever written: no kernel prints that.
    guard let left = cursor.takeDecimal(), cursor.take("/"), let written = cursor.takeDecimal(),
      written >= left
    else { return }
    overwritten = overwritten.clampedSum(written - left)
    if countsLines { section = left }
  }

  /// A line that is no record of a known form.
  mutating func noteText() { doubtfulLines += 1 }

  /// The section ends that had so many records.
  mutating func endSection(records: Int) {
    if let section {
      entries = entries.clampedSum(section)
      present = present.clampedSum(min(section, records + doubtfulLines))
    }
    section = nil
    doubtfulLines = 0
  }
}
