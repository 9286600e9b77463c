/// How a text report may look: its width and whether escape sequences are welcome.
public struct TextStyle: Sendable {
  /// Columns to stay within.
  public var width: Int
  /// Colour and bold type by ANSI sequences.
  public var usesColor: Bool
  /// Whether the groups' counts are drawn, and with which characters.
  public var charts = Charts.none

  /// How a chart of characters is drawn.
  public enum Charts: Sendable {
    /// Not at all.
    case none
    /// With box-drawing characters.
    case unicode
    /// With what every terminal has.
    case ascii
  }

  /// A style; without arguments what fits a mail and a bug report.
  public init(width: Int = 100, usesColor: Bool = false) {
    self.width = max(60, width)
    self.usesColor = usesColor
  }
}

/// What a piece of text is, for a terminal that shows colours.
enum Ink {
  case plain, strong, dim, good, bad, doubtful

  var sequence: String {
    switch self {
    case .plain: ""
    case .strong: "\u{1B}[1m"
    case .dim: "\u{1B}[2m"
    case .good: "\u{1B}[32m"
    case .bad: "\u{1B}[1;31m"
    case .doubtful: "\u{1B}[33m"
    }
  }
}

/// Lines of text on their way to a terminal or a file.
///
/// Everything that comes from a capture passes through ``Printable/text(_:)`` first: names and lines are hostile.
struct TextCanvas {
  let style: TextStyle
  private(set) var text = ""

  init(style: TextStyle) {
    self.style = style
  }

  mutating func line(_ text: String = "", _ ink: Ink = .plain) {
    self.text += painted(text, ink)
    self.text += "\n"
  }

  /// Adds what was set on another canvas.
  mutating func append(_ other: TextCanvas) {
    text += other.text
  }

  func painted(_ text: String, _ ink: Ink) -> String {
    guard style.usesColor, ink != .plain else { return text }
    return ink.sequence + text + "\u{1B}[0m"
  }

  /// A paragraph, wrapped between words; every line begins with `indent` blanks, the first with `lead`.
  mutating func paragraph(_ words: String, indent: Int, lead: String? = nil, _ ink: Ink = .plain) {
    paragraph([(words, ink)], indent: indent, lead: lead)
  }

  /// A paragraph of runs, each in an ink of its own; the lead takes the ink of the first.
  mutating func paragraph(_ runs: [(words: String, ink: Ink)], indent: Int, lead: String? = nil) {
    let margin = String(repeating: " ", count: indent)
    var pieces = [(text: lead ?? margin, ink: runs.first?.ink ?? .plain)]
    var column = pieces[0].text.columns
    var isEmpty = true
    for (words, ink) in runs {
      for word in Self.words(in: words) {
        let columns = word.columns
        if !isEmpty, column + 1 + columns > style.width {
          line(pieces)
          pieces = [(margin, ink)]
          column = indent
          isEmpty = true
        }
        if pieces[pieces.count - 1].ink != ink { pieces.append(("", ink)) }
        if !isEmpty {
          pieces[pieces.count - 1].text += " "
          column += 1
        }
        pieces[pieces.count - 1].text += word
        column += columns
        isEmpty = false
      }
    }
    if !isEmpty || lead != nil { line(pieces) }
  }

  /// The pieces between which a line may end: `[line 12]` and `6.131601 s` stay together.
  private static func words(in text: String) -> [Substring] {
    var words: [Substring] = []
    // By bytes: whether characters belong together is asked of each, and takes longer than all else in a short report.
    for word in text.utf8.split(separator: UInt8(ascii: " ")).map(Substring.init) {
      let isUnit = word.utf8.first == UInt8(ascii: "s") && word.dropFirst().allSatisfy(\.isPunctuation)
      if let last = words.last,
        isUnit && last.last?.isNumber == true || last.utf8.suffix(5).elementsEqual("[line".utf8)
      {
        words[words.count - 1] = text[last.startIndex..<word.endIndex]
      } else {
        words.append(word)
      }
    }
    return words
  }

  private mutating func line(_ pieces: [(text: String, ink: Ink)]) {
    for piece in pieces { text += painted(piece.text, piece.ink) }
    text += "\n"
  }

  /// Cuts a text to what is left of the width.
  func fitted(_ text: some StringProtocol, from column: Int) -> String {
    let room = style.width - column
    return text.columns <= room ? String(text) : text.prefix(max(1, room - 1)) + "…"
  }
}

/// Text from a capture or a file name, made safe to show.
public enum Printable {
  /// Control and direction characters as visible escapes: nothing in a capture may move the cursor, colour the
  /// screen or turn the reading order. Nor may it command a CI runner, which obeys `::error::` where a line begins
  /// with it, and `##[error]` anywhere; wrapping may put any word at the beginning of a line.
  public static func text(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }), !text.holdsBytes(of: "::"),
      !text.holdsBytes(of: "##[")
    {
      return text
    }
    var safe = ""
    var last: Unicode.Scalar = " "
    let scalars = Array(text.unicodeScalars)
    for (index, scalar) in scalars.enumerated() {
      switch scalar {
      case _ where isHidden(scalar):
        // `\x9b` is a byte that is no UTF-8, in the name of a file.
        safe += scalar.isASCII ? "\\x" + hex(scalar.value, 2) : "\\u{" + hex(scalar.value, 4) + "}"
      case _ where last == " " && scalars[index...].starts(with: "::".unicodeScalars):
        safe += "\\x3a"
      case _ where scalars[index...].starts(with: "##[".unicodeScalars):
        safe += "\\x23"
      default:
        safe.unicodeScalars.append(scalar)
      }
      last = scalar
    }
    return safe
  }

  /// Whether a character does not show: it may do something instead.
  public static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
    default: false
    }
  }

  private static func hex(_ value: UInt32, _ digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}

extension String {
  /// Without the blanks at its end.
  func trimmingEnd() -> Substring {
    self[..<(lastIndex { $0 != " " }.map(index(after:)) ?? startIndex)]
  }

  func padded(_ width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - columns))
  }

  func leftPadded(_ width: Int) -> String {
    String(repeating: " ", count: max(0, width - columns)) + self
  }
}

extension StringProtocol {
  /// Columns on a terminal, where each character takes one. Nearly all text is ASCII, where no character has to be
  /// looked for.
  var columns: Int {
    utf8.allSatisfy { $0 < 0x80 } ? utf8.count : count
  }
}
