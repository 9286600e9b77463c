/// Whether the group that a probe printed is one.
///
/// Integers fetched through a NULL group are not zeroed: they show whatever the ring buffer held, often a plausible
/// `id=0 cnt=0`, or the values of an earlier event. The pointer decides where it was captured. Where it was not, a
/// device without a PCI address is not believed to be in a group unless a line has said so: platform devices on x86
/// have none at all.
enum GroupTrust {
  case unknown
  /// The pointer is NULL: the call has no effect.
  case null
  /// Most likely stale bytes.
  case doubted
  case group(GroupKey)

  /// Group numbers come from an IDA: the lowest free one. Nobody has a million groups.
  private static let highestID = 1 << 20

  static func judge(
    _ kind: OwnershipCallKind, _ fields: CallFields, device: NameID?, _ names: borrowing NameTable,
    knownID: Int?
  ) -> GroupTrust {
    let id = fields.groupID.flatMap { (0..<highestID).contains($0) ? $0 : nil }
    if let pointer = fields.groupPointer {
      return pointer == 0 ? .null : .group(GroupKey(pointer: pointer, id: id))
    }
    guard fields.groupID != nil else { return .unknown }
    guard let id else { return .doubted }
    // A claim, a release or a query of user space's container is given the group itself.
    guard kind.takesDevice, let device else { return .group(GroupKey(pointer: nil, id: id)) }
    if knownID == id {
      return .group(GroupKey(pointer: nil, id: id))
    }
    if !names.withBytes(device, isPCIAddress) { return .doubted }
    if let count = fields.count, count > 1 << 20 { return .doubted }
    return .group(GroupKey(pointer: nil, id: id))
  }

  /// `0000:03:00.0`
  static func isPCIAddress(_ name: Span<UInt8>) -> Bool {
    guard name.count >= 12 else { return false }
    let colon = name.count - 8
    for index in 0..<name.count {
      let byte = name[index]
      switch index - colon {
      case 0, 3: if byte != 0x3A { return false }
      case 6: if byte != 0x2E { return false }
      default: if byte.hexValue == nil { return false }
      }
    }
    return name[colon] == 0x3A
  }
}
