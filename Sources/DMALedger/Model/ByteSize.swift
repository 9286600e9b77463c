/// A number of bytes as people write it: `64M`, `1G`, `4096`. Units are powers of 1024, as in zstd's own options.
public struct ByteSize: Sendable, Equatable {
  /// How many bytes.
  public var bytes: Int

  /// So many bytes.
  public init(bytes: Int) {
    self.bytes = bytes
  }

  /// Reads digits with a unit or none: `K`, `M`, `G` or `T`, also as `MB` or `MiB`, in any case. `nil` for anything else, and
  /// for what does not fit.
  public init?(_ text: String) {
    let digits = text.utf8.prefix { $0.isDigit }
    guard let number = Int(String(Substring(digits))) else { return nil }
    var unit = Substring(text.utf8.dropFirst(digits.count)).lowercased()
    if unit.hasSuffix("ib") { unit.removeLast(2) } else if unit.hasSuffix("b") { unit.removeLast() }
    guard let power = ["", "k", "m", "g", "t"].firstIndex(of: unit) else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << (10 * power))
    guard !overflow else { return nil }
    self.bytes = bytes
  }

  /// As `--memory-limit` takes it back: `128M`, `2G`, `1000`.
  public var option: String {
    for (power, unit) in [(40, "T"), (30, "G"), (20, "M"), (10, "K")]
    where bytes > 0 && bytes % (1 << power) == 0 {
      return "\(bytes >> power)\(unit)"
    }
    return "\(bytes)"
  }

  /// For a sentence: `128 MiB`, `2 GiB`, `1000 bytes`.
  public var words: String {
    for (power, unit) in [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")]
    where bytes > 0 && bytes % (1 << power) == 0 {
      return "\(bytes >> power) \(unit)"
    }
    return "\(bytes) bytes"
  }
}
