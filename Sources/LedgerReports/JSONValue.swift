/// What is wrong with a JSON text, and where.
package struct JSONError: Error {
  /// Bytes before it in the text.
  package var offset: Int
  package var message: String

  package init(offset: Int, message: String) {
    self.offset = offset
    self.message = message
  }
}

/// One value of a JSON text. What dmaledger never writes (null, fractions) has no value that anybody can take.
package struct JSONValue {
  package enum Kind {
    case string(String)
    case integer(Int)
    case bool(Bool)
    case array([JSONValue])
    case object([(name: String, value: JSONValue)])
    case null
    case fraction
  }

  /// Bytes before it in the text.
  package let offset: Int
  package let kind: Kind

  /// Reads a text that is one value and nothing else.
  package init(parsing text: Span<UInt8>) throws(JSONError) {
    var parser = JSONParser(text)
    self = try parser.document()
  }

  fileprivate init(_ offset: Int, _ kind: Kind) {
    self.offset = offset
    self.kind = kind
  }

  // MARK: What it is expected to be

  package func string() throws(JSONError) -> String {
    guard case .string(let text) = kind else { throw JSONError(offset: offset, message: "expected a string") }
    return text
  }

  package func integer() throws(JSONError) -> Int {
    guard case .integer(let number) = kind else {
      throw JSONError(offset: offset, message: "expected an integer")
    }
    return number
  }

  package func bool() throws(JSONError) -> Bool {
    guard case .bool(let truth) = kind else {
      throw JSONError(offset: offset, message: "expected true or false")
    }
    return truth
  }

  package func array() throws(JSONError) -> [JSONValue] {
    guard case .array(let values) = kind else {
      throw JSONError(offset: offset, message: "expected an array")
    }
    return values
  }

  package func object() throws(JSONError) -> JSONMembers {
    guard case .object(let members) = kind else {
      throw JSONError(offset: offset, message: "expected an object")
    }
    return JSONMembers(offset: offset, members: members)
  }
}

/// The members of an object, each taken once; what nobody takes is an error and not silence.
package struct JSONMembers {
  package let offset: Int
  private let members: [(name: String, value: JSONValue)]
  private var isTaken: [Bool]
  /// Where the next member most likely stands: readers ask in the order of the writer.
  private var next = 0

  fileprivate init(offset: Int, members: [(name: String, value: JSONValue)]) {
    self.offset = offset
    self.members = members
    isTaken = [Bool](repeating: false, count: members.count)
  }

  /// The value of a member that may be absent.
  package mutating func take(_ name: String) -> JSONValue? {
    var place = next
    if place >= members.count || members[place].name != name {
      guard let found = members.firstIndex(where: { $0.name == name }) else { return nil }
      place = found
    }
    isTaken[place] = true
    next = place + 1
    return members[place].value
  }

  /// The value of a member that has to be there.
  package mutating func need(_ name: String) throws(JSONError) -> JSONValue {
    guard let value = take(name) else {
      throw JSONError(offset: offset, message: "the member \"\(name)\" is missing")
    }
    return value
  }

  /// Fails where a member was not asked for.
  package func finish() throws(JSONError) {
    guard let place = isTaken.firstIndex(of: false) else { return }
    throw JSONError(
      offset: members[place].value.offset,
      message: "unknown member \"\(members[place].name)\"; a newer dmaledger may have written it")
  }
}

/// RFC 8259 and nothing beyond it. Objects with a name given twice are refused: readers differ on what they mean.
private struct JSONParser: ~Escapable {
  /// Deeper than anything that is written here, and far from the end of the stack.
  private static let deepest = 16
  /// More than a report can hold, whose groups and devices take room themselves: a value takes many times its text.
  private static let mostValues = 1 << 21
  /// No object that is written here has more members.
  private static let few = 32

  private let text: Span<UInt8>
  private var index = 0
  private var depth = 0
  private var values = 0

  @_lifetime(copy text)
  init(_ text: Span<UInt8>) {
    self.text = text
  }

  @_lifetime(self: copy self)
  mutating func document() throws(JSONError) -> JSONValue {
    let value = try value()
    skipBlanks()
    if index < text.count { throw failure("expected the end of the line") }
    return value
  }

  @_lifetime(self: copy self)
  private mutating func value() throws(JSONError) -> JSONValue {
    skipBlanks()
    values += 1
    if values > Self.mostValues { throw failure("more than \(Self.mostValues) values") }
    let start = index
    switch peek {
    case UInt8(ascii: "\""): return JSONValue(start, .string(try string()))
    case UInt8(ascii: "{"): return JSONValue(start, .object(try members()))
    case UInt8(ascii: "["): return JSONValue(start, .array(try elements()))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return JSONValue(start, try number())
    case UInt8(ascii: "t"):
      try word("true")
      return JSONValue(start, .bool(true))
    case UInt8(ascii: "f"):
      try word("false")
      return JSONValue(start, .bool(false))
    case UInt8(ascii: "n"):
      try word("null")
      return JSONValue(start, .null)
    default: throw failure("expected a value")
    }
  }

  @_lifetime(self: copy self)
  private mutating func members() throws(JSONError) -> [(name: String, value: JSONValue)] {
    var members: [(name: String, value: JSONValue)] = []
    // Of many, where to look through all of them would take the square of their number.
    var names: Set<String> = []
    try enter()
    skipBlanks()
    if take(UInt8(ascii: "}")) {
      depth -= 1
      return members
    }
    repeat {
      skipBlanks()
      let start = index
      guard peek == UInt8(ascii: "\"") else { throw failure("expected the name of a member") }
      let name = try string()
      if members.count == Self.few { names = Set(members.map(\.name)) }
      let isKnown =
        members.count < Self.few ? members.contains { $0.name == name } : !names.insert(name).inserted
      if isKnown {
        throw JSONError(offset: start, message: "the name \"\(name)\" is given twice")
      }
      skipBlanks()
      guard take(UInt8(ascii: ":")) else { throw failure("expected ':'") }
      members.append((name, try value()))
      skipBlanks()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw failure("expected ',' or '}'") }
    depth -= 1
    return members
  }

  @_lifetime(self: copy self)
  private mutating func elements() throws(JSONError) -> [JSONValue] {
    var elements: [JSONValue] = []
    try enter()
    skipBlanks()
    if take(UInt8(ascii: "]")) {
      depth -= 1
      return elements
    }
    repeat {
      elements.append(try value())
      skipBlanks()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw failure("expected ',' or ']'") }
    depth -= 1
    return elements
  }

  @_lifetime(self: copy self)
  private mutating func enter() throws(JSONError) {
    index += 1
    depth += 1
    if depth > Self.deepest { throw failure("nested deeper than \(Self.deepest) levels") }
  }

  @_lifetime(self: copy self)
  private mutating func number() throws(JSONError) -> JSONValue.Kind {
    let start = index
    let isNegative = take(UInt8(ascii: "-"))
    let first = index
    var number = 0
    while UInt8(ascii: "0")...UInt8(ascii: "9") ~= peek {
      let digit = Int(peek - UInt8(ascii: "0"))
      let (tens, isTooLong) = number.multipliedReportingOverflow(by: 10)
      // Counted downwards where negative, because there is one number more on that side.
      let (sum, isTooBig) = tens.addingReportingOverflow(isNegative ? -digit : digit)
      if isTooLong || isTooBig {
        throw JSONError(offset: start, message: "the number does not fit into 64 bits")
      }
      number = sum
      index += 1
    }
    if index == first { throw failure("expected a digit") }
    if text[first] == UInt8(ascii: "0"), index - first > 1 {
      throw JSONError(offset: start, message: "a number begins with a needless 0")
    }
    var isWhole = true
    if take(UInt8(ascii: ".")) {
      isWhole = false
      try digits()
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      isWhole = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      try digits()
    }
    return isWhole ? .integer(number) : .fraction
  }

  @_lifetime(self: copy self)
  private mutating func digits() throws(JSONError) {
    let start = index
    while UInt8(ascii: "0")...UInt8(ascii: "9") ~= peek { index += 1 }
    if index == start { throw failure("expected a digit") }
  }

  @_lifetime(self: copy self)
  private mutating func string() throws(JSONError) -> String {
    let start = index
    index += 1
    let first = index
    while index < text.count, text[index] >= 0x20, text[index] != UInt8(ascii: "\""),
      text[index] != UInt8(ascii: "\\")
    {
      index += 1
    }
    // Nearly every string is plain from end to end.
    if peek == UInt8(ascii: "\"") { return try decoded(text.extracting(first..<index), start) }
    index = first
    var bytes: [UInt8] = []
    while true {
      guard index < text.count else { throw JSONError(offset: start, message: "the string has no end") }
      switch text[index] {
      case UInt8(ascii: "\""): return try decoded(bytes.span, start)
      case UInt8(ascii: "\\"): try escape(into: &bytes)
      case 0..<0x20: throw failure("a control character stands unescaped in a string")
      default:
        bytes.append(text[index])
        index += 1
      }
    }
  }

  @_lifetime(self: copy self)
  private mutating func decoded(_ bytes: Span<UInt8>, _ start: Int) throws(JSONError) -> String {
    index += 1
    do {
      return String(copying: try UTF8Span(validating: bytes))
    } catch {
      throw JSONError(offset: start, message: "the string is not UTF-8")
    }
  }

  @_lifetime(self: copy self)
  private mutating func escape(into bytes: inout [UInt8]) throws(JSONError) {
    let start = index
    index += 2
    switch start + 1 < text.count ? text[start + 1] : 0 {
    case UInt8(ascii: "\""): bytes.append(UInt8(ascii: "\""))
    case UInt8(ascii: "\\"): bytes.append(UInt8(ascii: "\\"))
    case UInt8(ascii: "/"): bytes.append(UInt8(ascii: "/"))
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0C)
    case UInt8(ascii: "n"): bytes.append(0x0A)
    case UInt8(ascii: "r"): bytes.append(0x0D)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "u"):
      var value = try codeUnit()
      if 0xD800...0xDBFF ~= value, peek == UInt8(ascii: "\\"), index + 1 < text.count,
        text[index + 1] == UInt8(ascii: "u")
      {
        index += 2
        let low = try codeUnit()
        guard 0xDC00...0xDFFF ~= low else {
          throw JSONError(offset: start, message: "half a surrogate pair")
        }
        value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(value) else {
        throw JSONError(offset: start, message: "half a surrogate pair")
      }
      bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    default: throw JSONError(offset: start, message: "unknown escape")
    }
  }

  @_lifetime(self: copy self)
  private mutating func codeUnit() throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      switch peek {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(peek - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(peek - UInt8(ascii: "a") + 10)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(peek - UInt8(ascii: "A") + 10)
      default: throw failure("expected four hexadecimal digits")
      }
      index += 1
    }
    return value
  }

  @_lifetime(self: copy self)
  private mutating func word(_ word: StaticString) throws(JSONError) {
    for place in 0..<word.utf8CodeUnitCount {
      // Safe: The place is below the literal's own count.
      guard unsafe word.utf8Start[place] == peek else { throw failure("expected a value") }
      index += 1
    }
  }

  @_lifetime(self: copy self)
  private mutating func skipBlanks() {
    while peek == 0x20 || peek == 0x09 || peek == 0x0A || peek == 0x0D { index += 1 }
  }

  @_lifetime(self: copy self)
  private mutating func take(_ byte: UInt8) -> Bool {
    guard peek == byte, index < text.count else { return false }
    index += 1
    return true
  }

  /// The byte ahead, 0 behind the end.
  private var peek: UInt8 { index < text.count ? text[index] : 0 }

  private func failure(_ message: String) -> JSONError {
    JSONError(offset: index, message: index < text.count ? message : message + ", but the line ends")
  }
}
