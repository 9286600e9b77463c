/// A place in a line, with the small readers that every dialect is made of.
///
/// A reader that finds what it wants moves the cursor behind it; one that does not leaves it where it was.
struct ByteCursor: ~Escapable {
  let bytes: Span<UInt8>
  var index: Int

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>, at index: Int = 0) {
    self.bytes = bytes
    self.index = index
  }

  var isAtEnd: Bool { index >= bytes.count }

  /// The byte `offset` places ahead, 0 behind the end: no dialect gives NUL a meaning.
  @inline(__always)
  func peek(_ offset: Int = 0) -> UInt8 {
    let place = index + offset
    return place < bytes.count ? bytes[place] : 0
  }

  @_lifetime(self: copy self)
  mutating func skipBlanks() {
    while index < bytes.count, bytes[index] == 0x20 { index += 1 }
  }

  @_lifetime(self: copy self)
  mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte, index < bytes.count else { return false }
    index += 1
    return true
  }

  @_lifetime(self: copy self)
  mutating func take(_ text: StaticString) -> Bool {
    guard bytes.hasText(text, at: index) else { return false }
    index += text.utf8CodeUnitCount
    return true
  }

  /// A decimal number of at most 18 digits.
  @_lifetime(self: copy self)
  mutating func takeDecimal() -> Int? {
    let start = index
    var value = 0
    while index < bytes.count, bytes[index].isDigit, index - start < 18 {
      value = value * 10 + Int(bytes[index] & 0x0F)
      index += 1
    }
    if index == start || peek().isDigit {
      index = start
      return nil
    }
    return value
  }

  /// Hexadecimal digits without prefix, at most 16.
  @_lifetime(self: copy self)
  mutating func takeHex() -> UInt64? {
    let start = index
    var value: UInt64 = 0
    while index < bytes.count, let digit = bytes[index].hexValue, index - start < 16 {
      value = value << 4 | UInt64(digit)
      index += 1
    }
    if index == start || peek().hexValue != nil {
      index = start
      return nil
    }
    return value
  }

  /// `sec.frac` in nanoseconds where there is a dot (the digits are scaled by how many they are), a plain integer
  /// as it is: clocks that count something else print no dot.
  @_lifetime(self: copy self)
  mutating func takeTime() -> (time: Nanoseconds, isSeconds: Bool)? {
    let start = index
    guard let whole = takeDecimal() else { return nil }
    guard peek() == 0x2E, peek(1).isDigit else { return (Nanoseconds(Int64(whole)), false) }
    index += 1
    var fraction = 0
    var digits = 0
    while index < bytes.count, bytes[index].isDigit {
      if digits < 9 {
        fraction = fraction * 10 + Int(bytes[index] & 0x0F)
        digits += 1
      }
      index += 1
    }
    while digits < 9 {
      fraction *= 10
      digits += 1
    }
    guard whole < 9_000_000_000 else {
      index = start
      return nil
    }
    return (Nanoseconds(Int64(whole) * 1_000_000_000 + Int64(fraction)), true)
  }

  /// Moves to the next `byte` at or behind the cursor.
  @_lifetime(self: copy self)
  mutating func skip(to byte: UInt8) -> Bool {
    guard let found = bytes.firstIndex(of: byte, from: index) else { return false }
    index = found
    return true
  }
}

extension Int {
  /// The sum, or the greatest number where it does not fit: a file may claim to have lost anything.
  package func clampedSum(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}

extension UInt8 {
  @inline(__always)
  var isDigit: Bool { self &- 0x30 < 10 }

  @inline(__always)
  var hexValue: UInt8? {
    switch self {
    case 0x30...0x39: self - 0x30
    case 0x61...0x66: self - 0x61 + 10
    case 0x41...0x46: self - 0x41 + 10
    default: nil
    }
  }

  @inline(__always)
  var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }

  /// A byte of a C identifier.
  @inline(__always)
  var isWord: Bool { isLetter || isDigit || self == 0x5F }

  /// A byte of a kernel symbol; compilers add suffixes behind a dot.
  @inline(__always)
  var isSymbol: Bool { isWord || self == 0x2E || self == 0x24 }
}
