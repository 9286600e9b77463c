/// Appends a protobuf message field by field; the caller knows the schema.
struct ProtobufWriter {
  /// What was written so far.
  private(set) var bytes: [UInt8] = []

  /// An integer, an enumeration or a truth value.
  mutating func varint(_ field: Int, _ value: UInt64) {
    append(UInt64(field) << 3)
    append(value)
  }

  /// A signed integer of the schema's `int64`, negative ones in ten bytes.
  mutating func int64(_ field: Int, _ value: Int64) {
    varint(field, UInt64(bitPattern: value))
  }

  /// Eight bytes in little-endian order.
  mutating func fixed64(_ field: Int, _ value: UInt64) {
    append(UInt64(field) << 3 | 1)
    for shift in stride(from: 0, to: 64, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift)))
    }
  }

  /// UTF-8 text.
  mutating func string(_ field: Int, _ text: String) {
    delimited(field, Array(text.utf8))
  }

  /// A message in the message; `content` writes its fields.
  mutating func message(_ field: Int, _ content: (inout ProtobufWriter) -> Void) {
    var inner = ProtobufWriter()
    content(&inner)
    delimited(field, inner.bytes)
  }

  private mutating func delimited(_ field: Int, _ content: [UInt8]) {
    append(UInt64(field) << 3 | 2)
    append(UInt64(content.count))
    bytes += content
  }

  /// Seven bits a byte, the lowest first; the highest bit says that more follow.
  private mutating func append(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
