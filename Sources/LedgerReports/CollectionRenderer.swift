/// An output about any number of captures, written as they come.
///
/// The bytes of `begin`, of every `add` in turn and of `finish` make the file. A renderer keeps nothing of a
/// capture beyond what its format needs at the end, and says what that is; the same captures in the same order
/// give the same bytes.
public protocol CollectionRenderer: Sendable {
  /// What stands before the first capture.
  ///
  /// - Parameter total: How many captures will follow, where that is known. A renderer may promise this number to
  ///   its reader, so it has to be right.
  mutating func begin(total: Int?) -> [UInt8]

  /// What one capture adds.
  mutating func add(_ capture: CaptureRecord) -> [UInt8]

  /// What stands behind the last capture.
  mutating func finish() -> [UInt8]
}

extension CollectionRenderer {
  /// The whole output about captures that are at hand.
  public func rendered(_ captures: [CaptureRecord]) -> [UInt8] {
    var renderer = self
    var bytes = renderer.begin(total: captures.count)
    for capture in captures { bytes += renderer.add(capture) }
    return bytes + renderer.finish()
  }
}
