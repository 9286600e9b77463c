/// A path as the system knows it: bytes, which need not be text.
///
/// Every output calls it by its ``name``. Names of different paths differ, and a name leads back to its path.
public struct PathName: Sendable, Hashable, Comparable {
  /// The bytes as the system takes them, without the NUL at their end.
  public let bytes: [UInt8]

  /// The path with these bytes.
  public init(bytes: some Sequence<UInt8>) {
    self.bytes = Array(bytes)
  }

  /// The path whose bytes are those of a text.
  public init(_ text: String) {
    bytes = Array(text.utf8)
  }

  /// The path that a ``name`` stands for.
  public init(name: String) {
    var bytes: [UInt8] = []
    let text = name.utf8.span
    var place = 0
    while place < text.count {
      if let byte = Self.escape(in: text, at: place) {
        bytes.append(byte)
        place += 4
      } else {
        bytes.append(text[place])
        place += 1
      }
    }
    self.bytes = bytes
  }

  /// The path as text. Bytes that are no UTF-8 are written as `\xff`, and so is a backslash that would otherwise begin such
  /// an escape; nearly every name is its path, letter by letter. Hostile text.
  public var name: String { name { _ in false } }

  /// Standard input or output, where a path is asked for.
  public static let standardStream = PathName("-")

  /// Whether it stands for standard input or output.
  public var isStandardStream: Bool { self == .standardStream }

  /// By bytes: the same everywhere, whatever the locale.
  public static func < (left: PathName, right: PathName) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  /// The same path with more bytes behind it.
  package static func + (left: PathName, right: String) -> PathName {
    PathName(bytes: left.bytes + right.utf8)
  }

  /// The name, in which the bytes of some more characters are written as escapes.
  package func name(escaping isEscaped: (Unicode.Scalar) -> Bool) -> String {
    var text = ""
    var place = 0
    while place < bytes.count {
      let isAmbiguous = Self.escape(in: bytes.span, at: place) != nil
      if !isAmbiguous, let scalar = scalar(at: place), !isEscaped(scalar) {
        text.unicodeScalars.append(scalar)
        place += scalar.utf8.count
      } else {
        let digits = String(bytes[place], radix: 16)
        text += "\\x" + (digits.count < 2 ? "0" : "") + digits
        place += 1
      }
    }
    return text
  }

  /// Hands the path to a system call. One that holds a NUL would name another file there, and is none at all.
  package func withSystemPath<Result>(_ call: (UnsafePointer<CChar>) -> Result) -> Result? {
    if bytes.contains(0) { return nil }
    let terminated = bytes.map(CChar.init(bitPattern:)) + [0]
    // Safe: The array lives as long as the call, and ends in a NUL.
    return unsafe terminated.withUnsafeBufferPointer { room in unsafe room.baseAddress.map(call) }
  }

  /// The character that begins at a place; `nil` where the bytes are none.
  private func scalar(at place: Int) -> Unicode.Scalar? {
    let length =
      switch bytes[place] {
      case 0..<0x80: 1
      case 0xC2..<0xE0: 2
      case 0xE0..<0xF0: 3
      case 0xF0..<0xF5: 4
      default: 0
      }
    guard length > 0, place + length <= bytes.count else { return nil }
    return String(validating: bytes[place..<place + length], as: UTF8.self)?.unicodeScalars.first
  }

  /// The byte that an escape at a place stands for: a backslash, an x and two digits, small letters only.
  private static func escape(in text: Span<UInt8>, at place: Int) -> UInt8? {
    guard text.count - place >= 4, text[place] == UInt8(ascii: "\\"), text[place + 1] == UInt8(ascii: "x"),
      text[place + 2] < 0x41 || text[place + 2] > 0x5A, text[place + 3] < 0x41 || text[place + 3] > 0x5A,
      let high = text[place + 2].hexValue, let low = text[place + 3].hexValue
    else { return nil }
    return high << 4 | low
  }
}
