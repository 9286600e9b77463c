/// The arguments that a probe printed, ` name=value` each, known by the meaning of their names.
///
/// Strings are not escaped by the kernel: a quote ends one only where another argument or the line's end follows.
struct ProbeFields {
  /// What a field name means, in the words of `--field`.
  enum Meaning: String {
    case device, driver, group
    case groupID = "id"
    case count, owner
    case newOwner = "new-owner"
    case result, address, returnAddress
  }

  /// The meaning that a user may give a field; `nil` for any other word.
  static func meaning(inWords words: String) -> Meaning? {
    Meaning(rawValue: words).flatMap { $0 == .address || $0 == .returnAddress ? nil : $0 }
  }

  /// The user's own names, given with `--field`.
  var extra: [(name: [UInt8], meaning: Meaning)] = []

  /// Reads ` name=value …` from `index` on into `fields`; device pointers and names become names.
  func read(_ line: Span<UInt8>, from index: Int, isReturn: Bool, names: inout NameTable) -> CallFields {
    var fields = CallFields()
    var onlyArgument: Int64?
    var arguments = 0
    var cursor = ByteCursor(line, at: index)
    while nextName(&cursor) {
      let nameStart = cursor.index
      while cursor.peek().isWord { cursor.index += 1 }
      let name = line.extracting(nameStart..<cursor.index)
      cursor.index += 1
      let value = Self.takeValue(&cursor)
      arguments += 1
      if let place = extra.firstIndex(where: { $0.name.span.equals(name) }) {
        fields.extras |= 1 << UInt64(place & 63)
      }
      guard let meaning = meaning(name) else {
        if isReturn, name.hasText("arg1", at: 0), name.count == 4 {
          onlyArgument = Self.number(line, at: value.lowerBound)
        }
        continue
      }
      Self.store(line, value, as: meaning, in: &fields, names: &names)
    }
    // An unnamed `$retval` prints as `arg1`.
    if isReturn, fields.result == nil, arguments == 1 { fields.result = onlyArgument }
    return fields
  }

  /// The arguments of `func-args` and `funcgraph-args`: `dev=0xffff8bd0410a10d0, drv=0xffffffffc016b248`.
  func readArguments(_ line: Span<UInt8>, _ range: Range<Int>, names: inout NameTable) -> CallFields {
    var fields = CallFields()
    var start = range.lowerBound
    while start < range.upperBound {
      var end = start
      while end < range.upperBound, line[end] != 0x2C { end += 1 }
      var equals = start
      while equals < end, line[equals] != 0x3D { equals += 1 }
      if equals < end, let meaning = meaning(line.extracting(start..<equals)) {
        // A claim's `owner` argument is the one it asks for.
        let stored = meaning == .owner ? Meaning.newOwner : meaning
        Self.store(line, equals + 1..<end, as: stored, in: &fields, names: &names)
      }
      start = end + 1
      while start < range.upperBound, line[start] == 0x20 { start += 1 }
    }
    return fields
  }

  /// Moves to the next ` name=`.
  @_lifetime(cursor: copy cursor)
  private func nextName(_ cursor: inout ByteCursor) -> Bool {
    while let blank = cursor.bytes.firstIndex(of: 0x20, from: cursor.index) {
      var end = blank + 1
      while end < cursor.bytes.count, cursor.bytes[end].isWord { end += 1 }
      if end > blank + 1, end < cursor.bytes.count, cursor.bytes[end] == 0x3D {
        cursor.index = blank + 1
        return true
      }
      cursor.index = blank + 1
    }
    return false
  }

  @_lifetime(cursor: copy cursor)
  private static func takeValue(_ cursor: inout ByteCursor) -> Range<Int> {
    let bytes = cursor.bytes
    guard cursor.peek() == 0x22 else {
      let start = cursor.index
      while !cursor.isAtEnd, cursor.peek() != 0x20 { cursor.index += 1 }
      return start..<cursor.index
    }
    let start = cursor.index + 1
    var quote = start
    while let found = bytes.firstIndex(of: 0x22, from: quote) {
      if endsString(bytes, found) {
        cursor.index = found + 1
        return start..<found
      }
      quote = found + 1
    }
    cursor.index = bytes.count
    return start..<bytes.count
  }

  private static func endsString(_ bytes: Span<UInt8>, _ quote: Int) -> Bool {
    if quote + 1 == bytes.count { return true }
    guard bytes[quote + 1] == 0x20 else { return false }
    // `perf script -F +ip`: the address at which the record was taken.
    var address = ByteCursor(bytes, at: quote + 1)
    address.skipBlanks()
    if address.takeHex().map({ $0 > .max / 2 }) ?? false, address.isAtEnd || address.peek() == 0x20 {
      return true
    }
    var end = quote + 2
    while end < bytes.count, bytes[end].isWord { end += 1 }
    return end > quote + 2 && end < bytes.count && bytes[end] == 0x3D || bytes.hasText(" */", at: quote + 1)
  }

  private static func store(
    _ line: Span<UInt8>, _ value: Range<Int>, as meaning: Meaning, in fields: inout CallFields,
    names: inout NameTable
  ) {
    let text = line.extracting(value)
    if text.hasText("(fault)", at: 0) {
      fields.hasFault = true
      return
    }
    switch meaning {
    case .device:
      // A name says more than a pointer; whichever comes, the name wins.
      if fields.device == nil || !text.hasText("0x", at: 0) { fields.device = names.intern(text) }
    case .driver:
      if text.hasText("0x", at: 0) { return }
      fields.driver = names.intern(text)
    case .group:
      guard let number = number(line, at: value.lowerBound) else { return }
      // `grp` holds the pointer in one recipe and the id in another. Pointers are printed in hexadecimal and lie in
      // the upper half of the address space; a decimal 0 is an id, `0x0` is NULL.
      let bits = UInt64(bitPattern: number)
      if bits >= 1 << 24 || number == 0 && text.hasText("0x", at: 0) {
        fields.groupPointer = bits
      } else if fields.groupID == nil {
        fields.groupID = Int(number)
      }
    case .groupID: fields.groupID = number(line, at: value.lowerBound).map(Int.init)
    case .count: fields.count = number(line, at: value.lowerBound).map { Int(UInt32(truncatingIfNeeded: $0)) }
    case .owner: fields.owner = number(line, at: value.lowerBound).map(UInt64.init(bitPattern:))
    case .newOwner: fields.newOwner = number(line, at: value.lowerBound).map(UInt64.init(bitPattern:))
    case .result: fields.result = number(line, at: value.lowerBound)
    case .address, .returnAddress: break
    }
  }

  /// `255`, `-16`, `0xa`, `0xfffffffffffffff0`; with the option `fields` a byte is `(1)` or `'A'(65)`.
  static func number(_ line: Span<UInt8>, at index: Int) -> Int64? {
    var cursor = ByteCursor(line, at: index)
    if cursor.peek() == 0x27, cursor.peek(2) == 0x27 { cursor.index += 3 }
    _ = cursor.take(0x28)
    let isNegative = cursor.take(0x2D)
    if cursor.take("0x") { return cursor.takeHex().map(Int64.init(bitPattern:)) }
    if let value = cursor.takeDecimal() { return isNegative ? -Int64(value) : Int64(value) }
    return isNegative ? nil : longDecimal(&cursor)
  }

  /// `18446744073709551600`: what a negative number becomes in a field of the type `u64`.
  @_lifetime(cursor: copy cursor)
  private static func longDecimal(_ cursor: inout ByteCursor) -> Int64? {
    var value: UInt64 = 0
    var digits = 0
    while cursor.peek().isDigit {
      let (product, isLong) = value.multipliedReportingOverflow(by: 10)
      let (sum, isLonger) = product.addingReportingOverflow(UInt64(cursor.peek() & 0x0F))
      if isLong || isLonger { return nil }
      value = sum
      digits += 1
      cursor.index += 1
    }
    return digits > 0 ? Int64(bitPattern: value) : nil
  }

  /// What a field name means: the names of kernel-model 3.1, perf's, and the usual spellings.
  func meaning(_ name: Span<UInt8>) -> Meaning? {
    for entry in extra where entry.name.span.equals(name) { return entry.meaning }
    switch name.count {
    case 2: return name.is("id") ? .groupID : name.is("rc") || name.is("rv") ? .result : nil
    case 3:
      if name.is("dev") || name.is("bdf") { return .device }
      if name.is("drv") { return .driver }
      if name.is("grp") { return .group }
      if name.is("gid") { return .groupID }
      if name.is("cnt") { return .count }
      if name.is("own") { return .owner }
      if name.is("new") { return .newOwner }
      return name.is("ret") ? .result : nil
    case 4: return name.is("name") || name.is("devn") ? .device : name.is("rets") ? .result : nil
    case 5:
      if name.is("group") { return .group }
      if name.is("count") { return .count }
      return name.is("owner") ? .owner : nil
    case 6:
      if name.is("device") || name.is("devstr") { return .device }
      if name.is("driver") || name.is("drvstr") { return .driver }
      if name.is("grp_id") { return .groupID }
      if name.is("newown") { return .newOwner }
      return name.is("result") || name.is("retval") ? .result : nil
    case 7:
      if name.is("devname") { return .device }
      if name.is("drvname") { return .driver }
      if name.is("grp_ptr") { return .group }
      if name.is("groupid") || name.is("groupID") { return .groupID }
      return name.is("own_cnt") ? .count : nil
    case 8:
      if name.is("dev_name") { return .device }
      if name.is("drv_name") { return .driver }
      return name.is("group_id") ? .groupID : nil
    case 9:
      if name.is("owner_cnt") { return .count }
      return name.is("new_owner") ? .newOwner : name.is("group_ptr") ? .group : nil
    case 10: return name.is("__probe_ip") ? .address : nil
    case 11:
      if name.is("driver_name") { return .driver }
      if name.is("device_name") { return .device }
      return name.is("iommu_group") ? .group : name.is("group_owner") ? .owner : nil
    case 12: return name.is("__probe_func") ? .address : nil
    case 14: return name.is("iommu_group_id") ? .groupID : nil
    case 15: return name.is("__probe_ret_ip") ? .returnAddress : nil
    default: return nil
    }
  }
}

extension Span<UInt8> {
  func `is`(_ text: StaticString) -> Bool {
    count == text.utf8CodeUnitCount && hasText(text, at: 0)
  }
}
