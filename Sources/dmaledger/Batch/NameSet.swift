/// Names of captures, told apart by their bytes.
///
/// For Swift two texts are equal that only look the same, such as an accent as one character or as two. As names of files
/// they are two.
struct NameSet {
  private var names: Set<[UInt8]> = []

  var isEmpty: Bool { names.isEmpty }
  var count: Int { names.count }

  /// Whether the name is new.
  @discardableResult
  mutating func insert(_ name: String) -> Bool { names.insert(Array(name.utf8)).inserted }

  func contains(_ name: String) -> Bool { names.contains(Array(name.utf8)) }
}

/// Orders names by their bytes: the same everywhere, whatever the locale.
func isBefore(_ left: String, _ right: String) -> Bool {
  left.utf8.lexicographicallyPrecedes(right.utf8)
}

/// Whether two names are of the same bytes.
func isSame(_ left: String, _ right: String) -> Bool {
  left.utf8.elementsEqual(right.utf8)
}
