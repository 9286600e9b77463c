extension Array {
  /// Gives back room that is not needed any more. An array that has let elements go keeps theirs, and of thousands of groups
  /// each may have been the one with most of them.
  mutating func giveBackRoom() {
    guard capacity > 2 * count + 16 else { return }
    var fitting: [Element] = []
    fitting.reserveCapacity(count)
    fitting.append(contentsOf: self)
    self = fitting
  }
}
