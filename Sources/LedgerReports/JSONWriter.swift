/// Appends JSON text to a byte buffer, member by member, in the order of the calls.
///
/// The caller keeps the grammar: inside an object every value has a name, inside an array none has. A value
/// of `nil` writes nothing, name included. Everything that leaves this writer is safe to print: characters
/// that steer a terminal or reorder text are written as `\u` with four digits.
struct JSONWriter {
  /// How the elements of an object or an array are set.
  enum Layout {
    /// Each on a line of its own, indented by two spaces a level.
    case lines
    /// All on one line, and so is everything inside them.
    case oneLine
    /// The same without a blank: for data that no eye reads.
    case compact
  }

  /// What was written so far.
  private(set) var bytes: [UInt8] = []
  /// Objects and arrays that are still open, from the outside in.
  private var open: [Container] = []

  private struct Container {
    var layout: Layout
    var isEmpty = true
  }

  /// Ends the text with a newline.
  mutating func endLine() {
    bytes.append(Byte.newline)
  }

  // MARK: Members of an object

  /// A number with its name.
  mutating func member(_ name: String, _ value: Int?) {
    guard let value else { return }
    beginMember(name)
    append(value)
  }

  /// A number of thousandths with its name, exactly: `-0.017`, `6131601.000`.
  mutating func member(_ name: String, thousandths value: Int64) {
    beginMember(name)
    let digits = String(value.magnitude)
    let padded = String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    bytes.append(contentsOf: ((value < 0 ? "-" : "") + padded.dropLast(3) + "." + padded.suffix(3)).utf8)
  }

  /// A truth value with its name.
  mutating func member(_ name: String, _ value: Bool?) {
    guard let value else { return }
    beginMember(name)
    bytes.append(contentsOf: (value ? "true" : "false").utf8)
  }

  /// A string with its name.
  mutating func member(_ name: String, _ value: String?) {
    guard let value else { return }
    beginMember(name)
    append(quoting: value)
  }

  /// An object with its name.
  mutating func object(
    _ name: String, _ layout: Layout = .lines, members: (inout JSONWriter) -> Void
  ) {
    beginMember(name)
    enclose(Byte.openBrace, Byte.closeBrace, layout, members)
  }

  /// An array with its name, one element for each of `values`; `element` writes it.
  mutating func array<Values: Sequence>(
    _ name: String, of values: Values, element: (inout JSONWriter, Values.Element) -> Void
  ) {
    beginMember(name)
    enclose(Byte.openBracket, Byte.closeBracket, .lines) { json in
      for value in values { element(&json, value) }
    }
  }

  // MARK: Elements of an array, and the outermost value

  /// An object without a name.
  mutating func object(_ layout: Layout = .lines, members: (inout JSONWriter) -> Void) {
    beginElement()
    enclose(Byte.openBrace, Byte.closeBrace, layout, members)
  }

  /// An array of numbers with its name.
  mutating func numbers(_ name: String, _ values: [Int]) {
    beginMember(name)
    append(values)
  }

  /// An array of numbers without a name.
  mutating func numbers(_ values: [Int]) {
    beginElement()
    append(values)
  }

  /// A string without a name.
  mutating func string(_ value: String) {
    beginElement()
    append(quoting: value)
  }

  // MARK: Structure

  private mutating func enclose(
    _ opening: UInt8, _ closing: UInt8, _ layout: Layout, _ content: (inout JSONWriter) -> Void
  ) {
    // What stands on one line does so with all that is in it.
    let outer = open.last?.layout ?? .lines
    let inherited = outer == .lines ? layout : outer
    bytes.append(opening)
    open.append(Container(layout: inherited))
    content(&self)
    let closed = open.removeLast()
    if !closed.isEmpty, closed.layout == .lines { startLine() }
    bytes.append(closing)
  }

  private mutating func beginMember(_ name: String) {
    beginElement()
    append(quoting: name)
    bytes.append(Byte.colon)
    if open.last?.layout != .compact { bytes.append(Byte.space) }
  }

  private mutating func beginElement() {
    guard let container = open.last else { return }
    if !container.isEmpty { bytes.append(Byte.comma) }
    switch container.layout {
    case .lines: startLine()
    case .oneLine: if !container.isEmpty { bytes.append(Byte.space) }
    case .compact: break
    }
    open[open.count - 1].isEmpty = false
  }

  private mutating func startLine() {
    bytes.append(Byte.newline)
    for _ in open {
      bytes.append(Byte.space)
      bytes.append(Byte.space)
    }
  }

  // MARK: Values

  private mutating func append(_ values: [Int]) {
    bytes.append(Byte.openBracket)
    for (index, value) in values.enumerated() {
      if index > 0 { bytes.append(Byte.comma) }
      append(value)
    }
    bytes.append(Byte.closeBracket)
  }

  private mutating func append(_ value: Int) {
    bytes.append(contentsOf: String(value).utf8)
  }

  private mutating func append(quoting text: String) {
    bytes.append(Byte.quote)
    let plain = text.utf8.span
    // Nearly every string of a report is printable ASCII, lines of a capture with quotes in it.
    if plain.indices.allSatisfy({ plain[$0] >= 0x20 && plain[$0] < 0x7F }), !text.holdsBytes(of: "##[") {
      for index in plain.indices {
        if !Byte.isPlain(plain[index]) { bytes.append(Byte.backslash) }
        bytes.append(plain[index])
      }
    } else {
      // Printed on a CI runner, `##[error]` would be obeyed wherever it stands in a line.
      for scalar in text.unicodeScalars {
        if scalar == "[", bytes.suffix(2).elementsEqual("##".utf8) {
          append(unicodeEscape: UInt16(UInt8(ascii: "[")))
        } else {
          append(escaping: scalar)
        }
      }
    }
    bytes.append(Byte.quote)
  }

  private mutating func append(escaping scalar: Unicode.Scalar) {
    switch scalar {
    case "\"": bytes.append(contentsOf: #"\""#.utf8)
    case "\\": bytes.append(contentsOf: #"\\"#.utf8)
    case "\n": bytes.append(contentsOf: #"\n"#.utf8)
    case "\r": bytes.append(contentsOf: #"\r"#.utf8)
    case "\t": bytes.append(contentsOf: #"\t"#.utf8)
    case _ where scalar.steersOutput:
      // Above U+FFFF these are two: JSON has no longer escape.
      for unit in scalar.utf16 { append(unicodeEscape: unit) }
    default: bytes.append(contentsOf: scalar.utf8)
    }
  }

  private mutating func append(unicodeEscape unit: UInt16) {
    bytes.append(contentsOf: #"\u"#.utf8)
    for shift in [12, 8, 4, 0] as [UInt16] {
      let digit = UInt8(truncatingIfNeeded: unit >> shift) & 0xF
      bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
    }
  }
}

/// The bytes that JSON gives a meaning to.
private enum Byte {
  static let newline = UInt8(ascii: "\n")
  static let space = UInt8(ascii: " ")
  static let quote = UInt8(ascii: "\"")
  static let backslash = UInt8(ascii: "\\")
  static let comma = UInt8(ascii: ",")
  static let colon = UInt8(ascii: ":")
  static let openBrace = UInt8(ascii: "{")
  static let closeBrace = UInt8(ascii: "}")
  static let openBracket = UInt8(ascii: "[")
  static let closeBracket = UInt8(ascii: "]")

  /// Whether a byte stands for itself in a JSON string whatever surrounds it: printable ASCII.
  static func isPlain(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte < 0x7F && byte != quote && byte != backslash
  }
}

extension Unicode.Scalar {
  /// Whether it does something to a display instead of showing on it: C0 and C1 controls, line and paragraph
  /// separators, and the format characters, among them the bidi controls and the invisible ones.
  fileprivate var steersOutput: Bool {
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }
}
