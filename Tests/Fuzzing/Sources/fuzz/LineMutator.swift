import CFuzzing

/// Changes that keep an input a text of lines: libFuzzer's own know bytes and words, and a ledger is about the order of
/// lines and about numbers in them.
enum LineMutator {
  static func mutate(_ room: UnsafeMutableBufferPointer<UInt8>, size: Int, seed: UInt64) -> Int {
    var random = SplitMix(state: seed)
    guard size > 0, random.next() % 2 == 0 else {
      return room.baseAddress.map { LLVMFuzzerMutate($0, size, room.count) } ?? 0
    }
    var lines = split(Array(room[0..<size]))
    for _ in 0...random.next() % 3 { change(&lines, &random) }
    let result = Array(Array(lines.joined(separator: [0x0A])).prefix(room.count))
    for (index, byte) in result.enumerated() { room[index] = byte }
    return max(1, result.count)
  }

  private static func split(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
  }

  private static func change(_ lines: inout [ArraySlice<UInt8>], _ random: inout SplitMix) {
    let place = Int(random.next() % UInt64(lines.count))
    let other = Int(random.next() % UInt64(lines.count))
    switch random.next() % 8 {
    case 0 where lines.count > 1: lines.remove(at: place)
    case 1: lines.insert(lines[other], at: place)
    case 2: lines.swapAt(place, other)
    case 3:
      let length = min(Int(random.next() % 8) + 1, lines.count - other)
      lines.insert(contentsOf: lines[other..<other + length], at: place)
    case 4 where lines.count > 1: lines.removeSubrange(min(place, other)..<max(place, other))
    case 5:
      lines[place] = lines[place].prefix(lines[place].count / 2) + lines[other].suffix(lines[other].count / 2)
    default: lines[place] = withOtherNumber(lines[place], like: lines[other], &random)
    }
    if lines.isEmpty { lines = [[]] }
  }

  private static func withOtherNumber(
    _ line: ArraySlice<UInt8>, like other: ArraySlice<UInt8>, _ random: inout SplitMix
  ) -> ArraySlice<UInt8> {
    guard let target = number(in: line, &random) else { return line }
    let source = number(in: other, &random).map { Array(other[$0]) } ?? []
    let numbers: [[UInt8]] = [
      source, Array("0".utf8), Array("1".utf8), Array("-16".utf8), Array("999999999999999999".utf8),
      Array("18446744073709551615".utf8), Array("2147483648".utf8), Array("\(random.next() % 100)".utf8),
    ]
    var changed = line
    changed.replaceSubrange(target, with: numbers[Int(random.next() % UInt64(numbers.count))])
    return changed
  }

  /// A run of digits.
  private static func number(in line: ArraySlice<UInt8>, _ random: inout SplitMix) -> Range<Int>? {
    guard !line.isEmpty else { return nil }
    let from = line.startIndex + Int(random.next() % UInt64(line.count))
    func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    guard let first = line[from...].firstIndex(where: isDigit) else { return nil }
    let end = line[first...].firstIndex { !isDigit($0) } ?? line.endIndex
    return first..<end
  }
}

/// The same numbers for the same seed on every machine.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
