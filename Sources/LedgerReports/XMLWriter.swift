/// Appends XML 1.0 text to a byte buffer, two blanks a level.
///
/// Every text has to have gone through ``Printable/text(_:)``, which leaves none of the characters that XML 1.0
/// forbids, control characters above all; the line breaks that renderers put between lines are allowed.
struct XMLWriter {
  private(set) var bytes: [UInt8] = []
  /// Elements written.
  private(set) var elements = 0
  private var depth: Int

  init(depth: Int = 0) {
    self.depth = depth
  }

  mutating func declaration() {
    bytes += #"<?xml version="1.0" encoding="UTF-8"?>"#.utf8
    bytes.append(UInt8(ascii: "\n"))
  }

  mutating func open(_ name: String, _ attributes: [(String, String)] = []) {
    start(name, attributes)
    append(">\n")
    depth += 1
  }

  mutating func close(_ name: String) {
    depth -= 1
    indent()
    append("</\(name)>\n")
  }

  mutating func empty(_ name: String, _ attributes: [(String, String)]) {
    start(name, attributes)
    append("/>\n")
  }

  mutating func element(_ name: String, _ attributes: [(String, String)] = [], text: String) {
    start(name, attributes)
    append(">")
    append(escaping: text)
    append("</\(name)>\n")
  }

  private mutating func start(_ name: String, _ attributes: [(String, String)]) {
    elements += 1
    indent()
    append("<\(name)")
    for (key, value) in attributes {
      append(" \(key)=\"")
      append(escaping: value)
      append("\"")
    }
  }

  private mutating func indent() {
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * depth))
  }

  private mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func append(escaping text: String) {
    let span = text.utf8.span
    for index in span.indices {
      let byte = span[index]
      switch byte {
      case UInt8(ascii: "&"): append("&amp;")
      case UInt8(ascii: "<"): append("&lt;")
      // Also in text: `]]>` must not stand in it.
      case UInt8(ascii: ">"): append("&gt;")
      case UInt8(ascii: "\""): append("&quot;")
      default: bytes.append(byte)
      }
    }
  }
}
