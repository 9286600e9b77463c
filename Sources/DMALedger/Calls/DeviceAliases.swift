/// Names behind device pointers: the function tracer prints `dev=0xffff8bd0410a10d0` where a probe on the same call
/// prints the name. One call that both saw is enough to know the device everywhere.
struct DeviceAliases {
  /// Pointers remembered; more stay pointers.
  private static let limit = 65_536
  private var names: [NameID: NameID] = [:]
  /// The same the other way round.
  private var pointers: [NameID: Set<NameID>] = [:]

  /// The name of a device, or the pointer where no name is known.
  func name(of device: NameID) -> NameID {
    names.isEmpty ? device : names[device] ?? device
  }

  /// Two observers of one call printed `first` and `second`: gives the better of the two and remembers what the
  /// pointer stands for.
  mutating func join(_ first: NameID, _ second: NameID, _ table: borrowing NameTable) -> NameID {
    guard first != second else { return first }
    let isFirstPointer = table.withBytes(first, Self.isPointer)
    let isSecondPointer = table.withBytes(second, Self.isPointer)
    switch (isFirstPointer, isSecondPointer) {
    case (true, false): remember(first, second)
    case (false, true):
      remember(second, first)
      return first
    case (false, false):
      // The memory of a device that is gone was given to another one.
      for pointer in pointers.removeValue(forKey: first) ?? [] { names[pointer] = nil }
    case (true, true): break
    }
    return second
  }

  private mutating func remember(_ pointer: NameID, _ name: NameID) {
    let former = names[pointer]
    guard names.count < Self.limit || former != nil, former != name else { return }
    if let former { pointers[former]?.remove(pointer) }
    names[pointer] = name
    pointers[name, default: []].insert(pointer)
  }

  /// Whether a name is a pointer as the function tracer prints it.
  static func isPointer(_ name: Span<UInt8>) -> Bool {
    name.hasText("0x", at: 0)
  }
}
