/// Lines that no reader understood, counted by shape: format drift becomes a line in the report instead of silence.
struct LineShapes {
  /// Shapes kept apart; more are counted together.
  static let limit = 32
  private var shapes: [(shape: [UInt8], count: Int, firstLine: Int)] = []
  private var others = (count: 0, firstLine: 0)

  mutating func add(_ line: Span<UInt8>, number: Int) {
    let shape = Self.shape(of: line)
    for index in shapes.indices where shapes[index].shape == shape {
      shapes[index].count += 1
      return
    }
    if shapes.count < Self.limit {
      shapes.append((shape, 1, number))
    } else {
      if others.count == 0 { others.firstLine = number }
      others.count += 1
    }
  }

  /// Lines counted, whatever their shape.
  var total: Int { shapes.reduce(others.count) { $0 + $1.count } }

  /// The first of them.
  var firstLine: Int { shapes.first?.firstLine ?? others.firstLine }

  var summary: [UnparsedShape] {
    var all = shapes.map {
      UnparsedShape(
        shape: String(decoding: $0.shape, as: UTF8.self), count: $0.count, firstLine: $0.firstLine)
    }
    if others.count > 0 {
      all.append(UnparsedShape(shape: "(other shapes)", count: others.count, firstLine: others.firstLine))
    }
    return all
  }

  /// Numbers become `9`, words `x`, runs of blanks one blank, bytes that are no ASCII `?`; at most 60 bytes.
  private static func shape(of line: Span<UInt8>) -> [UInt8] {
    var shape: [UInt8] = []
    var index = 0
    while index < line.count, shape.count < 60 {
      let byte = line[index]
      var next = index + 1
      switch byte {
      case 0x30...0x39:
        while next < line.count, line[next].isDigit { next += 1 }
        shape.append(0x39)
      case _ where byte.isLetter:
        while next < line.count, line[next].isWord { next += 1 }
        shape.append(0x78)
      case 0x20, 0x09:
        while next < line.count, line[next] == 0x20 || line[next] == 0x09 { next += 1 }
        shape.append(0x20)
      case 0x21...0x7E:
        shape.append(byte)
      default:
        while next < line.count, line[next] < 0x20 || line[next] > 0x7E { next += 1 }
        shape.append(0x3F)
      }
      index = next
    }
    return shape
  }
}
