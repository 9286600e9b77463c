/// A number that is often absent, in no more room than the number takes: the greatest one stands for none. Calls are kept and
/// copied by the thousand, and an optional takes twice as much.
@propertyWrapper
package struct Sparse<Value: FixedWidthInteger & Sendable>: Sendable, Equatable {
  private var raw = Value.max

  package init() {}

  package init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

  package var wrappedValue: Value? {
    get { raw == .max ? nil : raw }
    set { raw = newValue ?? .max }
  }
}

/// A name that is often absent.
@propertyWrapper
package struct SparseName: Sendable, Equatable {
  private var index: Int32 = -1

  package init() {}

  package init(wrappedValue: NameID?) { self.wrappedValue = wrappedValue }

  package var wrappedValue: NameID? {
    get { index < 0 ? nil : NameID(index) }
    set { index = newValue?.index ?? -1 }
  }
}

/// A large value that is absent most of the time, in the room of a pointer. There are thousands of groups.
@propertyWrapper
struct Boxed<Value: Sendable>: Sendable {
  private var box: [Value] = []

  init() {}

  init(wrappedValue: Value?) { self.wrappedValue = wrappedValue }

  var wrappedValue: Value? {
    get { box.first }
    set { box = newValue.map { [$0] } ?? [] }
  }
}
