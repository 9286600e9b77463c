extension String {
  /// The text with some of its scalars written differently; `nil` leaves one as it is.
  ///
  /// Scalars and not characters: a combining mark behind a `#` makes another character of it for Swift, while those
  /// who read the output see the `#`.
  func escaped(_ spelling: (Unicode.Scalar) -> String?) -> String {
    var result = ""
    result.reserveCapacity(utf8.count)
    for scalar in unicodeScalars {
      if let other = spelling(scalar) { result += other } else { result.unicodeScalars.append(scalar) }
    }
    return result
  }

  /// Whether the bytes of another text stand in this one.
  func holdsBytes(of other: String) -> Bool {
    utf8.contains(other.utf8)
  }
}
