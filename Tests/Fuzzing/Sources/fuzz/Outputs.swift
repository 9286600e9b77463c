@testable import LedgerReports

/// What every output of a kind has to be, whatever its names say.
enum Outputs {
  /// Text for terminals, mails and runners: nothing in it may command them.
  static func checkText(_ text: String, hasColor: Bool = false) {
    var isInSequence = false
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": continue
      case "\u{1B}" where hasColor: isInSequence = true
      case "m" where isInSequence: isInSequence = false
      case _ where isInSequence:
        require("0123456789;[".unicodeScalars.contains(scalar), "a sequence that is no colour")
      case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{2028}"..."\u{202E}", "\u{2060}"..."\u{206F}",
        "\u{200B}"..."\u{200F}",
        "\u{FEFF}":
        require(false, "U+\(String(scalar.value, radix: 16)) in text")
      default: continue
      }
    }
  }

  static func checkJSON(_ bytes: [UInt8]) {
    if bytes.isEmpty { return }
    do throws(JSONError) {
      _ = try JSONValue(parsing: bytes.span)
    } catch {
      require(false, "JSON, byte \(error.offset): \(error.message)")
    }
  }

  /// Well-formed by the rules that names could break: tags in pairs, entities, no character that XML has not.
  static func checkXML(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    require(Array(text.utf8) == bytes, "XML is not UTF-8")
    for scalar in text.unicodeScalars {
      let isLegal =
        scalar == "\t" || scalar == "\n" || scalar == "\r"
        || scalar.value >= 0x20 && scalar.value != 0xFFFE && scalar.value != 0xFFFF
      require(isLegal, "a character that XML has not")
    }
    var open: [Substring] = []
    var rest = text[...]
    while let start = rest.firstIndex(where: { $0 == "<" || $0 == "&" }) {
      rest = rest[start...]
      if rest.first == "&" {
        let name = rest.dropFirst().prefix { $0 != ";" && $0 != "<" && $0 != "\n" }
        let isNumber =
          name.hasPrefix("#x") && UInt32(name.dropFirst(2), radix: 16) != nil
          || name.hasPrefix("#") && UInt32(name.dropFirst()) != nil
        require(
          isNumber || ["lt", "gt", "amp", "quot", "apos"].contains(name), "an entity that is none: \(name)")
        rest = rest.dropFirst(1 + name.count)
        continue
      }
      guard let end = rest.firstIndex(of: ">") else { return require(false, "a tag without an end") }
      let tag = rest[rest.index(after: rest.startIndex)..<end]
      rest = rest[rest.index(after: end)...]
      if tag.hasPrefix("?") || tag.hasPrefix("!") { continue }
      let name = tag.drop { $0 == "/" }.prefix { $0.isLetter || $0.isNumber || $0 == "-" }
      require(!name.isEmpty && !tag.dropFirst().contains("<"), "a tag without a name")
      if tag.hasPrefix("/") {
        require(open.popLast() == name, "tags are not in pairs")
      } else if !tag.hasSuffix("/") {
        open.append(name)
      }
    }
    require(open.isEmpty, "a tag stays open")
  }

  /// A page whose only scripts and handlers are its own.
  static func checkPage(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    require(Array(text.utf8) == bytes, "a page is not UTF-8")
    require(text.hasPrefix("<!doctype html>") || text.hasPrefix("<!DOCTYPE html>"), "no page")
    checkText(text)
    if scripts == 0 { scripts = count("<script", in: bytes) }
    require(count("<script", in: bytes) == scripts, "a script of the capture's")
    require(count("</script", in: bytes) == scripts, "the capture ends a script")
  }

  nonisolated(unsafe) private static var scripts = 0

  private static func count(_ word: String, in bytes: [UInt8]) -> Int {
    let wanted = Array(word.utf8)
    var count = 0
    for index in bytes.indices where bytes[index] == 0x3C {
      if bytes[index...].starts(with: wanted) { count += 1 }
    }
    return count
  }

  /// Packets, and in them fields whose lengths add up.
  static func checkProtobuf(_ bytes: [UInt8]) {
    var place = 0
    while place < bytes.count {
      let key = varint(bytes, &place)
      require(key == 0x0A, "field \(key) is no packet")
      let length = Int(varint(bytes, &place))
      require(place + length <= bytes.count, "a packet is longer than the trace")
      let end = place + length
      while place < end {
        let key = varint(bytes, &place)
        switch key & 7 {
        case 0: _ = varint(bytes, &place)
        case 1: place += 8
        case 2: place += Int(varint(bytes, &place))
        case 5: place += 4
        default: require(false, "a wire type that is none")
        }
        require(place <= end, "a field is longer than its packet")
      }
    }
  }

  private static func varint(_ bytes: [UInt8], _ place: inout Int) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while place < bytes.count {
      let byte = bytes[place]
      place += 1
      require(shift < 64, "a number that is too long")
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
    require(false, "the trace ends in a number")
    return 0
  }
}
