/// Appends HTML to a text, element by element; what comes from a report goes through ``escaped(_:)``.
struct HTMLCanvas {
  /// What was written so far.
  private(set) var text = ""

  /// Markup that stands in this program's source; nothing from a report may be in it.
  mutating func markup(_ markup: StaticString) {
    text += "\(markup)"
  }

  /// A file of this program; nothing from a report may be in it.
  mutating func asset(_ bytes: [UInt8]) {
    text += String(decoding: bytes, as: UTF8.self)
  }

  /// Characters to be read, whatever they are.
  mutating func words(_ words: String) {
    text += Self.escaped(words)
  }

  /// Words in which what stands between backticks is typed as it is.
  mutating func prose(_ words: String) {
    for (index, part) in words.split(separator: "`", omittingEmptySubsequences: false).enumerated() {
      if index.isMultiple(of: 2) { self.words(String(part)) } else { element("code", String(part)) }
    }
  }

  /// An element with what `content` writes in it, on a line of its own where it is a block.
  mutating func element(
    _ name: StaticString, _ attributes: [(StaticString, String)] = [], isBlock: Bool = false,
    content: (inout HTMLCanvas) -> Void
  ) {
    open(name, attributes)
    content(&self)
    text += "</\(name)>"
    if isBlock { text += "\n" }
  }

  /// An element that holds nothing but text.
  mutating func element(
    _ name: StaticString, _ attributes: [(StaticString, String)], isBlock: Bool = false, _ words: String
  ) {
    element(name, attributes, isBlock: isBlock) { $0.words(words) }
  }

  /// An element without attributes that holds nothing but text.
  mutating func element(_ name: StaticString, isBlock: Bool = false, _ words: String) {
    element(name, [], isBlock: isBlock, words)
  }

  /// An element that cannot hold anything.
  mutating func emptyElement(_ name: StaticString, _ attributes: [(StaticString, String)]) {
    open(name, attributes)
    text += "\n"
  }

  private mutating func open(_ name: StaticString, _ attributes: [(StaticString, String)]) {
    text += "<\(name)"
    for (attribute, value) in attributes { text += " \(attribute)=\"\(Self.escaped(value))\"" }
    text += ">"
  }

  /// Text as an HTML text or attribute value: no markup, no control or direction character survives.
  static func escaped(_ text: String) -> String {
    let safe = Printable.text(text)
    guard safe.utf8.contains(where: { $0 < 0x40 && isMarkup($0) }) else { return safe }
    var escaped = ""
    for scalar in safe.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  private static func isMarkup(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "&"), UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "\""), UInt8(ascii: "'"): true
    default: false
    }
  }
}
