/// How much of a source is read, and how much memory that may take.
package struct ReadingLimits: Sendable {
  /// The largest window that zstd itself accepts without being asked to, for one file at a time.
  static let usualWindow = 128 << 20

  /// Shared by everything that reads at the same time.
  package var windows = WindowMemory(limit: ReadingLimits.usualWindow)
  /// Decompressed bytes of a source behind which nothing is read; `nil` reads it to its end.
  package var mostBytes: Int?
}
