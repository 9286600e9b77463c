/// PCI addresses in text: `0000:03:00.0`, and `03:00.0` where the domain is left out.
enum PCIAddress {
  /// The address whose dot stands at `dot`.
  static func range(around dot: Int, in line: Span<UInt8>) -> Range<Int>? {
    guard dot >= 5, dot + 1 < line.count, line[dot + 1].hexValue != nil,
      dot + 2 >= line.count || !line[dot + 2].isWord
    else { return nil }
    for offset in [1, 2, 4, 5] where line[dot - offset].hexValue == nil { return nil }
    guard line[dot - 3] == 0x3A else { return nil }
    var start = dot - 5
    if start >= 5, line[start - 1] == 0x3A {
      var digits = start - 1
      while digits > 0, line[digits - 1].hexValue != nil { digits -= 1 }
      if start - 1 - digits >= 4 { start = digits }
    }
    return start..<dot + 2
  }

  /// The address with its domain.
  static func full(_ line: Span<UInt8>, _ range: Range<Int>) -> [UInt8] {
    var bytes: [UInt8] = range.count == 7 ? Array("0000:".utf8) : []
    for index in range { bytes.append(line[index]) }
    return bytes
  }

  /// The address at `start`.
  static func take(_ line: Span<UInt8>, at start: Int) -> Range<Int>? {
    guard let dot = line.firstIndex(of: 0x2E, from: start), dot - start <= 16,
      let range = range(around: dot, in: line), range.lowerBound == start
    else { return nil }
    return range
  }
}
